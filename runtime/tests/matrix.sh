#!/bin/sh
# The checks of the runtime that need tools beside Rust and cc, one step a name:
#
#   sh runtime/tests/matrix.sh [STEP]...        (default: all but `sysroot`, `miri`)
#
# Debian packages: gcc g++ binutils valgrind clang-19 lld-19 llvm-19 libclang-rt-19-dev
# qemu-user libc6-dev-arm64-cross libgcc-12-dev-arm64-cross libmimalloc-dev, and the
# rustup target aarch64-unknown-linux-gnu. A tool that is missing fails its step.
#
# Step `sysroot` links against a prepared toolchain, whose compiler REML_X86_CC names
# (…/bin/x86_64-unknown-linux-gnu-clang). Step `cross` uses Debian's cross packages unless
# REML_ARM_CC (…/bin/aarch64-unknown-linux-gnu-clang) and REML_ARM_RUNNER (qemu-aarch64 -L
# …/sysroot) name another toolchain.
# Step `miri` needs `rustup +nightly component add miri rust-src`. It interprets what needs
# neither assembly nor C: the counting under several schedules, and the pure parts.
# REML_TEST_LLVM lists the LLVM majors of the `ir` step (default: 19).
set -eu
cd "$(dirname "$0")/../.."

suite='--test behaviour --test bad_input --test faults --test links'
run() { cargo test --quiet -p reml-runtime "$@"; }

# shellcheck disable=SC2048 # each word is a step
for step in ${*:-header clang lld valgrind sanitizers leaks ir cross mutants}; do
    echo "== runtime: $step"
    case $step in
    header)
        run --test interface -- --ignored ;;
    clang)
        REML_TEST_CC='clang-19' run $suite ;;
    lld)
        REML_TEST_CC='clang-19 -fuse-ld=lld -Wno-unused-command-line-argument' \
            run --test links -- --include-ignored ;;
    valgrind)
        run --test watched -- --ignored valgrind
        # Every good program of the suite is watched, too.
        REML_TEST_RUNNER='valgrind --quiet --error-exitcode=99 --leak-check=full' \
            run --test behaviour -- objects boxes variadic ;;
    sanitizers)
        run --test watched -- --ignored sanitizer ;;
    leaks)
        # Not `fork`: the debug allocator has a lock, which a child may inherit taken.
        run --test watched -- --ignored debug_archive
        REML_TEST_FLAVOR=debug REML_DEBUG_EXIT=fail run --test behaviour -- --skip fork
        run --features debug --test graphs ;;
    ir)
        run --test ir -- --ignored ;;
    miri)
        MIRIFLAGS='-Zmiri-many-seeds=0..8' cargo +nightly miri test --quiet -p reml-runtime \
            --lib -- abi:: class:: clock:: count:: object:: text:: ;;
    mutants)
        run --test mutants -- --ignored ;;
    cross)
        run --test archive -- --ignored
        REML_TEST_TARGET=aarch64-unknown-linux-gnu \
        REML_TEST_CC="${REML_ARM_CC:-clang-19 --target=aarch64-linux-gnu -fuse-ld=lld -Wno-unused-command-line-argument}" \
        REML_TEST_RUNNER="${REML_ARM_RUNNER:-qemu-aarch64 -L /usr/aarch64-linux-gnu}" \
            run $suite ;;
    sysroot)
        : "${REML_X86_CC:?names the clang of a prepared toolchain}"
        REML_TEST_TARGET=x86_64-unknown-linux-gnu REML_TEST_CC="$REML_X86_CC" run $suite ;;
    *)
        echo "no such step: $step" >&2
        exit 2 ;;
    esac
done
