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
        [[ $error != - ]] || error=''
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

# Alerts that Alertmanager holds back, each with what holds it. A finding for each that a silence keeps from people.
alerts_held_back() {
    local told state name severity silenced inhibited
    if ! told=$(alertmanager_get '/api/v2/alerts?active=true&silenced=true&inhibited=true'); then
        finding "Alertmanager does not answer: nobody is told of any alert"
        return 0
    fi
    json '.[]' .status.state .labels.alertname .labels.severity .status.silencedBy .status.inhibitedBy <<<"$told" |
        while IFS=$'\t' read -r state name severity silenced inhibited; do
            [[ $state != active ]] || continue
            echo "$name ($severity) is held back: silences $silenced, other alerts $inhibited"
            [[ $silenced == '[]' ]] || finding "a silence keeps $name ($severity) from you"
        done || :
    echo "silences that hold:"
    silences_held || :
}

# Whether alerts come from Prometheus to Alertmanager; a finding for each thing on the way that does not work.
alerts_arrive() {
    local told labels value
    if ! told=$(prometheus_get /api/v1/alertmanagers); then
        finding "Prometheus does not answer, so it sends no alert"
        return 0
    fi
    if told=$(json '.data.activeAlertmanagers[]' .url <<<"$told"); then
        echo "Prometheus sends to: ${told//$'\n'/, }"
    else
        finding "Prometheus knows no Alertmanager: its configuration names none"
    fi
    if alertmanager_is_ready; then
        if told=$(alertmanager_get /api/v2/alerts | json '.[]' .labels.alertname) && grep -qx Watchdog <<<"$told"; then
            echo "the Watchdog has arrived, so alerts come through"
        else
            finding "Alertmanager has no Watchdog: what Prometheus sends does not arrive, or Prometheus has just started"
        fi
    else
        finding "Alertmanager is not ready or cannot be reached from here"
    fi
    told=$(prometheus_query 'round(increase(prometheus_notifications_dropped_total[15m]) or increase(prometheus_notifications_errors_total[15m])) > 0') || return 0
    [[ -z $told ]] || while IFS=$'\t' read -r labels value; do
        finding "$value alerts were not taken within fifteen minutes ($(json .alertmanager <<<"$labels" || echo "given up")); they are sent again as long as they fire"
    done <<<"$told"
}

# alertmanager_is_ready: no more than that.
alertmanager_is_ready() {
    alertmanager_get /-/ready >/dev/null 2>&1
}

# Rules that cannot be evaluated, with the reason; groups that take too long or stand still.
rules_evaluate() {
    local told group name health error interval took
    if ! told=$(prometheus_get /api/v1/rules); then
        finding "Prometheus does not answer, so no rule is evaluated: runbooks/target_down.sh"
        return 0
    fi
    printf '%-14s %10s %12s\n' group "every (s)" "takes (ms)"
    while IFS=$'\t' read -r group interval took; do
        printf '%-14s %10s %12s\n' "$group" "$interval" "$(awk -v s="$took" 'BEGIN { printf "%.1f", s * 1000 }')"
        awk -v s="$took" -v most="$interval" 'BEGIN { exit !(s > most / 2) }' &&
            finding "the group $group takes $took s of the $interval s that it has: its alerts come late"
    done < <(json '.data.groups[]' .name .interval .evaluationTime <<<"$told")
    while IFS=$'\t' read -r name health error; do
        [[ $health == err ]] || continue
        finding "the rule $name cannot be evaluated, and is silent: $error"
    done < <(json '.data.groups[].rules[]' .name .health .lastError <<<"$told")
    told=$(prometheus_query 'round(increase(prometheus_rule_group_iterations_missed_total[15m])) > 0') || return 0
    [[ -z $told ]] || while IFS=$'\t' read -r group took; do
        finding "$took evaluations of $(json .rule_group <<<"$group") were left out within fifteen minutes"
    done <<<"$told"
}

# Whether Prometheus and Alertmanager took their latest configuration. A finding for each that did not.
configuration_taken() {
    local program page value
    for program in prometheus alertmanager; do
        if ! page=$("${program}_get" /metrics); then
            finding "${program^} does not answer"
            continue
        fi
        value=$(awk -v name="${program}_config_last_reload_successful" '$1 == name { print $2 }' <<<"$page")
        if [[ $value == 1 ]]; then
            echo "${program^} took its latest configuration"
        else
            finding "${program^} refused its new configuration, and goes on with the one before: $(monitoring__refused "$program")"
        fi
    done
}

configuration_is_taken() {
    [[ $(prometheus_get /metrics | awk '$1 == "prometheus_config_last_reload_successful" { print $2 }') == 1 ]] &&
        [[ $(alertmanager_get /metrics | awk '$1 == "alertmanager_config_last_reload_successful" { print $2 }') == 1 ]]
}

# configuration_reload SERVICE: has Prometheus or Alertmanager read its files again; it goes on with the old ones if they are no good.
configuration_reload() {
    needs_action configuration_reload || return
    local service=${1:?a service} id
    case ${TRADEWATCH_PLATFORM:?} in
        local) platform__supervisorctl signal HUP "$service" ;;
        compose)
            id=$(platform__container "$service") || return
            # Not by docker kill: whatever its signal, the engine then starts the container no more if it dies later.
            timeout --foreground -k 2 10 docker exec "$id" sh -c 'kill -HUP 1'
            ;;
        kubernetes) in_place "$service" 5 sh -c 'kill -HUP 1' ;;
        *) timeout --foreground -k 2 10 systemctl reload "$(platform__unit "$service")" ;;
    esac
}

# The services that watch, with their states; a finding for each that does not run. Prints no more than what it could ask.
watchers_run() {
    local service state
    for service in prometheus alertmanager node-exporter postgres-exporter; do
        if state=$(service_state "$service" 2>/dev/null); then
            echo "$service: $state"
            [[ $state == running ]] || finding "$service is $state"
        else
            echo "$service: nothing is known of it on this platform"
        fi
    done
}

# Whether each of them runs, as far as is known here.
watchers_all_run() {
    local service state
    for service in prometheus alertmanager node-exporter postgres-exporter; do
        state=$(service_state "$service" 2>/dev/null) || continue
        [[ $state == running ]] || return 1
    done
}

# Starts those that do not run, and starts anew what is frozen.
watchers_start() {
    needs_action watchers_start || return
    local service state
    for service in prometheus alertmanager node-exporter postgres-exporter; do
        state=$(service_state "$service" 2>/dev/null) || continue
        case $state in
            running) ;;
            frozen) service_restart "$service" ;;
            *) service_start "$service" ;;
        esac
    done
}

# watchers_said LINES: what those that do not run wrote last, and the errors of the others.
watchers_said() {
    local service state lines
    for service in prometheus alertmanager node-exporter postgres-exporter; do
        state=$(service_state "$service" 2>/dev/null) || continue
        lines=$(service_logs "$service" 300 2>&1) || continue
        [[ $state != running ]] || lines=$(grep -aiE 'level=(warn|error)' <<<"$lines") || continue
        echo "$service ($state):"
        tail -n "${1:?lines}" <<<"$lines" | cut -c 1-400
    done
}

# What follows is for the words above.

# What the log says of a configuration that was refused.
monitoring__refused() {
    local said
    said=$(service_logs "$1" 500 2>/dev/null | grep -aiE 'level=error' | grep -aiE 'config|reload' | tail -n 1 | cut -c 1-400) ||
        said="its log does not say why"
    printf '%s\n' "$said"
}

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
