#!/usr/bin/env bash
# From a fresh clone to a trained model on generated images: sets up, then runs the demo. Flags go to the demo.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
"$root/deploy/setup.sh"
exec "$root/bin/seedgrow" demo "$@"
