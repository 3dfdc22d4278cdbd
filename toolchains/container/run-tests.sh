#!/usr/bin/env bash
# Runs the runtime's C tests in an image, with its compiler, against its archives:
#
#   toolchains/container/run-tests.sh [IMAGE]
#
# The tests are built here by cargo and mounted, as is the sources' folder, both read-only;
# programs run as the caller. Natively all of them run; under Valgrind those of
# runtime/tests/matrix.sh, where any error or leak ends with status 99. The times go to
# toolchains/metrics.jsonl.
# shellcheck source=toolchains/container/engine.sh
. "$(dirname "$0")/engine.sh"
image=${1:-$(default_image)}
suites='behaviour bad_input faults links'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say 'building the tests'
names=()
for suite in $suites watched; do names+=(--test "$suite"); done
(cd "$root" && cargo test --quiet -p reml-runtime "${names[@]}" --no-run --message-format json) |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' >"$work/list"
mkdir "$work/tests"
while read -r file; do
  name=$(basename "$file")
  cp "$file" "$work/tests/${name%-*}"
done <"$work/list"
for suite in $suites watched; do
  [ -x "$work/tests/$suite" ] || fail "cargo built no test program $suite"
done

cat >"$work/tests/all" <<'SH'
set -eu
export REML_TEST_ARCHIVES="$REML_TOOLCHAIN_HOME" REML_TEST_CC=x86_64-unknown-linux-gnu-clang
# One test calls readelf by its plain name.
mkdir /tmp/bin
printf '#!/bin/sh\nexec x86_64-unknown-linux-gnu-readelf "$@"\n' >/tmp/bin/readelf
chmod +x /tmp/bin/readelf
PATH=$PATH:/tmp/bin
case $1 in
native)
  for suite in SUITES; do /tests/"$suite" --quiet; done ;;
valgrind)
  REML_TEST_RUNNER='valgrind --quiet --error-exitcode=99 --leak-check=full' \
    /tests/behaviour --quiet objects boxes variadic
  /tests/watched --quiet --ignored valgrind ;;
esac
SH
sed -i.bak "s/SUITES/$suites/" "$work/tests/all"
chmod -R a+rX "$work"

status=0
started=$(now)
native=$started
finished=$started
mounts=("$work/tests:/tests:ro" "$root:/work:ro")
in_image "$image" "${mounts[@]}" -- sh /tests/all native || status=$?
native=$(now)
finished=$native
if [ "$status" = 0 ]; then
  in_image "$image" "${mounts[@]}" -- sh /tests/all valgrind || status=$?
  finished=$(now)
fi
record container-test "$status" '' "native=$((native - started))" \
  "valgrind=$((finished - native))" "total=$((finished - started))"
[ "$status" = 0 ] || fail "tests failed in $image" '' "$status"
say "$image: all tests passed: natively $(((native - started) / 1000)) s, under Valgrind $(((finished - native) / 1000)) s"
