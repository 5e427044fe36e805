#!/usr/bin/env bash
# Everything in full, for a machine that has time: what CI samples, this runs whole.
set -Eeuo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

# How often each drill runs; the rest runs once.
count=${COUNT:-5}

FUZZ_COUNT=2000 LIFE_COUNT=1000 FAULT_COUNT=1000 VOLUME_COUNT=50000 MESSAGE_COUNT=1000000 CRYPTET_FUZZ=1000000 \
    BACKTEST_COUNT=100 DISAPPEARANCE_COUNT=999 ROUTING_COUNT=20 DRILL_COUNT=99 make lint test check check-live
printf '\nevery runbook, with every fault that can be staged, and cut off everywhere\n'
PRELUDE_COUNT=999 OUTAGE_COUNT=99 BOT_RUNBOOKS_COUNT=99 MONEY_RUNBOOKS_COUNT=99 DATABASE_RUNBOOKS_COUNT=99 RUNBOOK_COUNT=999 RUNBOOK_CRASH_COUNT=999 \
    make test ARGS='-n 2 tests/runbooks tests/observability/prelude'
make bench ARGS="--messages 100000"
printf '\nevery small change of the rules, against their tests\n'
.venv/bin/python -m observability mutate
COUNT=9 make test-compose
make quiet-day
make drill ALL=1
printf '\nevery point at which the bot can be killed\n'
.venv/bin/python -m tests.sweep --sites
.venv/bin/python -m tests.sweep --switches --points 1000
for ((i = 1; i <= count; i++)); do
    printf '\ndrill %d of %d\n' "$i" "$count"
    make drill
done
