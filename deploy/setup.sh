#!/usr/bin/env bash
# Makes a fresh clone ready to run: npm packages, the build, the TensorFlow engine and nats-server.
# Safe to run again at any time: what is there already is left alone.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
case "${XDG_CACHE_HOME:-}" in
  /*) cache="$XDG_CACHE_HOME/seedgrow" ;;
  *) cache="$HOME/.cache/seedgrow" ;;
esac
engine_only=false
build=true
gpu_elsewhere=false
nats=true
packages=()

usage() {
  cat <<'EOF'
usage: ./deploy/setup.sh [--engine-only] [--no-build] [--worker] [--help]

Installs what is missing: npm packages, the TypeScript build, the TensorFlow engine, nats-server.
Needs Node 20 or newer; no root. TensorFlow wants Python 3 with pip and a C++ compiler as well: without them, the
WebAssembly engine takes its place, 1.4 to 4 times slower. Where NVIDIA's driver shows a GPU, TensorFlow is the one for CUDA
(10 GB of disk while installing), and a GPU that it cannot use is an error, exit code 4.
  --engine-only   only the npm packages and the TensorFlow engine
  --no-build      do not compile the TypeScript sources
  --gpu-elsewhere build the engine for CUDA on a machine without a GPU, for an image
  --worker        only what a worker needs, of a copy that is built: no compiler, no tools for tests, no nats-server

environment:
  SEEDGROW_ENGINE             wasm: do not install TensorFlow; tensorflow: fail where it cannot be installed
  SEEDGROW_DEVICE             cpu: no CUDA, whatever is there; gpu: fail where CUDA cannot be used
  XDG_CACHE_HOME              where engine and nats-server are kept (default ~/.cache)
  SEEDGROW_TENSORFLOW_WHEEL   a TensorFlow wheel on this machine, instead of downloading one
  SEEDGROW_NATS_SERVER        the nats-server to use
EOF
}

say() { printf '%s\n' "$*"; }

fail() {
  say "setup: $1" "Next step: $2" >&2
  exit 1
}

parse_flags() {
  while (($# > 0)); do
    case "$1" in
      --engine-only) engine_only=true ;;
      --no-build) build=false ;;
      --gpu-elsewhere) gpu_elsewhere=true ;;
      --worker) build=false nats=false packages=(--omit=dev) ;;
      --help | -h) usage && exit 0 ;;
      *) usage >&2 && fail "unknown flag $1" "use one of the flags above." ;;
    esac
    shift
  done
}

check_node() {
  command -v node > /dev/null || fail "Node is missing." "install Node 20 or newer, for example from https://nodejs.org."
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 12) ? 0 : 1)' ||
    fail "Node $(node --version) is too old." "install Node 20.12 or newer."
}

# Runs one noisy step: its output goes to a log, of which a failure shows the end.
quietly() {
  local name="$1" next_step="$2" log
  shift 2
  log="$(mktemp)"
  SECONDS=0
  if ! "$@" > "$log" 2>&1 < /dev/null; then
    tail -n 20 "$log" | sed 's/^/    /' >&2
    rm -f "$log"
    fail "$name failed (above: the end of its output)." "$next_step"
  fi
  rm -f "$log"
  say "$name: done (${SECONDS} s)"
}

setup_packages() {
  if node deploy/npm-current.mjs "${packages[@]}"; then
    say "npm packages: already as package-lock.json asks"
    return
  fi
  say "npm packages: installing ..."
  quietly "npm packages" "check the network or the npm registry setting (npm config get registry), then run this again." \
    npm ci "${packages[@]}"
}

# Without TensorFlow everything works, on Node alone: that is said, and no reason to stop.
setup_engine() {
  if [[ "${SEEDGROW_ENGINE:-}" == wasm ]]; then
    say "engine: WebAssembly, as SEEDGROW_ENGINE asks; TensorFlow is not installed"
    return
  fi
  local code=0 flags=()
  if [[ "$gpu_elsewhere" == true ]]; then flags=(--gpu-elsewhere); fi
  node deploy/engine.mjs "${flags[@]}" || code=$?
  if ((code == 0)); then return; fi
  # 4: there is a GPU, or one was asked for, and it cannot be used. Nothing slower takes its place unasked.
  if ((code == 4)); then exit 4; fi
  if [[ "$engine_only" == true || "${SEEDGROW_ENGINE:-}" == tensorflow ]]; then exit 1; fi
  say "engine: WebAssembly in place of TensorFlow: the same training, 1.4 to 4 times slower (docs/ENGINES.md)"
}

sources_hash() {
  find cli coordinator worker shared wasm proto scripts tsconfig*.json package-lock.json -type f ! -name '*.test.ts' -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

setup_build() {
  local hash
  hash="$(sources_hash)"
  if [[ -f dist/.sources && "$(< dist/.sources)" == "$hash" ]]; then
    say "build: dist/ is current"
    return
  fi
  say "build: compiling ..."
  quietly "build" "mend the sources named above (npm run types shows all errors)." npm run build
  printf '%s\n' "$hash" > dist/.sources
}

# The same places in the same order as findNatsServer in shared/tool-paths.ts.
find_nats() {
  if [[ -n "${SEEDGROW_NATS_SERVER:-}" ]]; then
    [[ -x "$SEEDGROW_NATS_SERVER" ]] || fail "SEEDGROW_NATS_SERVER=$SEEDGROW_NATS_SERVER cannot be executed." "correct or unset it."
    say "$SEEDGROW_NATS_SERVER"
    return
  fi
  PATH="$PATH:/usr/sbin:$cache/nats" command -v nats-server
}

# Debian's package, unpacked without installing it: that needs no root. Only root may refresh the package lists, and
# only a fresh container has none. Chained with && because `set -e` rests while `quietly` tests a step.
fetch_nats() {
  cd "$1" &&
    { apt-get download nats-server || { [[ "$(id -u)" == 0 ]] && apt-get update && apt-get download nats-server; }; } &&
    dpkg-deb -x nats-server_*.deb tree &&
    mkdir -p "$cache/nats" &&
    mv "$(find "$1/tree" -type f -name nats-server -path '*bin/*')" "$cache/nats/nats-server"
}

setup_nats() {
  local path work
  if path="$(find_nats)"; then
    say "$("$path" --version), $path"
    return
  fi
  [[ -z "${SEEDGROW_NATS_SERVER:-}" ]] || exit 1
  local next="install nats-server 2.9 or newer (https://nats.io/download) on the PATH, or name it in SEEDGROW_NATS_SERVER."
  command -v apt-get > /dev/null || fail "nats-server is missing and this system has no apt-get." "$next"
  say "nats-server: fetching Debian's package ..."
  mkdir -p "$cache"
  work="$(mktemp -d "$cache/.nats-XXXXXX")"
  # shellcheck disable=SC2064  # expanded now, because `work` is local
  trap "rm -rf '$work'" EXIT
  (quietly "nats-server" "$next" fetch_nats "$work")
}

parse_flags "$@"
cd "$root"
check_node
setup_packages
setup_engine
if [[ "$engine_only" == true ]]; then exit 0; fi
if [[ "$build" == true ]]; then setup_build; fi
if [[ "$nats" == true ]]; then setup_nats; fi
