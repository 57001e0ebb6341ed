#!/usr/bin/env bash
# Takes the safeguards away, one by one, and wants each loss to be noticed.
#
# A patch in tests/mutants/ removes one safeguard. It begins with lines that say how it dies, and goes on as a diff:
#
#     # why: what would go wrong if this were missing, in a sentence
#     # test: the filter for `cargo test --test api` that must fail (one part of tests' paths)
#     # dies: build            only when the compiler refuses it; otherwise it must compile, and a test must fail
#     diff --git a/src/… b/src/…
#
# usage: tests/mutants.sh            all of them
#        tests/mutants.sh NAME…      some, by file name without .patch
#        tests/mutants.sh --list     their names and why
#        tests/mutants.sh --check    only that there are enough, that each says how it dies, and still applies (seconds)
#
# What is mutated is the last commit with the uncommitted changes of tracked files, in a work tree of its own; the
# tree that you work in is never touched. Builds go to target/mutants and share the dependencies there.
set -euo pipefail
cd "$(dirname "$0")/.."

# Fewer than this many patches are a mistake.
readonly FEWEST=${TANGGUH_MUTANTS_FEWEST:-10}
# A test that hangs without its safeguard has failed too, but not before this many seconds.
readonly LIMIT=${TANGGUH_MUTANTS_LIMIT:-600}
readonly PATCHES=$PWD/tests/mutants

export CARGO_TARGET_DIR=$PWD/target/mutants
export CARGO_TERM_COLOR=never
export TANGGUH_TEST_REQUIRE_POSTGRES=${TANGGUH_TEST_REQUIRE_POSTGRES:-1}

die() {
  echo "mutants: $*" >&2
  exit 2
}

# header NAME KEY: the value of a patch's header line, or nothing.
header() {
  sed -n "/^diff /q; s/^# $2: *//p" "$PATCHES/$1.patch" | head -n 1
}

mapfile -t all < <(find "$PATCHES" -maxdepth 1 -name '*.patch' -printf '%f\n' 2>/dev/null | sed 's/\.patch$//' | sort)

mode=run
chosen=()
for argument in "$@"; do
  case $argument in
    --list | --check) mode=${argument#--} ;;
    -h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "tests/mutants.sh"; exit 0 ;;
    -*) die "unknown option $argument" ;;
    *) [ -f "$PATCHES/$argument.patch" ] || die "there is no tests/mutants/$argument.patch"; chosen+=("$argument") ;;
  esac
done

if [ "$mode" = list ]; then
  for name in "${all[@]}"; do
    printf '%-36s %s\n' "$name" "$(header "$name" why)"
  done
  exit 0
fi

if [ ${#chosen[@]} -eq 0 ]; then
  [ ${#all[@]} -ge "$FEWEST" ] || die "there are ${#all[@]} patches, and there must be at least $FEWEST"
  chosen=("${all[@]}")
fi

# Always the same folder for this repository, so that a second run builds on the first one's artefacts.
work=${TMPDIR:-/tmp}/tangguh-mutants-$(id -u)-$(printf %s "$PWD" | sha256sum | head -c 12)
tree=$work/tree
mkdir -p "$work"
exec 9> "$work.lock"
flock --nonblock 9 || die "another run is at it"
clean_up() {
  git worktree remove --force "$tree" 2>/dev/null || true
  rm -rf "$work"
  git worktree prune
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# A commit of what is in the tree now: the last one, when nothing has changed.
revision=$(git -c user.name=mutants -c user.email=mutants@localhost stash create)
revision=${revision:-$(git rev-parse HEAD)}
git worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"
git worktree prune
git worktree add --quiet --detach "$tree" "$revision"

original() {
  git -C "$tree" reset --quiet --hard "$revision"
  git -C "$tree" clean --quiet -fd
}

wrong=0
for name in "${chosen[@]}"; do
  [ -n "$(header "$name" test)" ] || { echo "mutants: $name does not name its test" >&2; wrong=1; }
  [ -n "$(header "$name" why)" ] || { echo "mutants: $name does not say why" >&2; wrong=1; }
  case $(header "$name" dies) in
    '' | build) ;;
    *) echo "mutants: $name dies of something unknown" >&2; wrong=1 ;;
  esac
  git -C "$tree" apply --check "$PATCHES/$name.patch" || { echo "mutants: $name no longer applies" >&2; wrong=1; }
done
[ "$wrong" -eq 0 ] || exit 1
if [ "$mode" = check ]; then
  echo "${#chosen[@]} mutants apply"
  exit 0
fi

build() {
  (cd "$tree" && cargo test --locked --quiet --test api --no-run) 9>&-
}

# run FILTER…: the tests whose path contains a filter.
run() {
  (cd "$tree" && timeout "$LIMIT" cargo test --locked --quiet --test api -- "$@") 9>&-
}

# Without a mutation everything passes, or the failures below would mean nothing.
filters=()
for name in "${chosen[@]}"; do filters+=("$(header "$name" test)"); done
echo "building and testing the tree as it is"
build > "$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; die "the tree does not build as it is"; }
(cd "$tree" && cargo test --locked --quiet --test api -- --list) > "$work/tests" 2>/dev/null
for i in "${!chosen[@]}"; do
  grep -F -- "${filters[$i]}" "$work/tests" | grep -q ': test$' || die "${chosen[$i]}: no test is called ${filters[$i]}"
done
run "${filters[@]}" > "$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; die "the tests fail without any mutation"; }

survivors=0
table=()
for i in "${!chosen[@]}"; do
  name=${chosen[$i]} started=$SECONDS
  expected=$(header "$name" dies)
  original
  git -C "$tree" apply "$PATCHES/$name.patch"
  log=$work/$name.log
  if ! build > "$log" 2>&1; then
    fate='build fails'
    reason=$(grep -m 1 -E '^error' "$log" || true)
    [ "$expected" = build ] || { fate='BROKEN: does not compile'; survivors=$((survivors + 1)); }
  elif [ "$expected" = build ]; then
    fate='SURVIVED: compiles' reason='' survivors=$((survivors + 1))
  else
    code=0
    run "${filters[$i]}" > "$log" 2>&1 || code=$?
    reason=$(grep -m 1 -E '^test result: FAILED|^test .* FAILED' "$log" || true)
    case $code in
      0) fate='SURVIVED' survivors=$((survivors + 1)) ;;
      124) fate='tests hang' ;;
      *) fate='tests fail' ;;
    esac
  fi
  table+=("$(printf '%-36s %-26s %5s s  %s' "$name" "$fate" $((SECONDS - started)) "${reason:0:90}")")
  echo "${table[-1]}"
  case $fate in SURVIVED* | BROKEN*) tail -n 15 "$log" | sed 's/^/    /' ;; esac
done

printf '\n== mutants\n'
printf '%s\n' "${table[@]}"
echo "$((${#chosen[@]} - survivors)) of ${#chosen[@]} died as they should, in $SECONDS s"
[ "$survivors" -eq 0 ]
