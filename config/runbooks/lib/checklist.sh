# shellcheck shell=bash
# Words of checklists: what a run found, and how Prometheus hears of it. A checklist's last two steps are `tell`, an action,
# and `report`: an action that succeeds counts as mending what was found before it, and nothing here does that.

# checklist_period NAME: in how many seconds it is due again.
checklist_period() {
    case $1 in
        daily) echo 86400 ;;
        weekly) echo 604800 ;;
        monthly) echo 2678400 ;;
        *) fail "no checklist is named $1" ;;
    esac
}

# Of this run a line for each thing that is not well: the step, a tab, and what it is.
checklist_open() {
    local line journal=${RUNBOOK_FINDINGS:?}
    journal=${journal%/*}/journal.jsonl
    while IFS= read -r line; do
        case $line in
            *'"event":"finding"'*'"step":"report"'* | *'"event":"finding"'*'"step":"tell"'*) ;;
            *'"event":"finding"'*) json . .step .text <<<"$line" ;;
            *'"event":"step_end"'*'"status":"failed"'* | *'"event":"step_end"'*'"status":"late"'*)
                printf '%s\tcould not be done\n' "$(json .step <<<"$line")"
                ;;
            *) ;;
        esac
    done <"$journal"
}

# What is well, what is not. Where the step `tell` ran before, the findings are called so again.
checklist_report() {
    local line open journal=${RUNBOOK_FINDINGS:?}
    journal=${journal%/*}/journal.jsonl
    open=$(checklist_open)
    while IFS= read -r line; do
        [[ $line == *'"event":"step_end"'*'"status":"ok"'* ]] || continue
        line=$(json .step <<<"$line")
        grep -q "^$line"$'\t' <<<"$open" || echo "well: $line"
    done <"$journal"
    [[ -n $open ]] || return 0
    while IFS=$'\t' read -r line open; do
        echo "not well: $line: $open"
        ! head -n 1 -- "$journal" | grep -q '"mode":"act"' || finding "$line: $open"
    done <<<"$open"
}

# checklist_tell NAME: node_exporter shows when it ran and how much it found.
checklist_tell() {
    needs_action checklist_tell
    local file=${TEXTFILE_DIR:-}/checklist_$1.prom count
    if [[ ! -d ${TEXTFILE_DIR:-} ]]; then
        finding "no alert hears of this checklist: TEXTFILE_DIR is no folder that node_exporter reads"
        return 0
    fi
    count=$(checklist_open | wc -l)
    cat >"$file.$$" <<END
# HELP checklist_last_run_timestamp_seconds When the checklist ran to its end
# TYPE checklist_last_run_timestamp_seconds gauge
checklist_last_run_timestamp_seconds{checklist="$1"} $(date -u +%s)
# HELP checklist_period_seconds After how long the checklist is due again
# TYPE checklist_period_seconds gauge
checklist_period_seconds{checklist="$1"} $(checklist_period "$1")
# HELP checklist_findings What its last run found that is not well
# TYPE checklist_findings gauge
checklist_findings{checklist="$1"} $count
END
    # In a container the exporter is another user.
    chmod 644 "$file.$$"
    mv -- "$file.$$" "$file"
    echo "told of findings: $count"
}

# checklist_last NAME: when it ran to its end, in seconds; nothing if never, or where nobody reads it.
checklist_last() {
    sed -n "s/^checklist_last_run_timestamp_seconds{checklist=\"$1\"} \([0-9]*\)$/\1/p" \
        "${TEXTFILE_DIR:-}/checklist_$1.prom" 2>/dev/null || :
}

# checklist_is_told NAME: whether it ran to its end within the last hours. Where nobody reads it there is nothing to know.
checklist_is_told() {
    local last
    [[ -d ${TEXTFILE_DIR:-} ]] || return 0
    last=$(checklist_last "$1")
    (($(date -u +%s) - ${last:-0} < 14400))
}

# Names of checklists that are longer ago than their period and a quarter, which is where the alert begins.
checklists_overdue() {
    local name last
    for name in daily weekly monthly; do
        last=$(checklist_last "$name")
        (($(date -u +%s) - ${last:-0} <= $(checklist_period "$name") * 5 / 4)) || echo "$name"
    done
}

# When each ran last, and what it found.
checklists_told() {
    local name last count
    for name in daily weekly monthly; do
        last=$(checklist_last "$name")
        if [[ -z $last ]]; then
            echo "$name: never ran to its end, or is not told of here"
            continue
        fi
        count=$(sed -n "s/^checklist_findings{.*} //p" "$TEXTFILE_DIR/checklist_$name.prom")
        echo "$name: $((($(date -u +%s) - last) / 3600)) hours ago, findings: $count"
    done
}

# checklist_run NAME: the whole of it, as it is scheduled.
checklist_run() {
    needs_action checklist_run
    local code=0
    "${TRADEWATCH_ROOT:?}/runbooks/$1.sh" --yes --no-color --platform "${TRADEWATCH_PLATFORM:?}" --reason "it was overdue" || code=$?
    # Findings are for its own report.
    ((code == 0 || code == 3)) || fail "$1 ended with $code"
}
