# shellcheck shell=bash
# Words that keep alerts quiet for a time. Alertmanager's own page can do the same; these say who, why, and until when.

# silence_begin ALERTS MINUTES REASON: ALERTS is a regular expression of whole names. What tells of positions, stops, money, and
# of who else trades is never kept quiet, nor the proof that alerting lives.
silence_begin() {
    needs_action silence_begin
    local alerts=$1 minutes=$2 reason=$3 body told
    body='{"matchers": [{"name": "alertname", "value": "'"$alerts"'", "isRegex": true, "isEqual": true},
        {"name": "alertname", "value": "'"$(silence__never)"'", "isRegex": true, "isEqual": false}],
        "startsAt": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'", "endsAt": "'"$(date -u -d "+$minutes minutes" +%Y-%m-%dT%H:%M:%SZ)"'",
        "createdBy": "'"$(silence__mark)"'", "comment": "'"$reason"'"}'
    told=$(printf '%s' "$body" | silence__call --request POST --header 'Content-Type: application/json' --data-binary @- \
        "${ALERTMANAGER_URL:?}/api/v2/silences") || fail "Alertmanager took no silence: ${told:-it does not answer}"
    printf 'quiet for %s minutes (until %s): %s\n' "$minutes" "$(date -u -d "+$minutes minutes" +%H:%MZ)" "$alerts"
    printf 'silence %s\n' "$(json .silenceID <<<"$told")"
}

# The ids of silences that hold and that this runbook made.
silences_ours() {
    local told
    told=$(silence__call "${ALERTMANAGER_URL:?}/api/v2/silences") || fail "Alertmanager does not answer"
    json '.[]' .id .status.state .createdBy <<<"$told" |
        awk -F '\t' -v mark="$(silence__mark)" '$2 != "expired" && $3 == mark { print $1 }' || [[ $? == 1 ]]
}

silences_end() {
    needs_action silences_end
    local id
    while read -r id; do
        silence__call --request DELETE "${ALERTMANAGER_URL:?}/api/v2/silence/${id:?}"
        printf 'ended the silence %s\n' "$id"
    done < <(silences_ours)
}

# What is quiet now, by whoever, and what fires and would speak.
silences_told() {
    local told
    told=$(silence__call "${ALERTMANAGER_URL:?}/api/v2/silences") || fail "Alertmanager does not answer"
    json '.[]' .status.state .endsAt .createdBy .comment <<<"$told" |
        awk -F '\t' '$1 != "expired" { print "quiet until " $2 " by " $3 ": " $4 }' || [[ $? == 1 ]]
    told=$(silence__call "${ALERTMANAGER_URL:?}/api/v2/alerts?silenced=false&inhibited=false") || fail "Alertmanager does not answer"
    json '.[]' .labels.alertname .labels.severity .startsAt <<<"$told" |
        awk -F '\t' '$1 != "Watchdog" { print "fires: " $1 " (" $2 ") since " $3 }' || [[ $? == 1 ]]
}

silence__never() {
    printf '%s' 'Watchdog|DailyDigest|LowExchangeBalance|DailyLoss|PositionWithoutStop|StopReplaced|ForeignPosition|ForeignOrder|' \
        'LiquidationNear|BalanceDiffersFromFills|UnexpectedLiveTrading|SecondInstance'
}

silence__mark() {
    echo "runbook ${RUNBOOK_ID:?}"
}

silence__call() {
    curl --silent --show-error --fail --noproxy '*' --max-time 5 "$@"
}
