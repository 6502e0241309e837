#!/bin/sh
# Hurts one container of the project after the other, never two NATS servers at once: of three, two must agree.
set -eu

one_of() {
  docker ps --quiet --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.service=$1" |
    shuf -n 1
}

while :; do
  for service in worker nats1 worker coordinator nats2 worker nats3; do
    sleep "$PAUSE_S"
    container="$(one_of "$service")"
    [ -n "$container" ] || continue
    if [ "$(shuf -i 0-1 -n 1)" = 0 ]; then
      echo "kill $service $container"
      docker kill --signal KILL "$container" || true
      # What was killed by hand stays down, whatever its restart policy says.
      docker start "$container" || true
    else
      echo "pause $service $container"
      docker pause "$container" || true
      sleep 10
      docker unpause "$container" || true
    fi
  done
done
