#!/usr/bin/env bash
# Measures the service under load, on this machine alone, and fails below the floors (benches/README.md).
#
# usage: benches/load.sh [sqlite|postgres|both]      six minutes for each database
#
# Needs wrk, Python 3 and, for PostgreSQL, its server programs and pgbench; nothing listens but on 127.0.0.1.
# TANGGUH_BENCH_INPUTS (300) and TANGGUH_BENCH_ROWS (50000) are how many inputs a round and a file have;
# TANGGUH_BENCH_SECONDS (5) is how long each figure is measured, TANGGUH_BENCH_ROUNDS (3) how often.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-both}" in
  sqlite) databases=(sqlite) ;;
  postgres) databases=(postgres) ;;
  both) databases=(sqlite postgres) ;;
  *)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
for tool in wrk python3; do
  command -v "$tool" >/dev/null || { echo "load: $tool is missing (apt-get install $tool)" >&2; exit 2; }
done
cargo build --release --bin tangguh --bench bare_sqlite
status=0
for database in "${databases[@]}"; do
  python3 benches/load.py "$database" || status=1
  python3 benches/process.py "$database" || status=1
  python3 benches/feed.py "$database" || status=1
  python3 benches/inputs.py "$database" || status=1
  python3 benches/webhooks.py "$database" || status=1
done
exit "$status"
