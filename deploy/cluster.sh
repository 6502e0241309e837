#!/usr/bin/env bash
# Workers on the machines of a list, over ssh: the same as `seedgrow hosts`, which is where it is written.
set -euo pipefail
exec node "$(dirname "${BASH_SOURCE[0]}")/../bin/seedgrow" hosts "$@"
