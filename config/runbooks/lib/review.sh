# shellcheck shell=bash
# Words that look at days and weeks: what the checklists ask. Each prints what it saw, and calls a finding what is not well.
# Uses bot, database and backup.

# review_errors HOURS: errors and warnings of the bot's log by what they say. A finding for errors.
review_errors() {
    local lines recent errors
    lines=$(service_logs bot 20000) || fail "the bot's log cannot be read here"
    recent=$(awk -F '"' -v since="$(date -u -d "${1:?hours} hours ago" +%Y-%m-%dT%H:%M:%S)" '/^\{/ && $4 > since' <<<"$lines")
    errors=$(grep -ac '"level": "error"' <<<"$recent") || [[ $? == 1 ]]
    echo "within $1 hours: $(grep -ac . <<<"$recent" || [[ $? == 1 ]]) lines, $errors errors"
    { grep -aE '"level": "(error|warning)"' <<<"$recent" || [[ $? == 1 ]]; } |
        sed 's/.*"level": "\([a-z]*\)".*"event": "\([^"]*\)".*/\1: \2/' | sort | uniq -c | sort -rn | head -n 20
    ((errors == 0)) || finding "the log has $errors errors within $1 hours"
}

# review_highest EXPR: the largest value, or nothing.
review_highest() {
    local told
    told=$(prometheus_query "max($1)")
    told=${told##*$'\t'}
    # Of nothing, such as the speed of orders that nobody placed.
    [[ -z $told || $told == NaN ]] || printf '%s\n' "$told"
}

# review_above VALUE BOUND: whether it is a number above the bound.
review_above() {
    awk -v value="${1:-NaN}" -v bound="$2" 'BEGIN { exit !(value ~ /^[-+0-9.]/ && value + 0 > bound) }'
}

# Use of the bot's pool now, and at the worst of a day.
review_pool() {
    local worst
    bot_metric db_connections_active db_connections_idle db_connections_max || fail "the bot does not tell of its pool"
    worst=$(review_highest 'max_over_time((sum(db_connections_active) / sum(db_connections_max))[1d:1m])') ||
        fail "Prometheus does not answer: the worst of the day is not known"
    echo "at the worst of a day: ${worst:-not known} of the pool"
    ! review_above "$worst" 0.8 || finding "the pool was used for more than four fifths within a day: runbooks/database_connection.sh"
}

# Orders of a day by outcome. A finding if more than one in ten did not reach the book.
review_orders() {
    local failed all
    sql_table "SELECT source, state, count(*), max(created_at)::timestamptz(0) AS last FROM orders
        WHERE created_at > now() - interval '1 day' GROUP BY 1, 2 ORDER BY 1, 2"
    IFS='|' read -r failed all < <(sql "SELECT count(*) FILTER (WHERE state IN ('rejected', 'not_sent')), count(*)
        FROM orders WHERE created_at > now() - interval '1 day'")
    echo "of $all orders $failed did not reach the book"
    ((failed * 10 <= all)) || finding "of $all orders of a day $failed did not reach the book: runbooks/high_order_failure_rate.sh"
}

# review_backup HOURS: whether the newest backup that was found whole is not older.
review_backup() {
    local name age
    backup_list
    name=$(backup_last_verified)
    if [[ -z $name ]]; then
        finding "no backup was ever restored and found whole: runbooks/backup.sh"
        return 0
    fi
    age=$((($(date -u +%s) - $(manifest_value "$name" epoch)) / 3600))
    echo "the last one that was found whole is $age hours old"
    ((age <= ${1:?hours})) || finding "the last backup that was found whole is $age hours old: runbooks/backup.sh"
}

# This week beside the one before. A finding for what is half as much again, and above what anybody would notice.
review_trends() {
    local name floor query now before
    printf '%-42s %14s %14s\n' "" "this week" "week before"
    while IFS=$'\t' read -r name floor query; do
        now=$(review_highest "${query//RANGE/[7d]}") || fail "Prometheus does not answer"
        before=$(review_highest "${query//RANGE/[7d] offset 7d}")
        printf '%-42s %14.14s %14.14s\n' "$name" "${now:-none}" "${before:-none}"
        if review_above "$now" "$floor" && review_above "$before" 0 &&
            awk -v now="$now" -v before="$before" 'BEGIN { exit !(now > before * 1.5) }'; then
            finding "$name is half as much again as a week ago: $now after $before"
        fi
    done <<'TABLE'
seconds to place an order, 95 of 100	1	histogram_quantile(0.95, sum by (le) (rate(order_processing_seconds_bucketRANGE)))
seconds of a statement, 95 of 100	0.1	histogram_quantile(0.95, sum by (le) (rate(db_query_duration_seconds_bucketRANGE)))
share of calls that failed	0.01	sum(rate(bingx_api_errors_totalRANGE)) / sum(rate(bingx_api_calls_totalRANGE))
share of orders that failed	0.02	sum(rate(orders_failed_totalRANGE)) / sum(rate(orders_totalRANGE))
signals a day	1000000	sum(rate(signals_received_totalRANGE)) * 86400
memory of the bot, bytes	200000000	max(avg_over_time(process_resident_memory_bytes{job="bot"}RANGE))
processors in use, share	0.5	1 - avg(rate(node_cpu_seconds_total{mode="idle"}RANGE))
TABLE
}

# Growth of the databases against the room that is left.
review_growth() {
    local told left
    told=$(review_highest 'sum(deriv(pg_database_size_bytes[1d]) and pg_database_size_bytes offset 1d) * 604800') || fail "Prometheus does not answer"
    left=$(review_highest 'min(node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs"})')
    echo "growth in a week at the pace of a day: ${told:-not known} bytes; left on the disk with least room: ${left:-not known}"
    [[ -n $told && -n $left ]] || return 0
    ! awk -v grown="$told" -v left="$left" 'BEGIN { exit !(grown > left / 4) }' ||
        finding "in a month the databases take all the room that is left: runbooks/database_performance.sh"
}

# Whether Prometheus evaluates the rules that were generated, by their names; elsewhere only those that it has.
review_rules() {
    local told loaded made file=${TRADEWATCH_ROOT:?}/observability/generated/rules
    [[ ! -d ${TRADEWATCH_HOME:-none}/config/rules ]] || file=$TRADEWATCH_HOME/config/rules
    told=$(prometheus_get /api/v1/rules) || fail "Prometheus does not answer"
    loaded=$(json '.data.groups[].rules[]' .name <<<"$told" | sort) || loaded=''
    echo "Prometheus has $(grep -c . <<<"$loaded" || [[ $? == 1 ]]) rules"
    if [[ ! -d $file ]]; then
        echo "the generated rules are not here: compared with nothing"
        return 0
    fi
    made=$(sed -n 's/^ *-\{0,1\} *\(alert\|record\): *"\{0,1\}\([^"]*\)"\{0,1\}$/\2/p' "$file"/*.yml | sort)
    if told=$(diff <(printf '%s\n' "$made") <(printf '%s\n' "$loaded")); then
        echo "they are those that were generated"
    else
        told=$(grep '^[<>]' <<<"$told" | sort -u | head -n 10)
        finding "Prometheus has other rules than were generated (< missing, > unknown): ${told//$'\n'/, }; runbooks/monitoring_rules.sh"
    fi
}

# Whether the packages here are those of the lock file.
review_lock() {
    local python=${TRADEWATCH_ROOT:?}/.venv/bin/python told wrong
    if [[ ! -x $python ]]; then
        echo "there is no .venv here; the image was built from the lock file"
        return 0
    fi
    told=$("$python" -m pip list --format=freeze --disable-pip-version-check 2>/dev/null | review__named)
    # Of lines with a condition nobody knows here whether they are wanted.
    wrong=$(sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\) *[\\]\{0,1\}$/\1/p' "$TRADEWATCH_ROOT/requirements/dev.txt" | review__named |
        comm -23 - <(printf '%s\n' "$told"))
    echo "$(grep -c . <<<"$told") packages"
    [[ -z $wrong ]] || finding "not as in requirements/dev.txt: ${wrong//$'\n'/, }; make setup puts it right"
}

# Packages of which there is a newer version. That is no fault; what they mend decides.
review_outdated() {
    local python=${TRADEWATCH_ROOT:?}/.venv/bin/python told
    if [[ ! -x $python ]]; then
        echo "there is no .venv here: look in the checkout"
    elif told=$("$python" -m pip list --outdated --exclude-editable --disable-pip-version-check --timeout 10 --retries 0 2>/dev/null); then
        printf '%s\n' "${told:-all are the newest}"
    else
        echo "the package registry does not answer from here"
    fi
}

# What follows is for the words above.

# Lines NAME==VERSION, sorted; of a name neither case counts, nor whether it has - or _ or a point.
review__named() {
    awk -F '==' '{ name = tolower($1); gsub(/[._]/, "-", name); print name "==" $2 }' | sort
}
