#!/usr/bin/env bash
# What a container runs: `worker`, `run ...`, or any other command of seedgrow. Works with a read-only root and any user:
# only $XDG_CACHE_HOME (photos), $HOME and /tmp are written to.
#
# Certificates: a folder as `seedgrow certs add` writes it, mounted at SEEDGROW_CERTS_MOUNT (/certs). A key that is mounted can
# be read by its group, which seedgrow refuses; so it is copied to where nobody else can. The list of revoked certificates
# stays where it is, for it changes.
set -euo pipefail

home="${SEEDGROW_HOME:-/opt/seedgrow}"
mount="${SEEDGROW_CERTS_MOUNT:-/certs}"

fail() {
  printf 'seedgrow: %s\nNext step: %s\n' "$1" "$2" >&2
  exit 2
}

need_writable() {
  [[ -n "$1" && -d "$1" && -w "$1" ]] || fail "user $(id -u) cannot write to ${1:-(unset)}" "$2"
}

take_certificates() {
  local file own
  [[ -z "${SEEDGROW_CERTS:-}" && -e "$mount/node.key" ]] || return 0
  [[ -r "$mount/node.key" ]] ||
    fail "user $(id -u) cannot read $mount/node.key" "fsGroup: $(id -g), or chown it."
  own="$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/certs-XXXXXX")"
  (umask 077 && cp "$mount/node.key" "$own/node.key")
  for file in node.crt ca.crt ca.crl; do
    if [[ -e "$mount/$file" ]]; then ln -s "$mount/$file" "$own/$file"; fi
  done
  export SEEDGROW_CERTS="$own"
}

need_writable "${TMPDIR:-/tmp}" "docker run --tmpfs /tmp, or an emptyDir at /tmp."
need_writable "${HOME:-}" "mount a volume or an emptyDir there, or set HOME."
export XDG_CACHE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}"
mkdir -p "$XDG_CACHE_HOME" 2> /dev/null || true
need_writable "$XDG_CACHE_HOME" "mount a volume or an emptyDir there."
take_certificates
# `run` is `train` that goes on with what an earlier container began. Where the run is and whom it talks to is said by
# variables, since resuming takes no others: SEEDGROW_RUNS, SEEDGROW_NATS, SEEDGROW_LISTEN, SEEDGROW_ADVERTISE.
train_or_resume() {
  local runs="${SEEDGROW_RUNS:-$HOME/runs}"
  local where=(--nats "${SEEDGROW_NATS:?}" --listen "${SEEDGROW_LISTEN:-0.0.0.0:7000}")
  where+=(--advertise "${SEEDGROW_ADVERTISE:-$(hostname -f):7000}" --json)
  if compgen -G "$runs/*/run.json" > /dev/null; then
    exec "$home/bin/seedgrow" resume latest --runs "$runs" "${where[@]}"
  fi
  exec "$home/bin/seedgrow" train "$@" --out "$runs" "${where[@]}"
}

case "${1:-}" in
  worker)
    export SEEDGROW_WORKER_NATS="${SEEDGROW_WORKER_NATS:-${SEEDGROW_NATS:-}}"
    export SEEDGROW_WORKER_HEALTH="${SEEDGROW_WORKER_HEALTH:-7003}"
    printf '%s\n' "$SEEDGROW_WORKER_HEALTH" > "${TMPDIR:-/tmp}/seedgrow-health"
    ;;
  run)
    shift
    train_or_resume "$@"
    ;;
esac
exec "$home/bin/seedgrow" "$@"
