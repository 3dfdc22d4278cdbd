# shellcheck shell=bash
# Sourced by the scripts beside it: which program runs containers here, how it is called,
# and where figures are written. For bash 3.2, which macOS has, and later.
set -euo pipefail
# shellcheck disable=SC2034 # for the scripts
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=x86_64-unknown-linux-gnu
platform=linux/amd64

# fail TEXT [HINT [STATUS]]
fail() {
  printf 'error: %s\n' "$1" >&2
  [ -z "${2-}" ] || printf '\nhint: %s\n' "$2" >&2
  exit "${3:-1}"
}
say() { printf '%s\n' "$*" >&2; }

# The engine of REML_CONTAINER_ENGINE, or the first that answers.
engine=${REML_CONTAINER_ENGINE-}
case $engine in
docker | podman | buildah)
  command -v "$engine" >/dev/null || fail "there is no $engine on PATH" '' 6
  ;;
'')
  if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    engine=docker
  elif podman info >/dev/null 2>&1; then
    engine=podman
  elif buildah info >/dev/null 2>&1; then
    engine=buildah
  else
    fail 'no engine answers: looked for docker with buildx, podman, buildah' \
      'apt-get install buildah' 6
  fi
  ;;
*) fail "REML_CONTAINER_ENGINE: expected docker, podman or buildah, got $engine" '' 2 ;;
esac

# As whom programs run in the image: the caller, so that what they write is the caller's.
# Rootless podman and buildah map the caller into a user namespace, where buildah's 0 is the
# caller.
user=${REML_CONTAINER_USER:-$(id -u):$(id -g)}
[ "$(id -u)" = 0 ] || [ "$engine" != buildah ] || user=0:0

# in_image IMAGE [HOST:PLACE[:ro]]… -- COMMAND…
in_image() {
  local image=$1 mounts=() options=() container status=0
  shift
  while [ "$1" != -- ]; do
    mounts+=(-v "$1")
    shift
  done
  shift
  case $engine in
  docker) docker run --rm --platform "$platform" --user "$user" ${mounts[@]+"${mounts[@]}"} "$image" "$@" ;;
  podman)
    # Not relabelled: the folders are the caller's own.
    options=(--rm --platform "$platform" --security-opt label=disable --user "$user")
    [ "$(id -u)" = 0 ] || options+=(--userns keep-id)
    podman run "${options[@]}" ${mounts[@]+"${mounts[@]}"} "$image" "$@"
    ;;
  buildah)
    container=$(buildah from --pull-never "$image")
    buildah run --user "$user" ${mounts[@]+"${mounts[@]}"} "$container" -- "$@" || status=$?
    buildah rm "$container" >/dev/null
    return "$status"
    ;;
  esac
}

default_image() {
  echo "localhost/reml-toolchain:$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -1)"
}

# Milliseconds since 1970, as fine as this machine's date(1) tells.
now() {
  case $(date +%N) in
  *N) echo "$(date +%s)000" ;;
  *) date +%s%3N ;;
  esac
}

engine_version() {
  case $engine in
  docker) docker version --format '{{.Server.Version}}' ;;
  *) "$engine" --version | cut -d' ' -f3 ;;
  esac
}

# record COMMAND STATUS BYTES STEP=MS…: a line of metrics, in the form that
# src/toolchain/metrics.rs reads. BYTES is the image's size; empty where none was measured.
# What was measured is done, so a file that takes no line fails nothing.
record() {
  local command=$1 status=$2 bytes=$3 steps='' step
  shift 3
  for step; do steps="$steps${steps:+,}\"${step%%=*}\":${step#*=}"; done
  printf '{"schema":1,"time":"%s","command":"%s","target":"%s","versions":{"%s":"%s"},"milliseconds":{%s},%s"exit_status":%s}\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$command" "$target" "$engine" "$(engine_version)" \
    "$steps" "${bytes:+\"image_bytes\":$bytes,}" "$status" \
    >>"${REML_METRICS:-$root/toolchains/metrics.jsonl}" || say 'this run stands in no metrics'
}
