#!/usr/bin/env bash
# Types, style and formatting of everything written by hand, and the form of the workflow. Runs all, then fails.
set -Euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export PATH="$PWD/.venv/bin:$PATH"

failed=()
run() {
    printf '%s\n' "$1"
    shift
    "$@" || failed+=("$1")
}

shells=(scripts/*.sh .ci/run config/runbooks/lib/*.sh observability/templates/*.sh)
checks=(--enable=all "--exclude=SC2250,SC2310,SC2312,SC2317,SC2329")
# Most of a runbook is the same in all of them, and was looked through above: without following values it takes a third.
runbooks() {
    printf '%s\0' runbooks/*.sh | xargs -0 -n 5 -P "$(nproc)" shellcheck --extended-analysis=false "${checks[@]}" --exclude=SC2016
}
run "types" mypy
run "style" ruff check --quiet --output-format concise .
run "format" ruff format --check .
# Every optional check but three: braces around all variables, and two that forbid functions in conditions. And not that
# of functions which are never called: a script has all words of its libraries, and calls its steps by their names.
run "shell" shellcheck "${checks[@]}" "${shells[@]}"
run "runbooks" runbooks
run "shell format" shfmt -d -i 4 -ci "${shells[@]}" runbooks/*.sh
run "images" hadolint bot/Dockerfile scripts/sink/Dockerfile
run "workflow" check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
run "schemas" check-jsonschema --check-metaschema config/schemas/*.json

((${#failed[@]} == 0)) || {
    printf 'lint: failed: %s\n' "${failed[*]}" >&2
    exit 1
}
