#!/usr/bin/env bash
# Checks what starts the service in containers, as far as that goes without a container engine: docker-compose.yml
# against the schema of the Compose specification, its secrets against .env.example, and the Dockerfile with hadolint.
# usage: .ci/check-compose.sh [folder with the tools, when they are not on the PATH]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || PATH="$1:$PATH"

check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

failed=0
complain() {
  echo "check-compose: $*" >&2
  failed=1
}

# Every value that must be given stands empty in .env.example, and nothing in there has a value.
mapfile -t names < <(grep -oE '\$\{[A-Z_]+' docker-compose.yml | cut -c3- | sort -u)
for name in "${names[@]}"; do
  grep -qx "$name=" .env.example || complain "$name is used in docker-compose.yml and does not stand empty in .env.example"
done
while read -r line; do
  complain "'$line' in .env.example has a value, or docker-compose.yml does not use it"
done < <(grep -E '^[A-Za-z_]+=' .env.example | grep -vxF "$(printf '%s=\n' "${names[@]}")" || true)

# A secret comes from outside or not at all.
while read -r line; do
  complain "a secret must come from the environment and must be asked for (\${NAME:?…}): $line"
done < <(grep -nE '^ *[A-Z_]*(PASSWORD|SECRET|KEY|TOKEN)[A-Z_]*: *' docker-compose.yml | grep -vE ': +\$\{[A-Z_]+:\?[^}]+\}$' || true)
if grep -nE '^ *(ENV|ARG) .*(PASSWORD|SECRET|TOKEN|DATABASE_URL)' Dockerfile; then
  complain "the Dockerfile sets a secret"
fi

hadolint --no-color --failure-threshold info Dockerfile
exit "$failed"
