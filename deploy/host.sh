#!/usr/bin/env bash
# The part of `seedgrow hosts` that runs on a worker's machine, over ssh. All of it lies in one folder, ~/.seedgrow:
#   bundles/DIGEST   the program     packages/DIGEST   what npm installs for it     current -> the bundle in use
#   node/            certificates    slots/N.env .pid .state   logs/N.log           cache/   engine, npm's and photos
# Whoever has called holds standard input open: when it ends, so does what was begun, and what was begun goes.
set -euo pipefail

home="$HOME/.seedgrow"
bundle="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# As TimeoutStopSec of the unit: longer than any piece of work with its hand-over.
drain_s=120
ready_s="${SEEDGROW_READY_S:-180}"
engine=auto was_fresh=false task="" packages="" begun=() tails=()
umask 077

tell() {
  printf '%s' "$1"
  shift
  printf '\t%s' "$@"
  printf '\n'
}

supervisor_of() {
  local pid
  pid="$(cat "$home/slots/$1.pid" 2> /dev/null)" || return 1
  # The number may be another process's by now.
  tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "supervise.sh $home $1 " || return 1
  printf '%s\n' "$pid"
}

slots_here() {
  local file
  for file in "$home"/slots/*.env; do
    if [[ -e "$file" ]]; then basename "$file" .env; fi
  done
}

# Drains; kills what does not end, and whatever that leaves in its session.
stop_slot() {
  local pid i
  if pid="$(supervisor_of "$1")"; then
    kill -TERM "$pid" 2> /dev/null || true
    for ((i = 0; i < drain_s * 5; i++)); do
      kill -0 "$pid" 2> /dev/null || break
      sleep 0.2
    done
    kill -KILL -- "-$pid" 2> /dev/null || true
  fi
  rm -f "$home/slots/$1".{env,pid,state,state.new}
}

stop_slots() {
  local slot stopping=()
  for slot in "$@"; do
    stop_slot "$slot" &
    stopping+=($!)
  done
  if ((${#stopping[@]} > 0)); then wait "${stopping[@]}"; fi
}

# Two callers at once would undo each other's work. Closed for what is to go on afterwards: it would hold the lock.
lock_home() {
  exec 9< "$home"
  if flock -n 9; then return; fi
  echo "somebody else is changing the workers of this machine" >&2
  exit 5
}

# The caller has gone, or has been interrupted.
abandon() {
  trap '' TERM
  if [[ -n "$task" ]]; then kill -TERM -- "-$task" 2> /dev/null || true; fi
  if ((${#tails[@]} > 0)); then kill "${tails[@]}" 2> /dev/null || true; fi
  stop_slots "${begun[@]}"
  if [[ "$was_fresh" == true ]]; then rm -rf "$home"; fi
  exit 130
}

watch_caller() {
  exec 3<&0
  trap abandon TERM
  { cat <&3 > /dev/null && kill -TERM $$; } 2> /dev/null &
  watcher=$!
}

# In the background, for a trap waits for what runs in front.
run_task() {
  setsid "$@" 3<&- 9>&- < /dev/null &
  task=$!
  local code=0
  wait "$task" || code=$?
  task=""
  return "$code"
}

# Standard input up to "go": settings, certificates in base64, variables of slots. Nothing of it is on a command line.
read_plan() {
  local word rest slot=""
  mkdir -p "$home/node" "$home/slots" "$home/logs" "$home/cache" "$home/new"
  rm -f "$home"/new/*
  while read -r word rest; do
    case "$word" in
      node) PATH="$rest:$PATH" ;;
      engine) engine="$rest" ;;
      file) base64 -d <<< "${rest#* }" > "$home/node/${rest%% *}.new" && mv "$home/node/${rest%% *}.new" "$home/node/${rest%% *}" ;;
      slot)
        slot="$rest"
        printf '# %s\nPATH=%s\nSEEDGROW_WORKER_CACHE=%s\n' "$bundle" "$PATH" "$home/cache/blobs" > "$home/new/$slot.env"
        printf 'XDG_CACHE_HOME=%s\n' "$home/cache" >> "$home/new/$slot.env"
        ;;
      # With its digest: a worker reads its certificate when it starts, so that a new one makes a new start.
      certs)
        printf '# %s\nSEEDGROW_WORKER_CERTS=%s\n' "$(sha256sum < "$home/node/node.crt")" "$home/node" >> "$home/new/$slot.env"
        ;;
      var) printf '%s\n' "$rest" >> "$home/new/$slot.env" ;;
      go) return 0 ;;
      *) return 1 ;;
    esac
  done
  return 1
}

# Packages are kept apart from the program: another version of it mostly needs the same.
set_up() {
  local lock
  lock="$(sha256sum < "$bundle/package-lock.json")"
  packages="$home/packages/${lock:0:16}"
  if [[ ! -e "$bundle/node_modules" && -d "$packages/node_modules" ]]; then
    ln -s "$packages/node_modules" "$bundle/node_modules"
  fi
  local SEEDGROW_ENGINE="$engine"
  if [[ "$engine" == auto ]]; then unset SEEDGROW_ENGINE; else export SEEDGROW_ENGINE; fi
  export XDG_CACHE_HOME="$home/cache" npm_config_cache="$home/cache/npm"
  run_task "$bundle/deploy/setup.sh" --worker || return
  if [[ ! -L "$bundle/node_modules" ]]; then
    mkdir -p "$packages"
    rm -rf "$packages/node_modules"
    mv "$bundle/node_modules" "$packages/"
    ln -s "$packages/node_modules" "$bundle/node_modules"
  fi
}

# A user whose services outlive the login has them in systemd's hands; elsewhere a session of its own has to do.
start_slot() {
  local command=(bash "$bundle/deploy/supervise.sh" "$home" "$1")
  if [[ -e "/var/lib/systemd/linger/$(id -un)" ]] && systemctl --user show-environment > /dev/null 2>&1; then
    systemd-run --user --quiet --collect --property=KillMode=mixed --property="TimeoutStopSec=$drain_s" "${command[@]}"
  else
    setsid "${command[@]}" 3<&- 9>&- < /dev/null > /dev/null 2>&1 &
  fi
}

# Only what has changed is started anew: those that go on keep their work.
start_slots() {
  local slot file gone=()
  for slot in $(slots_here); do
    if [[ ! -e "$home/new/$slot.env" ]] || ! cmp -s "$home/new/$slot.env" "$home/slots/$slot.env" ||
      ! supervisor_of "$slot" > /dev/null; then gone+=("$slot"); fi
  done
  stop_slots "${gone[@]}"
  ln -sfn "$bundle" "$home/current"
  for file in "$home"/new/*.env; do
    slot="$(basename "$file" .env)"
    if [[ -e "$home/slots/$slot.env" ]]; then
      tell slot "$slot" kept
      continue
    fi
    mv "$file" "$home/slots/$slot.env"
    begun+=("$slot")
    log_size "$slot" > "$home/new/$slot.from"
    start_slot "$slot"
  done
}

log_size() { stat -c %s "$home/logs/$1.log" 2> /dev/null || echo 0; }

since_start() { tail -c "+$(($(< "$home/new/$1.from") + 1))" "$home/logs/$1.log" 2> /dev/null; }

# Ready, or ended: told with what it said last.
await_slot() {
  local i state code
  for ((i = 0; i < ready_s * 4; i++)); do
    if since_start "$1" | grep -q '"msg":"ready"'; then
      tell slot "$1" ready
      return 0
    fi
    read -r state code _ 2> /dev/null < "$home/slots/$1.state" || state=""
    if [[ "$state" == failed || "$state" == restarting ]]; then
      since_start "$1" | tail -n 6 >&2
      tell slot "$1" failed "$code"
      return "$code"
    fi
    sleep 0.25
  done
  tell slot "$1" silent
  return 5
}

up() {
  lock_home
  if [[ ! -e "$home/current" ]]; then was_fresh=true; fi
  read_plan || abandon
  watch_caller
  local slot code=0
  if ! set_up; then
    if [[ "$was_fresh" == true ]]; then rm -rf "$home/node" "$home/new"; fi
    return 4
  fi
  start_slots
  for slot in "${begun[@]}"; do await_slot "$slot" || code=$?; done
  rm -rf "$home/new"
  # What nothing runs any more.
  find "$home/bundles" "$home/packages" -mindepth 1 -maxdepth 1 ! -path "$bundle" ! -path "$packages" -exec rm -rf {} +
  return "$code"
}

down() {
  local slots
  lock_home
  mapfile -t slots < <(slots_here)
  stop_slots "${slots[@]}"
  tell stopped "${#slots[@]}"
  if [[ "${1:-}" == --keep ]]; then rm -rf "$home/node" "$home/slots" "$home/logs" "$home/new" "$home/cache/blobs"; else rm -rf "$home"; fi
}

status() {
  local slot state code at gpu
  for slot in $(slots_here); do
    read -r state code at 2> /dev/null < "$home/slots/$slot.state" || state=unknown code=- at=-
    if [[ "$state" == running || "$state" == restarting ]] && ! supervisor_of "$slot" > /dev/null; then state=gone; fi
    gpu="$(sed -n 's/^CUDA_VISIBLE_DEVICES=//p' "$home/slots/$slot.env")"
    tell slot "$slot" "$state" "$code" "$at" "${gpu:--}" "$(basename "$(readlink -f "$home/current")")"
  done
}

logs() {
  watch_caller
  local slot lines="$1" follow="$2"
  local flags=(-n "$lines")
  if [[ "$follow" == yes ]]; then flags+=(-F); fi
  for slot in $(slots_here); do
    tail "${flags[@]}" "$home/logs/$slot.log" 2> /dev/null 3<&- > >(sed -u "s/^/$slot\t/" 3<&-) &
    tails+=($!)
  done
  if ((${#tails[@]} > 0)); then wait "${tails[@]}" || true; fi
}

main() {
  local code=0
  case "${1:-}" in
    up) up || code=$? ;;
    down) down "${2:-}" ;;
    status) status ;;
    logs) logs "$2" "$3" ;;
    *) code=2 ;;
  esac
  trap '' TERM
  if [[ -n "${watcher:-}" ]]; then kill "$watcher" 2> /dev/null || true; fi
  exit "$code"
}

main "$@"
