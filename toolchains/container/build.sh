#!/usr/bin/env bash
# Builds the image, with docker buildx, podman or buildah, whichever answers:
#
#   toolchains/container/build.sh (--base NAME@sha256:… | --rootfs FILE) [--tag NAME]
#       [--tool FILE] [--runtime FOLDER] [--cache FOLDER] [--push REGISTRY/NAME:TAG] [--offline]
#
# --base     the base image, by digest
# --rootfs   a tar of a Debian 12 root file system instead, as mmdebstrap makes it
# --tag      the image's name; localhost/reml-toolchain:VERSION when absent
# --tool     the program; target/release/reml-toolchain when absent, built if need be
# --runtime  a toolchain in which `reml-toolchain build-runtime --cross` has put the runtime;
#            toolchains/x86_64-unknown-linux-gnu when absent
# --cache    where packages are that were fetched already; toolchains/cache when absent
# --push     where the image goes once it is built and checked
# --offline  fetch nothing: the cache has all packages, and the base has Valgrind
#
# Packages that the cache lacks are fetched inside and checked like all others. A line with
# the times and the image's size is added to toolchains/metrics.jsonl.
# REML_CONTAINER_ENGINE names the engine. REML_REGISTRY_PLAIN=1 pushes over plain http.

# shellcheck source=toolchains/container/engine.sh
. "$(dirname "$0")/engine.sh"
started=$(now)

base='' rootfs='' tag='' tool='' push='' offline=''
runtime=$root/toolchains/$target cache=$root/toolchains/cache
while [ $# -gt 0 ]; do
  case $1 in
  --offline)
    offline=1
    shift
    continue
    ;;
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" | grep -v '^shellcheck'
    exit 0
    ;;
  esac
  [ $# -ge 2 ] || fail "$1: expected a value" "$0 --help" 2
  case $1 in
  --base) base=$2 ;;
  --rootfs) rootfs=$2 ;;
  --tag) tag=$2 ;;
  --tool) tool=$2 ;;
  --runtime) runtime=$2 ;;
  --cache) cache=$2 ;;
  --push) push=$2 ;;
  *) fail "unknown option $1" "$0 --help" 2 ;;
  esac
  shift 2
done
if [ -n "$rootfs" ]; then
  [ -z "$base" ] || fail 'expected one of --base and --rootfs, got both' "$0 --help" 2
  [ -f "$rootfs" ] || fail "--rootfs: there is no file $rootfs" '' 2
else
  [ -n "$base" ] || fail 'expected one of --base and --rootfs' "$0 --help" 2
  case $base in
  *@sha256:*) ;;
  *) fail "--base: expected a digest, NAME@sha256:…, got $base" "docker buildx imagetools inspect $base" 2 ;;
  esac
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/project/bin" "$work/project/runtime" "$work/cache"

# What goes in: the program, the two files that decide, the runtime.
if [ -z "$tool" ]; then
  tool=$root/target/release/reml-toolchain
  [ -x "$tool" ] || (cd "$root" && cargo build --release)
fi
[ "$(head -c 4 "$tool" | tail -c 3)" = ELF ] ||
  fail "$tool is no Linux program" 'build it on Linux x86_64, and name it: --tool FILE'
cp "$tool" "$work/project/bin/reml-toolchain"
cp "$root/versions.toml" "$root/checksums.txt" "$work/project/"
for flavor in release debug; do
  [ -f "$runtime/share/runtime-$flavor.json" ] || fail "$runtime has no runtime" \
    'reml-toolchain prepare, then reml-toolchain build-runtime --cross'
done
(cd "$runtime" && tar -cf - include lib/libreml_runtime*.a lib/pkgconfig share/reml share/runtime-*.json) |
  tar -xf - -C "$work/project/runtime"
cp "$here/Containerfile" "$here/dpkg.cfg" "$work/"
tag=${tag:-$(default_image)}

[ ! -d "$cache/pool" ] || cp -R "$cache/pool" "$work/cache/"

# The base out of a tar has a name of this machine and, as its identity, the tar's own hash.
if [ -n "$rootfs" ]; then
  base=localhost/reml-base:$({ sha256sum "$rootfs" || shasum -a 256 "$rootfs"; } 2>/dev/null | cut -c1-16)
  case $engine in
  docker) docker import --platform "$platform" "$rootfs" "$base" >/dev/null ;;
  podman) podman import --quiet "$rootfs" "$base" >/dev/null ;;
  buildah)
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$rootfs" / >/dev/null
    buildah commit --quiet --rm "$container" "$base" >/dev/null
    ;;
  esac
fi
staged=$(now)

args=(--platform "$platform" --build-arg "BASE=$base" --build-arg "REML_TOOLCHAIN_OFFLINE=$offline" \
  --tag "$tag" --file "$work/Containerfile" "$work")
case $engine in
docker) docker buildx build --load "${args[@]}" ;;
*) "$engine" build "${args[@]}" ;;
esac
built=$(now)

# One measure for every engine: what the files take up, each counted once.
bytes=$(user=0:0 && in_image "$tag" -- du -sx --block-size=1 / | cut -f1)
case $bytes in
'' | *[!0-9]*) fail "the image's size is not known: du said $bytes" ;;
esac
finished=$(now)
record container-build 0 "$bytes" "stage=$((staged - started))" "build=$((built - staged))" \
  "total=$((finished - started))"
say "$tag: $((bytes / 1000000)) MB, built by $engine in $(((finished - started) / 1000)) s"

if [ -n "$push" ]; then
  plain=()
  [ "${REML_REGISTRY_PLAIN-}" != 1 ] || plain=(--tls-verify=false)
  case $engine in
  docker) docker tag "$tag" "$push" && docker push "$push" ;;
  podman) podman push ${plain[@]+"${plain[@]}"} "$tag" "docker://$push" ;;
  buildah) buildah push ${plain[@]+"${plain[@]}"} "$tag" "docker://$push" ;;
  esac
  say "pushed: $push"
fi
