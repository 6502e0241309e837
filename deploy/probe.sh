#!/usr/bin/env bash
# What a machine is like, one "KEY VALUE" a line: sent over ssh to `bash -s` by `seedgrow doctor --hosts` and
# `seedgrow hosts up`. Changes nothing.
# usage: probe.sh BUNDLE NODE_DIR NATS   BUNDLE: a digest; NODE_DIR: folder with node, or -; NATS: host:port,... or -
set -uo pipefail

home="$HOME/.seedgrow"
if [[ "$2" != - ]]; then PATH="$2:$PATH"; fi

say() { printf '%s %s\n' "$1" "$2"; }

reaches() {
  timeout 3 bash -c "exec 3<> '/dev/tcp/${1%:*}/${1##*:}'" 2> /dev/null
}

say time "$(date +%s%3N)"
say user "$(id -un)"
say arch "$(uname -sm)"
say cores "$(nproc)"
say node "$(node --version 2> /dev/null || echo none)"
say disk "$(df -Pk "$HOME" | awk 'NR == 2 { print $4 }')"
say memory "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)"
if command -v nvidia-smi > /dev/null; then
  nvidia-smi --query-gpu=index,name --format=csv,noheader 2> /dev/null | while IFS= read -r gpu; do say gpu "$gpu"; done
fi
if [[ -d "$home/bundles/$1" ]]; then say bundle yes; else say bundle no; fi
if [[ -e "$home/current" ]]; then say fresh no; else say fresh yes; fi
if [[ "$3" != - ]]; then
  IFS=, read -ra servers <<< "$3"
  for server in "${servers[@]}"; do
    if reaches "$server"; then say reached "$server"; else say unreached "$server"; fi
  done
fi
say end ok
