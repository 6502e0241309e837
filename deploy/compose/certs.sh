#!/usr/bin/env bash
# Certificates for compose.yaml in SEEDGROW_CERTS_DIR, readable by the containers' user alone (which takes root, or sudo).
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
dir="${SEEDGROW_CERTS_DIR:?the folder for the CA and the certificates}"
servers=(nats1 nats2 nats3)
seedgrow() { "$root/bin/seedgrow" certs "$@" --dir "$dir"; }

seedgrow init
for server in "${servers[@]}"; do seedgrow add "$server" --role broker; done
seedgrow add coordinator --role coordinator
seedgrow add worker --role worker
routes="$(printf '%s:6222,' "${servers[@]}")"
for server in "${servers[@]}"; do
  seedgrow nats-config "$server" --listen 0.0.0.0:4222 --cluster 0.0.0.0:6222 --routes "${routes%,}" --store /data --at /etc/nats
done
if [[ "$(id -u)" == 0 ]]; then chown -R 10001:10001 "$dir/nodes"; else sudo chown -R 10001:10001 "$dir/nodes"; fi
