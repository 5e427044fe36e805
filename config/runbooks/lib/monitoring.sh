# shellcheck shell=bash
# Words that ask Prometheus and Alertmanager about themselves: what they watch, what fires, and what keeps it from people.

# prometheus_get PATH, alertmanager_get PATH: what they answer. The address goes by standard input: it may hold a password.
prometheus_get() { monitoring__get "${PROMETHEUS_URL:?}" "${1:?a path}"; }
alertmanager_get() { monitoring__get "${ALERTMANAGER_URL:?}" "${1:?a path}"; }

# Prints each program that Prometheus asks, and what it gets for an answer; a finding for each that does not answer.
targets_answer() {
    local told job instance health error url
    if ! told=$(prometheus_get '/api/v1/targets?state=active'); then
        finding "Prometheus does not answer, so nothing is watched, and no alert fires but the heartbeat that stays away"
        return 0
    fi
    if ! told=$(json '.data.activeTargets[]' .labels.job .labels.instance .health .lastError .scrapeUrl <<<"$told"); then
        finding "Prometheus asks no program at all: its configuration names no target"
        return 0
    fi
    while IFS=$'\t' read -r job instance health error url; do
        echo "$health: $job at $url${error:+, $error}"
        [[ $health != down ]] || finding "$job at $instance is down: $(monitoring__word "$error")"
    done <<<"$told"
}

# Prints what fires now, by Prometheus' own word: name, severity, since when. Nothing if nothing does.
alerts_firing() {
    local told
    told=$(prometheus_get /api/v1/alerts) || return
    json '.data.alerts[]' .state .labels.alertname .labels.severity .activeAt <<<"$told" |
        awk -F '\t' '$1 == "firing" && $2 !~ /^(Watchdog|DailyDigest)$/ { print $2, "(" $3 ") since", substr($4, 1, 19) "Z" }'
}

# Silences that hold now: until when, by whom, what for, and which alerts. A line each.
silences_held() {
    local told
    told=$(alertmanager_get '/api/v2/silences') || return
    json '.[]' .status.state .endsAt .createdBy .comment .matchers <<<"$told" |
        awk -F '\t' '$1 == "active" { print "until " substr($2, 1, 19) "Z by " $3 ": " $4 ", " $5 }'
}

# Notifications by way: how many were tried and failed in the last half hour, as a table. A finding for each way that fails.
ways_deliver() {
    local told labels value way
    told=$(prometheus_query 'sum by (integration) (increase(alertmanager_notifications_total[30m])) > 0') || return
    if [[ -z $told ]]; then
        echo "nothing was sent within half an hour"
    else
        while IFS=$'\t' read -r labels value; do
            echo "$(json .integration <<<"$labels"): about ${value%.*} sent in half an hour"
        done <<<"$told"
    fi
    told=$(prometheus_query 'sum by (integration, reason) (increase(alertmanager_notifications_failed_total[30m])) > 0') || return
    [[ -n $told ]] || return 0
    while IFS=$'\t' read -r labels value; do
        way=$(json .integration <<<"$labels")
        finding "notifications by $way fail: $(monitoring__reason "$(json .reason <<<"$labels" || echo other)")"
    done <<<"$told"
}

# What follows is for the words above.

monitoring__get() {
    printf 'url = "%s%s"\n' "$1" "$2" | curl --config - --silent --show-error --fail --noproxy '*' --max-time 5
}

# What an error of a scrape means.
monitoring__word() {
    case $1 in
        *"connection refused"*) echo "nobody listens at that address: the program has ended, or the address is wrong" ;;
        *"deadline exceeded"* | *"Client.Timeout"*) echo "it took more than 10 s: the program hangs, or the machine has no time for it" ;;
        *"no such host"*) echo "the name of its host is not known: the address in config/environments/ is wrong" ;;
        *"server returned HTTP status 4"*) echo "it answers, but refuses this address or path: ${1##*status }" ;;
        *) echo "$1" ;;
    esac
}

# What Alertmanager calls the reason of a failed notification.
monitoring__reason() {
    case $1 in
        clientError) echo "the service refuses it (4xx): the key, the number or the address is wrong or expired" ;;
        serverError) echo "the service is disturbed (5xx): Alertmanager tries again by itself" ;;
        contextDeadlineExceeded | contextCanceled) echo "the service does not answer in time: it, or this machine's network, is disturbed" ;;
        rateLimited) echo "the service takes no more for now (429)" ;;
        *) echo "its address cannot be reached or is wrong, as Alertmanager's log says" ;;
    esac
}
