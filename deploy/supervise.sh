#!/usr/bin/env bash
# Keeps the worker of one slot running, by the rules of deploy/systemd/seedgrow-worker@.service: started again when it
# crashes, but not when a setting is wrong (exit code 2), nor after ten deaths in five minutes, which have a cause that no
# restart mends. SIGTERM: the worker finishes the piece in hand.
# usage: supervise.sh HOME SLOT   HOME/slots/SLOT.env: its variables, HOME/slots/SLOT.state: how it is
set -uo pipefail

home="$1" slot="$2"
pause_s="${SEEDGROW_RESTART_S:-5}"
deaths_max=10 window_s=300
log_bytes_max=$((64 * 1024 * 1024))
log="$home/logs/$slot.log"
child="" is_stopping=false deaths=()

note() {
  printf '%s %s\n' "$1" "$(date -u +%FT%TZ)" > "$home/slots/$slot.state.new"
  mv "$home/slots/$slot.state.new" "$home/slots/$slot.state"
}

stop() {
  is_stopping=true
  if [[ -n "$child" ]]; then kill -TERM "$child" 2> /dev/null; fi
}

# `wait` ends with every signal: only with the child's end is its code known.
await() {
  local code
  while :; do
    wait "$1"
    code=$?
    kill -0 "$1" 2> /dev/null || return "$code"
  done
}

trim_log() {
  if [[ -f "$log" && $(stat -c %s "$log") -gt $log_bytes_max ]]; then mv "$log" "$log.1"; fi
}

died_too_often() {
  local recent=() at
  deaths+=("$SECONDS")
  for at in "${deaths[@]}"; do
    if ((SECONDS - at <= window_s)); then recent+=("$at"); fi
  done
  deaths=("${recent[@]}")
  ((${#deaths[@]} >= deaths_max))
}

printf '%s\n' "$$" > "$home/slots/$slot.pid"
trap stop TERM INT
while IFS= read -r line; do
  if [[ "$line" == [A-Z]*=* ]]; then export "${line?}"; fi
done < "$home/slots/$slot.env"

while [[ "$is_stopping" == false ]]; do
  trim_log
  "$home/current/bin/seedgrow" worker >> "$log" 2>&1 < /dev/null &
  child=$!
  note "running $child"
  await "$child"
  code=$?
  child=""
  if [[ "$is_stopping" == true || $code == 0 ]]; then break; fi
  if [[ $code == 2 ]] || died_too_often; then
    note "failed $code"
    exit "$code"
  fi
  note "restarting $code"
  sleep "$pause_s" &
  wait $!
done
note "stopped 0"
