# shellcheck shell=bash
# Words about signals, and about what the bot needs to trade them. Uses bot and database.

# The bot's own sentence, and a finding for each check that fails, and for a closed switch.
bot_state() {
    local told name ok reason
    if ! told=$(bot_get /status); then
        finding "the bot does not answer: runbooks/bot_down.sh"
        return 0
    fi
    json .summary <<<"$told"
    for name in database lease exchange account money; do
        IFS=$'\t' read -r ok reason < <(json ".health.checks.$name" .ok .reason <<<"$told")
        [[ $ok != false ]] || finding "$(bot_check_means "$name" "$reason")"
    done
    if reason=$(json .health.stopped <<<"$told"); then
        finding "the bot has stopped trading by itself until a person restarts it: $reason"
    fi
    if [[ $(json .switch.level <<<"$told") != 0 ]]; then
        finding "trading is closed at level $(json .switch.level <<<"$told") by $(json .switch.who <<<"$told") ($(json .switch.reason <<<"$told")): runbooks/trading_halted.sh"
    elif [[ $(json .switch.trading_enabled <<<"$told") != true ]]; then
        finding "TRADING_ENABLED is not true, so the bot places no orders"
    fi
}

# bot_check_means NAME REASON: what a check of /health that fails means, and which runbook goes on.
bot_check_means() {
    case $1 in
        database) echo "the bot does not reach its database ($2): runbooks/database_connection.sh" ;;
        lease) echo "another bot may hold the lease, or the database does not give it ($2): runbooks/second_instance.sh" ;;
        exchange) echo "the exchange does not answer the bot ($2): runbooks/exchange_api_down.sh" ;;
        account) echo "the bot cannot read the account ($2): runbooks/exchange_api_down.sh" ;;
        money) echo "the bot cannot read the money of the account ($2): runbooks/readings_stale.sh" ;;
        *) echo "the check $1 of the bot fails: $2" ;;
    esac
}

# signals_recent NUMBER: the last messages as they are stored.
signals_recent() {
    sql_table "SELECT created_at::timestamptz(0) AS at, source, chat, message_id AS id, verdict,
        left(coalesce(reason, ''), 60) AS reason, left(regexp_replace(message, '\s+', ' ', 'g'), 50) AS message
        FROM signals ORDER BY id DESC LIMIT :count" "count=${1:?a number}"
}

# By verdict and reason, of a day. A finding if nothing of it was accepted, though some could not be read.
signals_by_reason() {
    local accepted unread
    sql_table "SELECT verdict, split_part(coalesce(reason, ''), ':', 1) AS reason, source, count(*),
        max(created_at)::timestamptz(0) AS last FROM signals WHERE created_at > now() - interval '1 day'
        GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 30"
    accepted=$(sql "SELECT count(*) FROM signals WHERE verdict = 'accepted' AND created_at > now() - interval '1 day'")
    unread=$(sql "SELECT count(*) FROM signals WHERE verdict = 'unreadable' AND created_at > now() - interval '1 day'")
    ((unread == 0)) || finding "$unread messages of the last day meant to be signals and could not be read: their format may have changed"
    ((accepted > 0)) || echo "none was accepted in a day"
}

# signal_dry MESSAGE [SOURCE]: what the bot would do with it. It changes nothing, whatever the message is.
signal_dry() {
    local message=${1:?a message} source=${2:-test} told verdict
    if ! told=$(signals__dry "$message" "$source"); then
        finding "the bot does not answer a dry look: runbooks/bot_down.sh"
        return 0
    fi
    if ! verdict=$(json .verdict <<<"$told"); then
        finding "the bot refuses the dry look: $(json .error <<<"$told" || head -c 200 <<<"$told")"
        return 0
    fi
    echo "message: $message"
    echo "verdict: $verdict"
    echo "reason: $(json .reason <<<"$told")"
    echo "read as: $(json .signal <<<"$told")"
    echo "plan: $(json .plan <<<"$told")"
    [[ $verdict == accepted ]] || finding "the message would not be traded ($verdict): $(json .reason <<<"$told")"
}

# The sources that the bot knows, with what came of each since it started; a finding if it knows none from outside.
signal_sources() {
    local told sources
    if told=$(bot_get /config 2>/dev/null) && sources=$(json '.[].sources[]' <<<"$told" 2>/dev/null); then
        echo "sources: ${sources//$'\n'/, }"
    fi
    bot_metric signals_received_total
}

# Whether signals can come over HTTP: without an admin token each is refused.
signals_by_http() {
    local told received
    if ! told=$(bot_get /status); then
        finding "the bot does not answer, so nobody can send it a signal: runbooks/bot_down.sh"
        return 0
    fi
    if told=$(bot_get /config 2>/dev/null); then
        told=$(json .settings.ADMIN_TOKEN <<<"$told")
        echo "ADMIN_TOKEN: $told"
        [[ $told == set ]] || finding "the bot has no ADMIN_TOKEN: it refuses every signal that comes over HTTP"
    fi
    received=$(bot_metric signals_received_total | awk '/source="http"/ { print $2 }')
    echo "came over HTTP since the bot started: ${received:-not known}"
}

# Whether the database takes what a signal needs: the bot's word, an answer here, and room to write.
signals_need_database() {
    local told ok reason
    if told=$(bot_get /health); then
        IFS=$'\t' read -r ok reason < <(json .checks.database .ok .reason <<<"$told")
        echo "by the bot: ${ok/true/it answers} ${reason#-}"
        [[ $ok == true ]] || finding "$(bot_check_means database "$reason")"
    else
        finding "the bot does not answer: runbooks/bot_down.sh"
    fi
    if told=$(sql "SELECT current_setting('default_transaction_read_only'), pg_is_in_recovery()" 2>&1); then
        echo "by the database: it answers"
        [[ $told != *'|t' ]] || finding "the database is a standby, which takes no signal"
    else
        finding "the database does not answer from here (${told##*$'\n'}): runbooks/database_connection.sh"
    fi
}

# signal_faults_said NUMBER: what the log says of messages that met a fault or wait. A finding if the last hour has any.
signal_faults_said() {
    local lines found
    lines=$(service_logs bot 4000) || return
    if ! found=$(grep -aE '"event": "(message met a fault of ours|message waits|request failed|a bug ended the bot)"' <<<"$lines"); then
        echo "no message met a fault or waits, by the last $(wc -l <<<"$lines") lines of the log"
        return 0
    fi
    tail -n "${1:?a number}" <<<"$found" | cut -c 1-600
    found=$(awk -F '"' -v since="$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%S)" '$4 > since' <<<"$found")
    [[ -z $found ]] || finding "$(wc -l <<<"$found") faults of messages in the last hour, the last: $(tail -n 1 <<<"$found" | signals__told)"
}

# What follows is for the words above.

# Event and reason of a line of the log.
signals__told() {
    json . .event .reason .error | awk -F '\t' '{ print $1 ($2 == "-" ? "" : ": " $2) ($3 == "-" ? "" : ": " $3) }'
}

# A POST that only looks: without "execute" the bot shows the plan and changes nothing.
signals__dry() {
    local body
    body='{"message": '$(bot__text "$1")', "source": '$(bot__text "$2")'}'
    bot__call POST /debug/signal "$body" | bot__body '200|422'
}
