#!/usr/bin/env bash
# Sets up, then runs every check and every test but the slow ones (`npm run slow`). Ends with one line "N passed, N failed"; fails if
# anything failed.
# A check (lint, types, imports, generated code, shellcheck) counts as one, and the tests run even if one fails. Flags go to
# vitest; without any, all tests run and the cores' coverage must be what vitest.config.ts asks for.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
passed=0
failed=0

run_check() {
  local name="$1"
  shift
  printf '\n== %s\n' "$name"
  if "$@" < /dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$name"
  fi
}

# vitest's exit code also tells of what no test reports: a file that does not load, an error after the last test.
run_tests() {
  local report counts exit_code=0
  printf '\n== tests\n'
  report="$(mktemp)"
  if (($# == 0)); then set -- --coverage; fi
  npx vitest run --reporter=default --reporter=./tests/support/skip-reporter.ts --reporter=json --outputFile.json="$report" "$@" < /dev/null || exit_code=$?
  counts="$(node deploy/count-tests.mjs "$report" "$exit_code")"
  rm -f "$report"
  read -r tests_passed tests_failed tests_skipped <<< "$counts"
  passed=$((passed + tests_passed))
  failed=$((failed + tests_failed))
  if ((tests_skipped > 0)); then printf '\n%s tests skipped: named above, with their reasons\n' "$tests_skipped"; fi
}

./deploy/setup.sh
for script in lint types imports; do run_check "$script" npm run --silent "$script"; done
run_check "generated types" npm run --silent gen -- --check
if command -v shellcheck > /dev/null; then
  run_check shellcheck shellcheck -x deploy/*.sh deploy/{slurm,docker,compose}/*.sh deploy/slurm/*.sbatch .ci/run
else
  printf '\n== shellcheck: SKIPPED, it is not installed\n'
fi
run_tests "$@"
if [[ -z "${SEEDGROW_SLOW:-}" ]]; then printf '\nNot run: what takes long (npm run slow; tests/README.md)\n'; fi
printf '\n%s passed, %s failed\n' "$passed" "$failed"
((failed == 0))
