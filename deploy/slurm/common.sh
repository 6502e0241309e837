# What train.sbatch and workers.sbatch share; sourced, never run.
# shellcheck shell=bash

fail() {
  printf 'seedgrow: %s\nNext step: %s\n' "$1" "$2" >&2
  exit 2
}

# The machine's name as the others know it: what its certificate must have.
node_name() { printf '%s\n' "${SLURMD_NODENAME:-$(hostname -s)}"; }

# A path of settings in which %h stands for the machine's name.
for_this_node() { printf '%s\n' "${1//%h/$(node_name)}"; }

# Slurm signals every process of a job at once, so the worker hears SIGTERM itself; a second one, from here, would make
# it drop the piece in hand. A wait that a signal breaks off is begun again.
await_child() {
  local code=0
  while :; do
    code=0
    wait "$1" || code=$?
    kill -0 "$1" 2> /dev/null || return "$code"
  done
}

# One worker, started again after a crash, never after a signal or where a setting is wrong.
keep_worker() {
  local is_leaving=false code pid
  trap 'is_leaving=true' TERM INT
  SEEDGROW_WORKER_CERTS="$(for_this_node "${SEEDGROW_WORKER_CERTS:-${SEEDGROW_CERTS:-}}")"
  [[ -z "$SEEDGROW_WORKER_CERTS" ]] || export SEEDGROW_WORKER_CERTS
  while :; do
    "$SEEDGROW_HOME/bin/seedgrow" worker --id "slurm-$SLURM_JOB_ID-$SLURM_PROCID" &
    pid=$!
    code=0
    await_child "$pid" || code=$?
    if [[ "$is_leaving" == true ]] || ((code == 0 || code == 2)); then exit "$code"; fi
    printf 'seedgrow: worker %s ended with %s; it starts again\n' "$SLURM_PROCID" "$code" >&2
    sleep 5
  done
}

# Where workers elsewhere reach this machine: any free port, told under its own name.
listen_to_cluster() {
  export SEEDGROW_WORKER_LISTEN="${SEEDGROW_WORKER_LISTEN:-0.0.0.0:0}"
  export SEEDGROW_WORKER_ADVERTISE="${SEEDGROW_WORKER_ADVERTISE:-$(node_name):0}"
}
