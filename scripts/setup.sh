#!/usr/bin/env bash
# Prepare this checkout: .venv with the locked Python packages and the project, .tools/bin with the outside programs.
# Changes nothing outside the checkout, asks nothing, and is over at once when there is nothing to do.
set -Eeuo pipefail
umask 022
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

readonly STAMP=.venv/tradewatch-ready
readonly LOG=.local/setup.log
readonly CHOICE=.tools/sources

say() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# make puts our own programs first on PATH: here they must not pass for the machine's.
forget_own_programs() {
    local own
    PATH=":$PATH:"
    for own in .venv .tools; do
        PATH=${PATH//":$PWD/$own/bin:"/:}
    done
    PATH=${PATH#:}
    PATH=${PATH%:}
}

# What set-up depends on: its stamp is a hash of the files that say so, of where they lie and of the chosen sources.
wanted_stamp() {
    {
        printf '%s\n' "$PWD" "$TOOLS_SOURCES"
        cat requirements/dev.txt requirements/postgres.txt scripts/tools.toml pyproject.toml scripts/setup.sh
    } | sha256sum | cut -d' ' -f1
}

is_ready() {
    local program
    [[ -x .venv/bin/python && -r $STAMP && $(<"$STAMP") == "$1" ]] || return 1
    for program in prometheus promtool alertmanager amtool node_exporter postgres_exporter postgres initdb psql; do
        [[ -x .tools/bin/$program ]] || return 1 # also when a link leads nowhere any more
    done
}

# The first Python that is new enough, better one that has venv; its name goes to PYTHON.
find_python() {
    local name
    PYTHON=''
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        command -v "$name" >/dev/null || continue
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        PYTHON=${PYTHON:-$(command -v "$name")}
        if "$name" -c 'import venv, ensurepip' 2>/dev/null; then
            PYTHON=$(command -v "$name")
            return
        fi
    done
    return 1
}

# Every missing thing at once, each with the Debian package that has it.
check_machine() {
    local missing=() name
    for name in git make curl; do
        command -v "$name" >/dev/null || missing+=("$name is missing: Debian package $name")
    done
    command -v flock >/dev/null || missing+=("flock is missing: Debian package util-linux")
    if ! find_python; then
        if [[ -n $PYTHON ]]; then
            missing+=("$PYTHON has no venv: Debian package python3-venv")
        else
            missing+=("Python 3.11 or later is missing: Debian packages python3 and python3-venv")
        fi
    fi
    for name in . .venv .tools .local; do
        [[ ! -e $name || -w $name ]] || missing+=("$PWD/$name belongs to another user: chown or remove it")
    done
    ((${#missing[@]} == 0)) && return
    missing+=("mend this (on Debian: apt-get install PACKAGE) and run it again")
    fail "${missing[@]}"
}

# Run pip, saying every few seconds which package it is at; on failure show how it ended.
run_pip() {
    local what=$1 pid next=$((SECONDS + 3)) line
    shift
    .venv/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off "$@" >>"$LOG" 2>&1 &
    pid=$!
    # shellcheck disable=SC2064 # this pid, now: a job in the background does not hear Ctrl-C
    trap "kill $pid 2>/dev/null || true" EXIT
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        ((SECONDS >= next)) || continue
        next=$((SECONDS + 3))
        line=$(grep -aoE '^ *(Collecting|Downloading|Installing collected packages|Building wheels)( [^ :]+)?' "$LOG" | tail -1 || true)
        say "$what: ${line:-waiting for the network}"
    done
    trap - EXIT
    wait "$pid" && return
    tail -n 15 "$LOG" | sed 's/^/    /' >&2
    fail "pip failed at: $what" "its last lines are above, all of them in $LOG" "when the network was the cause, run this again"
}

make_environment() {
    # Made anew when it is broken, half made, or was made for another place.
    if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! grep -qF "$PWD/.venv/" .venv/bin/pip; then
        say "making .venv with $("$PYTHON" --version)"
        rm -rf .venv
        "$PYTHON" -m venv .venv
    fi
    rm -f "$STAMP"
    run_pip "Python packages" --require-hashes -r requirements/dev.txt
    run_pip "the project itself" --no-build-isolation --no-deps --editable .
    say "Python packages are in .venv"
}

main() {
    local stamp
    forget_own_programs
    # What was chosen once holds until it is chosen anew; set but empty means the default.
    if [[ -z ${TOOLS_SOURCES+set} && -r $CHOICE ]]; then TOOLS_SOURCES=$(<"$CHOICE"); fi
    export TOOLS_SOURCES=${TOOLS_SOURCES-}
    stamp=$(wanted_stamp)
    if is_ready "$stamp"; then return; fi
    check_machine
    mkdir -p .local
    # What we start inherits the lock: a run that was killed holds up the next one until its pip has ended.
    exec 9>.local/setup.lock
    if ! flock --nonblock 9; then
        say "another set-up is running: waiting for it"
        flock 9
        if is_ready "$stamp"; then return; fi
    fi
    : >"$LOG"
    say "preparing this checkout: Python packages, then outside programs (once, about half a minute)"
    make_environment
    say "looking for the outside programs"
    "$PYTHON" scripts/tools.py --elapsed "$SECONDS" || fail "not all outside programs could be had: see above"
    printf '%s\n' "$TOOLS_SOURCES" >"$CHOICE"
    printf '%s\n' "$stamp" >"$STAMP"
    say "ready"
}

main "$@"
