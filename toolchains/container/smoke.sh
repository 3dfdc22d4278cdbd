#!/usr/bin/env bash
# Looks whether an image does what it is for, within five minutes:
#
#   toolchains/container/smoke.sh [IMAGE]
#
# C and C++ are compiled and run, nothing outside the sysroot is linked, a program with the
# runtime is silent under Valgrind, one with a planted bug is not, and what is written into a
# mounted folder belongs to the caller. The time goes to toolchains/metrics.jsonl.
# shellcheck source=toolchains/container/engine.sh
. "$(dirname "$0")/engine.sh"
image=${1:-$(default_image)}
started=$(now)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Whom the program runs as may be another than the caller.
chmod 777 "$work"

cat >"$work/hello.c" <<'C'
#include <stdio.h>
int main(void) { return puts("hello from C") < 0; }
C
cat >"$work/hello.cpp" <<'C'
#include <iostream>
#include <stdexcept>
int main() {
  try { throw std::runtime_error("hello from C++"); }
  catch (const std::exception& e) { std::cout << e.what() << "\n"; }
}
C
cat >"$work/runtime.c" <<'C'
#include "reml_runtime.h"
int main(void) {
  void* box = reml_box_i64(41);
  inc_ref(box);
  print_i64(reml_unbox_i64(box) + 1);
  dec_ref(box);
#ifndef PLANTED
  dec_ref(box);
#endif
  return 0;
}
C
cat >"$work/smoke" <<'SH'
set -eux
cd /work
reml-toolchain verify
CC=x86_64-unknown-linux-gnu-clang
$CC hello.c -o hello -Wl,-t >linked
test "$(./hello)" = 'hello from C'
# What is linked and is neither the toolchain's nor the object just made.
if grep -v -e /opt/reml/toolchains/ -e '^/tmp/hello-' linked; then exit 1; fi
${CC}++ hello.cpp -o hello++
test "$(./hello++)" = 'hello from C++'
test "$(reml-toolchain run ./hello)" = 'hello from C'
for flavor in '' -DPLANTED; do
  # Valgrind 3.19 reads DWARF up to 4.
  $CC -gdwarf-4 -O1 $flavor "-I$REML_TOOLCHAIN_HOME/include" runtime.c "$REML_RUNTIME_PATH" -o "runtime$flavor"
done
watch() { valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$@"; }
test "$(watch ./runtime)" = 42
status=0
watch ./runtime-DPLANTED >/dev/null || status=$?
test "$status" = 99
SH

status=0
in_image "$image" "$work:/work" -- timeout 300 sh /work/smoke || status=$?
finished=$(now)
if [ "$status" = 0 ] && [ -z "${REML_CONTAINER_USER-}" ]; then
  [ -O "$work/hello" ] || fail "a file written in the image is not the caller's: $(ls -ln "$work/hello")"
fi
record container-smoke "$status" '' "total=$((finished - started))"
[ "$status" = 0 ] || fail "the image $image failed; the line above tells what" '' "$status"
say "$image: good, in $(((finished - started) / 1000)) s"
