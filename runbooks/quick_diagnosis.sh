#!/usr/bin/env bash
# Made from config/runbooks/quick_diagnosis.yaml by `make generate`; change that, not this.
# Quick diagnosis. --help tells how to run it.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "needs bash 4.4 or later, and this is ${BASH_VERSION}" >&2
    exit 5
fi
set -Eeuo pipefail
shopt -s inherit_errexit
IFS=$'\n\t'
umask 077
unset CDPATH
export LC_ALL=C

readonly RUNBOOK_HASH='1b5c837a9168deaf92d26c62499103c9037d97bdae2fc220ed66113c1d8e8727'
readonly RUNBOOK_ID=quick_diagnosis
readonly RUNBOOK_TITLE='Quick diagnosis'
readonly RUNBOOK_NAMESPACE=tradewatch
readonly RUNBOOK_LOCK=quick_diagnosis
readonly -a RUNBOOK_PLATFORMS=(local compose kubernetes systemd)
readonly -a RUNBOOK_ALERTS=()
readonly -a RUNBOOK_EVIDENCE=()
readonly -a RUNBOOK_SECRETS=(ADMIN_TOKEN BINGX_API_KEY BINGX_SECRET_KEY CRYPTET_COOKIES DATABASE_URL PGPASSWORD POSTGRES_PASSWORD TELEGRAM_API_HASH TELEGRAM_BOT_TOKEN TELEGRAM_SESSION PAGERDUTY_ROUTING_KEY GRAFANA_ADMIN_PASSWORD)
readonly -a RUNBOOK_STEPS=(alerts health status metrics database orders size exchange telegram logs machine)
readonly -a RUNBOOK_PARAMETERS=()
declare -rA STEP_TITLE=(
    [alerts]='What fires?'
    [health]='Is the bot alive and ready? (/health)'
    [status]='What does it say of itself? (/status)'
    [metrics]='Does it tell its metrics? (/metrics)'
    [database]='Does the database answer? (SELECT 1)'
    [orders]='What was ordered last?'
    [size]='How large is the database, and are connections left?'
    [exchange]='Does the exchange answer from here?'
    [telegram]='Does the bot hear its channels, and tell of trades?'
    [logs]='Which errors does the log of the last hour have?'
    [machine]='Is there room on disks and in memory, and do the programs that watch run?'
)
declare -rA STEP_KIND=(
    [alerts]=probe
    [health]=probe
    [status]=probe
    [metrics]=probe
    [database]=probe
    [orders]=probe
    [size]=probe
    [exchange]=probe
    [telegram]=probe
    [logs]=probe
    [machine]=probe
)
declare -rA STEP_WHY=()
declare -rA STEP_TIMEOUT=(
    [alerts]=15
    [health]=25
    [status]=20
    [metrics]=20
    [database]=20
    [orders]=15
    [size]=15
    [exchange]=15
    [telegram]=20
    [logs]=15
    [machine]=40
)
declare -rA STEP_MATCHES=()
declare -rA STEP_LACKS=()
declare -rA STEP_FINDING=()
declare -rA STEP_DANGER=(
    [alerts]=low
    [health]=low
    [status]=low
    [metrics]=low
    [database]=low
    [orders]=low
    [size]=low
    [exchange]=low
    [telegram]=low
    [logs]=low
    [machine]=low
)
declare -rA STEP_CONFIRM=()
declare -rA STEP_ON_FAILURE=(
    [alerts]=continue
    [health]=continue
    [status]=continue
    [metrics]=continue
    [database]=continue
    [orders]=continue
    [size]=continue
    [exchange]=continue
    [telegram]=continue
    [logs]=continue
    [machine]=continue
)
declare -rA STEP_REPEATABLE=()
declare -rA STEP_UNDO_NOT=()
declare -rA STEP_VERIFY_TIMEOUT=()
declare -rA STEP_VERIFY_ATTEMPTS=()
declare -rA STEP_VERIFY_EVERY=()
declare -rA STEP_INSTRUCTIONS=()
declare -rA STEP_BECAUSE=()
declare -rA PARAMETER_ABOUT=()
declare -rA PARAMETER_PATTERN=()
declare -rA PARAMETER_DEFAULT=()

step_alerts() {
    if told=$(alerts_firing); then
        printf '%s\n' "${told:-nothing fires}"
        [[ -z $told ]] || finding "alerts fire: ${told//$'\n'/, }; runbooks/README.md names the runbook of each"
    else
        finding "Prometheus does not answer: nothing is watched; runbooks/target_down.sh"
    fi
}

step_health() {
    process_state
    process_checks
}

step_status() {
    bot_state
    if told=$(bot_get /status 2>/dev/null); then
        echo "balance $(json .money.balance_usdt <<<"$told") USDT, equity $(json .money.equity_usdt <<<"$told"), loss today $(json .money.loss_today_usdt <<<"$told") of $(json .money.loss_limit_usdt <<<"$told")"
        json '.positions[]' .symbol .side .quantity .uncovered_quantity .unrealised_usdt <<<"$told" || echo "no positions"
        bare=$(json '.positions[]' .symbol .uncovered_quantity <<<"$told" | awk -F '\t' '$2 > 0 { print $1 }') || bare=''
        [[ -z $bare ]] || finding "positions have no stop for all of them: ${bare//$'\n'/, }; runbooks/position_without_stop.sh"
        count=$(json '.unknown[]' .client_id <<<"$told" | wc -l) || count=0
        ((count == 0)) || finding "of $count orders nobody knows what became: runbooks/orders_unknown.sh"
    fi
}

step_metrics() {
    if told=$(bot_get /metrics); then
        echo "$(grep -vc '^#' <<<"$told") series"
        bot_metric orders_by_status orders_failed_in_a_row signals_by_source bot_switch_level bot_trading_mode bot_lease_held process_resident_memory_bytes | awk '$NF != 0'
        told=$(awk '$1 == "orders_failed_in_a_row" { print $2 + 0 }' <<<"$told")
        ((${told:-0} < 3)) || finding "the last $told orders failed: runbooks/high_order_failure_rate.sh"
    else
        finding "the bot does not tell its metrics"
    fi
}

step_database() {
    signals_need_database
}

step_orders() {
    sql_table "SELECT created_at::timestamptz(0) AS at, source, symbol, side, quantity, price, state,
    left(coalesce(reason, ''), 50) AS reason FROM orders ORDER BY id DESC LIMIT 5"
}

step_size() {
    sql_table "SELECT pg_size_pretty(pg_database_size(current_database())) AS size,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    current_setting('max_connections') AS at_most"
}

step_exchange() {
    if exchange_public /openApi/swap/v2/server/time >/dev/null; then
        echo "it answers"
    else
        finding "the exchange does not answer from here: runbooks/exchange_api_down.sh"
    fi
}

step_telegram() {
    telegram_hearing
    telegram_notices
}

step_logs() {
    process_errors 10
}

step_machine() {
    process_room
    process_killed
    watchers_run
}

# Where the stack runs, how to reach its parts there, and how to start and stop them.
#
# What stands in the environment wins over what is found out here. These say where to look:
#   TRADEWATCH_HOME            the folder of `make run` (.local of the checkout)
#   COMPOSE_PROJECT_NAME       containers of this project (trading-bot)
#   KUBE_NAMESPACE, KUBE_BOT, KUBE_DB, KUBE_PROMETHEUS, KUBE_ALERTMANAGER, KUBE_CONTEXT
#   UNIT_BOT, UNIT_DB, UNIT_PROMETHEUS, UNIT_ALERTMANAGER

# The checkout, if the script lies in one. Steps run in another bash, which knows no more in which file they stood.
TRADEWATCH_ROOT=${TRADEWATCH_ROOT:-$(cd -P -- "$(dirname -- "$0")/.." && pwd)}
export TRADEWATCH_ROOT

# Prints each platform that is seen here, a line each; all are looked for at once, each within two seconds.
platform_detect() {
    local name
    {
        for name in local compose kubernetes systemd; do
            { platform__sees "$name" && echo "$name"; } &
        done
        wait
    } 2>/dev/null </dev/null | sort
}

# Exports what the words need to reach the stack on this platform.
platform_enter() {
    local name=${1:?a platform}
    if [[ -n ${TRADEWATCH_PLATFORM-} && ${TRADEWATCH_PLATFORM-} != "$name" ]]; then
        echo "this shell has the variables of the platform ${TRADEWATCH_PLATFORM-}, not of $name: use a shell without them" >&2
        return 1
    fi
    case $name in
        local) platform__enter_local ;;
        compose) platform__enter_compose ;;
        kubernetes) platform__enter_kubernetes ;;
        systemd) platform__enter_systemd ;;
        *)
            echo "nobody knows the platform $name" >&2
            return 1
            ;;
    esac
    export TRADEWATCH_PLATFORM=$name
    platform__default PGCONNECT_TIMEOUT 3
    platform__default PGDATABASE trading_bot
    platform__default PGUSER postgres
}

# A line that no other stack has: runs that mean the same one exclude each other.
platform_stack() {
    case ${TRADEWATCH_PLATFORM:?} in
        local) echo "local $(realpath -m -- "$(platform__home)")" ;;
        compose) echo "compose ${COMPOSE_PROJECT_NAME:-trading-bot}" ;;
        kubernetes) echo "kubernetes ${KUBE_CONTEXT-} ${KUBE_NAMESPACE:?}" ;;
        *) echo "systemd ${UNIT_BOT:?}" ;;
    esac
}

# Lines `what: which`: so that nobody changes another stack than the one they mean.
platform_identity() {
    local found
    echo "host: $(hostname)"
    case ${TRADEWATCH_PLATFORM:?} in
        local) echo "folder: $(platform__home)" ;;
        compose)
            platform__containers | while IFS=$'\t' read -r name id _; do
                case $name in bot | db) echo "container of $name: $id" ;; *) ;; esac
            done
            ;;
        kubernetes) echo "namespace: ${KUBE_NAMESPACE:?} of $(platform__kubectl config current-context 2>/dev/null || echo 'no context')" ;;
        *) echo "units: ${UNIT_BOT:?}, ${UNIT_DB:?}" ;;
    esac
    found=$(platform__database) || found="does not answer"
    echo "database: $found"
    echo "exchange: ${TRADING_MODE:-mode not known} at ${BINGX_BASE_URL:-an address not known}"
    found=$(platform__bot_says) || found="does not answer"
    echo "bot: $found"
}

# in_place SERVICE SECONDS ARGV…: runs a program where the service runs: bot, db, prometheus, alertmanager.
# The clock runs there as well: what is only stopped here would go on in its container. Here it stays in the foreground, that
# is in the group of its step, so that whoever ends the step ends the program.
in_place() {
    local service=${1:?a service} seconds=${2:?seconds} id
    shift 2
    case ${TRADEWATCH_PLATFORM:?} in
        compose)
            id=$(platform__container "$service") || return
            timeout --foreground -k 2 "$((seconds + 5))" docker exec -i "$id" timeout -k 2 "$seconds" "$@"
            ;;
        kubernetes)
            platform__kubectl exec -i "$(platform__object "$service")" -- timeout -k 2 "$seconds" "$@"
            ;;
        *) timeout --foreground -k 2 "$seconds" "$@" ;;
    esac
}

# Prints running, stopped, frozen, restarting or failed.
service_state() {
    local service=${1:?a service} told
    case ${TRADEWATCH_PLATFORM:?} in
        local) platform__local_state "$(platform__program "$service")" ;;
        compose) platform__compose_state "$service" ;;
        kubernetes)
            told=$(platform__kubectl get "$(platform__object "$service")" \
                -o 'jsonpath={.spec.replicas} {.status.readyReplicas}') || return
            case $told in
                0*) echo stopped ;;
                *' '[1-9]*) echo running ;;
                *) echo restarting ;;
            esac
            ;;
        *)
            told=$(timeout --foreground -k 2 5 systemctl show --property=ActiveState,MainPID "$(platform__unit "$service")") || return
            case $(sed -n 's/^ActiveState=//p' <<<"$told") in
                active) platform__unless_frozen "$(sed -n 's/^MainPID=//p' <<<"$told")" ;;
                activating | reloading) echo restarting ;;
                failed) echo failed ;;
                *) echo stopped ;;
            esac
            ;;
    esac
}

# The last LINES lines that the service wrote.
service_logs() {
    local service=${1:?a service} lines=${2:?a number of lines} id
    case ${TRADEWATCH_PLATFORM:?} in
        local) tail -n "$lines" "$(platform__home)/log/$(platform__program "$service").log" ;;
        compose)
            id=$(platform__container "$service") || return
            timeout --foreground -k 2 5 docker logs --tail "$lines" "$id" 2>&1
            ;;
        kubernetes) platform__kubectl logs --tail="$lines" "$(platform__object "$service")" ;;
        *) timeout --foreground -k 2 5 journalctl --no-pager --lines="$lines" --unit="$(platform__unit "$service")" ;;
    esac
}

service_start() {
    needs_action service_start || return
    platform__order start "${1:?a service}"
}

service_stop() {
    needs_action service_stop || return
    platform__order stop "${1:?a service}"
}

service_restart() {
    needs_action service_restart || return
    platform__order restart "${1:?a service}"
}

# What follows is for the words above.

platform__home() {
    if [[ -n ${TRADEWATCH_HOME-} ]]; then
        echo "$TRADEWATCH_HOME"
    else
        echo "${TRADEWATCH_ROOT:?}/.local"
    fi
}

platform__sees() {
    [[ -z ${TRADEWATCH_PLATFORM-} || ${TRADEWATCH_PLATFORM-} == "$1" ]] || return 1
    case $1 in
        local) [[ -r $(platform__home)/env ]] && platform__supervisord >/dev/null ;;
        compose) [[ -n $(timeout --foreground -k 1 2 docker ps --quiet --filter "$(platform__project)") ]] ;;
        kubernetes)
            [[ -n $(timeout --foreground -k 1 2 kubectl ${KUBE_CONTEXT:+--context="$KUBE_CONTEXT"} --namespace="${KUBE_NAMESPACE:-default}" \
                get "${KUBE_BOT:-deployment/trading-bot}" --output=name) ]]
            ;;
        *) [[ $(timeout --foreground -k 1 2 systemctl show --property=LoadState --value "${UNIT_BOT:-trading-bot}") == loaded ]] ;;
    esac
}

# Exports a variable that has no value yet.
platform__default() {
    [[ -n ${!1-} ]] || export "$1=$2"
}

# So much of the step's time as is left, and at most SECONDS.
platform__within() {
    local most=${1:?seconds} left
    # Identity and evidence are outside of a step.
    left=$(left_seconds 2>/dev/null) || left=
    left=${left%%.*}
    echo "$((left > 0 && left < most ? left : most))"
}

# local

platform__enter_local() {
    local home name value
    home=$(platform__home)
    export TRADEWATCH_HOME=$home
    if [[ -r $home/env ]]; then
        while IFS='=' read -r -d '' name value; do
            case $name in
                PATH) export PATH=$value ;;
                PWD | SHLVL | _) ;;
                *) platform__default "$name" "$value" ;;
            esac
        done < <(platform__exported "$home/env")
    fi
    platform__default TEXTFILE_DIR "$home/textfile"
    platform__default BACKUP_DIR "$home/backups"
}

# What a file exports, each with a NUL behind it; in a shell of its own, so that nothing else comes back.
platform__exported() {
    env -i PATH="$PATH" bash -s -- "$1" <<'SHELL'
. "$1"
env -0
SHELL
}

# Prints the process number of this stack's supervisord, if it lives.
platform__supervisord() {
    local pid
    pid=$(cat "$(platform__home)/supervisord.pid" 2>/dev/null) || return
    [[ $(ps -o args= -p "$pid") == *"$(platform__home)/supervisord.conf"* ]] && echo "$pid"
}

platform__supervisorctl() {
    timeout --foreground -k 2 "$(platform__within 60)" supervisorctl --configuration "$(platform__home)/supervisord.conf" "$@"
}

# The name of the service with supervisord.
platform__program() {
    case $1 in
        db) echo postgres ;;
        *) echo "${1//-/_}" ;;
    esac
}

platform__local_state() {
    local told state pid
    if ! platform__supervisord >/dev/null; then
        echo stopped
        return
    fi
    # Its exit code tells of the service, and not whether the question was answered.
    told=$(platform__supervisorctl status "$1") || true
    state=$(awk -v name="$1" '$1 == name { print $2 }' <<<"$told")
    case $state in
        RUNNING)
            pid=$(sed -n 's/.* pid \([0-9]*\),.*/\1/p' <<<"$told")
            platform__unless_frozen "$pid"
            ;;
        STARTING | BACKOFF) echo restarting ;;
        STOPPED | STOPPING | EXITED) echo stopped ;;
        FATAL) echo failed ;;
        *)
            echo "supervisord does not tell of $1: $told" >&2
            return 1
            ;;
    esac
}

# Frozen is a process that is stopped by a signal, or one whose child is.
platform__unless_frozen() {
    if ps -o state= -p "$1" --ppid "$1" | grep -q '^[Tt]'; then echo frozen; else echo running; fi
}

# compose

platform__project() { echo "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-trading-bot}"; }

# service, id, state and published ports of each container, stopped ones too.
platform__containers() {
    timeout --foreground -k 2 5 docker ps --all --filter "$(platform__project)" \
        --format '{{.Label "com.docker.compose.service"}}\t{{.ID}}\t{{.State}}\t{{.Ports}}'
}

platform__container() {
    local id
    id=$(platform__containers | awk -F '\t' -v name="$1" '$1 == name { print $2; exit }')
    if [[ -z $id ]]; then
        echo "there is no container of the service $1 in the project ${COMPOSE_PROJECT_NAME:-trading-bot}" >&2
        return 1
    fi
    echo "$id"
}

platform__compose_state() {
    local id told
    id=$(platform__container "$1") || return
    told=$(timeout --foreground -k 2 5 docker inspect --format '{{.State.Status}}' "$id") || return
    case $told in
        running)
            # A pause shows as its own state, a signal to the processes only here.
            if timeout --foreground -k 2 5 docker top "$id" -o pid,stat | awk 'NR > 1 { print $2 }' | grep -q '^T'; then
                echo frozen
            else
                echo running
            fi
            ;;
        paused) echo frozen ;;
        restarting) echo restarting ;;
        dead) echo failed ;;
        *) echo stopped ;;
    esac
}

# Where a port of a service is published: as the running container has it, else as .env says, else PORT.
platform__published() {
    local service=$1 inside=$2 variable=$3 usual=$4 listed=$5 file found
    found=$(awk -F '\t' -v name="$service" '$1 == name { print $4 }' <<<"$listed" |
        tr ',' '\n' | sed -n "s/.*:\([0-9]*\)->$inside\/tcp.*/\1/p" | head -n 1)
    file=${TRADEWATCH_ROOT:?}/.env
    if [[ -z $found && -r $file ]]; then
        found=$(sed -n "s/^$variable=\([0-9]*\).*/\1/p" "$file" | tail -n 1)
    fi
    echo "${found:-$usual}"
}

platform__enter_compose() {
    local folder listed id told
    folder=${TRADEWATCH_ROOT:?}/.local/compose
    listed=$(platform__containers) || listed=
    platform__default PGHOST 127.0.0.1
    platform__default PGPORT "$(platform__published db 5432 POSTGRES_PORT 15432 "$listed")"
    platform__default PGPASSFILE "$folder/secrets/pgpass"
    platform__default BOT_URL "http://127.0.0.1:$(platform__published bot 8080 BOT_PORT 8080 "$listed")"
    platform__default PROMETHEUS_URL "http://127.0.0.1:$(platform__published prometheus 9090 PROMETHEUS_PORT 9090 "$listed")"
    platform__default ALERTMANAGER_URL "http://127.0.0.1:$(platform__published alertmanager 9093 ALERTMANAGER_PORT 9093 "$listed")"
    platform__default SIMULATOR_URL "http://127.0.0.1:$(platform__published simulator 8090 SIMULATOR_PORT 8090 "$listed")"
    platform__default ADMIN_TOKEN_FILE "$folder/secrets/admin_token"
    platform__default CONTROL_DIR "$folder/control"
    platform__default BINGX_API_KEY_FILE "$folder/secrets/bingx_api_key"
    platform__default BINGX_SECRET_KEY_FILE "$folder/secrets/bingx_secret_key"
    platform__default TEXTFILE_DIR "$folder/textfile"
    platform__default BACKUP_DIR "$folder/backups"
    PATH=$PATH:${TRADEWATCH_ROOT:?}/.tools/bin
    export PATH
    # Its own settings say which exchange it uses; no secret is taken from there.
    if id=$(platform__container bot 2>/dev/null); then
        told=$(timeout --foreground -k 2 5 docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$id" |
            grep -E '^(TRADING_MODE|BINGX_BASE_URL)=') || told=
        platform__default TRADING_MODE "$(sed -n 's/^TRADING_MODE=//p' <<<"$told")"
        told=$(sed -n 's/^BINGX_BASE_URL=//p' <<<"$told")
        # The name of a container means nothing on the host.
        [[ $told != http://simulator:* ]] || told=${SIMULATOR_URL:?}
        [[ -z $told ]] || platform__default BINGX_BASE_URL "$told"
    fi
    platform__exchange
}

# kubernetes

platform__kubectl() {
    timeout --foreground -k 2 "$(platform__within 60)" \
        kubectl ${KUBE_CONTEXT:+--context="$KUBE_CONTEXT"} --namespace="${KUBE_NAMESPACE:-default}" "$@"
}

platform__object() {
    case $1 in
        bot) echo "${KUBE_BOT:?}" ;;
        db) echo "${KUBE_DB:?}" ;;
        prometheus) echo "${KUBE_PROMETHEUS:?}" ;;
        alertmanager) echo "${KUBE_ALERTMANAGER:?}" ;;
        *)
            echo "no object is known for the service $1" >&2
            return 1
            ;;
    esac
}

platform__enter_kubernetes() {
    platform__default KUBE_NAMESPACE default
    platform__default KUBE_BOT deployment/trading-bot
    platform__default KUBE_DB statefulset/postgresql
    platform__default KUBE_PROMETHEUS statefulset/prometheus
    platform__default KUBE_ALERTMANAGER statefulset/alertmanager
    # As `kubectl port-forward` gives them. The bot and the database are asked in their pods.
    platform__default PROMETHEUS_URL http://127.0.0.1:9090
    platform__default ALERTMANAGER_URL http://127.0.0.1:9093
    platform__default BACKUP_DIR /var/backups/trading-bot
    platform__exchange
}

# systemd

platform__unit() {
    case $1 in
        bot) echo "${UNIT_BOT:?}" ;;
        db) echo "${UNIT_DB:?}" ;;
        prometheus) echo "${UNIT_PROMETHEUS:?}" ;;
        alertmanager) echo "${UNIT_ALERTMANAGER:?}" ;;
        *) echo "prometheus-$1" ;;
    esac
}

platform__enter_systemd() {
    platform__default UNIT_BOT trading-bot
    platform__default UNIT_DB postgresql
    platform__default UNIT_PROMETHEUS prometheus
    platform__default UNIT_ALERTMANAGER prometheus-alertmanager
    platform__default PGHOST 127.0.0.1
    platform__default PGPORT 5432
    platform__default BOT_URL http://127.0.0.1:8080
    platform__default PROMETHEUS_URL http://127.0.0.1:9090
    platform__default ALERTMANAGER_URL http://127.0.0.1:9093
    platform__default CONTROL_DIR /var/lib/trading-bot/control
    platform__default ADMIN_TOKEN_FILE /etc/trading-bot/secrets/admin_token
    platform__default PGPASSFILE /etc/trading-bot/secrets/pgpass
    platform__default BINGX_API_KEY_FILE /etc/trading-bot/secrets/bingx_api_key
    platform__default BINGX_SECRET_KEY_FILE /etc/trading-bot/secrets/bingx_secret_key
    platform__default TEXTFILE_DIR /var/lib/prometheus/node-exporter
    platform__default BACKUP_DIR /var/backups/trading-bot
    platform__exchange
}

# every platform

# The address of the exchange by the bot's mode, as the bot itself takes it.
platform__exchange() {
    case ${TRADING_MODE-} in
        vst) platform__default BINGX_BASE_URL https://open-api-vst.bingx.com ;;
        live) platform__default BINGX_BASE_URL https://open-api.bingx.com ;;
        *) ;;
    esac
}

platform__order() {
    local how=$1 service=$2 id name seconds
    seconds=$(platform__within 90)
    case ${TRADEWATCH_PLATFORM:?} in
        local)
            name=$(platform__program "$service")
            case $how in
                # What already is as it shall be is no failure.
                start) [[ $(platform__local_state "$name") == running ]] || platform__supervisorctl start "$name" ;;
                stop) [[ $(platform__local_state "$name") == stopped ]] || platform__supervisorctl stop "$name" ;;
                *) platform__supervisorctl restart "$name" ;;
            esac
            ;;
        compose)
            id=$(platform__container "$service") || return
            timeout --foreground -k 2 "$seconds" docker "$how" "$id" >/dev/null
            ;;
        kubernetes)
            name=$(platform__object "$service") || return
            case $how in
                start) platform__kubectl scale --replicas=1 "$name" ;;
                stop) platform__kubectl scale --replicas=0 "$name" ;;
                *) platform__kubectl rollout restart "$name" ;;
            esac
            ;;
        *) timeout --foreground -k 2 "$seconds" systemctl "$how" "$(platform__unit "$service")" ;;
    esac
    echo "$how of $service is done"
}

platform__database() {
    local sql="SELECT current_database() || ', system ' || system_identifier || ', PostgreSQL ' || current_setting('server_version') FROM pg_control_system()"
    in_place db 3 psql -X -w -A -t -q -v ON_ERROR_STOP=1 -d "${PGDATABASE:?}" -U "${PGUSER:?}" -c "$sql" 2>/dev/null
}

platform__bot_says() {
    local told
    if [[ ${TRADEWATCH_PLATFORM:?} == kubernetes && -z ${BOT_URL-} ]]; then
        in_place bot 3 python -m bot status 2>/dev/null | head -n 1
    else
        told=$(curl -sS --noproxy '*' --max-time 3 "${BOT_URL:?}/status" 2>/dev/null) && json .summary <<<"$told"
    fi
}

# Words that ask the bot, and that close and open its switch.

# bot_get PATH: prints what the bot answers; fails if it does not answer, or answers no to the question.
# What it says with 503, as /health does while it is not ready, is an answer.
bot_get() {
    bot__call GET "${1:?a path}" '' | bot__body '200|503'
}

# bot_post PATH JSON: prints the answer; fails unless it is 200. Then what the bot said against it is printed as well.
bot_post() {
    needs_action bot_post || return
    bot__call POST "${1:?a path}" "${2:?JSON}" | bot__body 200
}

# Prints the level that holds.
switch_level() {
    local told
    told=$(bot_get /status) || return
    json .switch.level <<<"$told"
}

# What the control directory says, whether the bot lives or not.
switch_latch() {
    local file=${CONTROL_DIR:?the control directory is not known here}/HALT
    if [[ -e $file || -L $file ]]; then
        echo "the HALT file closes at level $(bot__halt_level "$file"): $(head -c 500 -- "$file" 2>/dev/null | tr '[:cntrl:]' ' ')"
    else
        echo "there is no HALT file"
    fi
}

# switch_close LEVEL REASON: closes at least so far, and opens nothing. The HALT file comes first, because it works with
# the bot dead, too. Prints what holds; fails if nothing does.
switch_close() {
    needs_action switch_close || return
    local level=${1:?a level} reason=${2:?a reason} body told held by_file=0
    [[ $level == [123] ]] || { echo "a level is 1, 2 or 3, and not $level" >&2 && return 1; }
    bot__halt "$level" "$reason" && by_file=1
    body='{"level": '$level', "at_least": true, "reason": '$(bot__text "$reason")', "who": '$(bot__text "$(bot__who)")'}'
    if told=$(bot_post /trading "$body"); then
        json .summary <<<"$told"
        return 0
    fi
    if told=$(bot_get /status 2>/dev/null) && held=$(json .switch.level <<<"$told"); then
        if ((held >= level)); then
            echo "closed at level $held: $(json .switch.reason <<<"$told")"
            return 0
        fi
        echo "NOT HALTED: the bot answers, and its switch is at level $held; is ${CONTROL_DIR-the control directory} its own?" >&2
        return 1
    fi
    if ((by_file)); then
        echo "closed at level $level by the HALT file; the bot does not answer, and reads the file before every order and when it starts"
        return 0
    fi
    echo "NOT HALTED: neither the HALT file nor the bot took it; stop the bot's process (what rests at the exchange stays there)" >&2
    return 1
}

# switch_open SIZE_FACTOR SYMBOLS REASON: opens trading for so much of each quantity and these symbols alone, with
# commas between; '' for all. As `python -m bot resume`: the HALT file is away while the bot decides, and back unless it opens.
switch_open() {
    needs_action switch_open || return
    local factor=${1:?a size factor} symbols=${2?symbols} reason=${3:?a reason} body told
    body='{"level": 0, "reason": '$(bot__text "$reason")', "who": '$(bot__text "$(bot__who)")', "size_factor": '$(bot__text "$factor")
    [[ -z $symbols ]] || body+=', "symbols": ["'${symbols//,/'", "'}'"]'
    body+='}'
    if [[ -z ${CONTROL_DIR-} ]]; then
        in_place bot 15 python -m bot resume --reason "$reason" --size-factor "$factor" ${symbols:+--symbols="$symbols"}
        return
    fi
    bot_get /livez >/dev/null || return
    told=$(bot__without_halt "$body") || return
    json .summary <<<"$told"
    told=$(json .closed_because <<<"$told") || return 0
    [[ $told == null ]] || echo "but it places no orders yet: $told"
}

# bot_metric NAME…: the series of these metrics, as the bot exports them: name, labels and value.
bot_metric() {
    local page IFS=' '
    page=$(bot_get /metrics) || return
    awk -v names="$*" '
        BEGIN { count = split(names, each, " "); for (k = 1; k <= count; k++) wanted[each[k]] = 1 }
        /^[^#]/ { name = $1; sub(/\{.*/, "", name); if (name in wanted) { print; found = 1 } }
        END { exit !found }' <<<"$page"
}

# Whether trading is closed at a level above 0, by the bot's own word.
switch_is_closed() {
    local level
    level=$(switch_level) && [[ $level == [123] ]]
}

evidence_status() { bot_get /status; }
evidence_metrics() { bot_get /metrics; }
evidence_logs() { service_logs bot 400; }

# What fires, by Alertmanager; by Prometheus if that is gone.
evidence_alerts() {
    bot__curl "${ALERTMANAGER_URL:?}/api/v2/alerts?active=true" || bot__curl "${PROMETHEUS_URL:?}/api/v1/alerts"
}

evidence_disk() {
    df -P -k
    df -P -i
}

# What follows is for the words above.

bot__who() {
    echo "${SUDO_USER:-$(id -un)}@$(hostname) by the runbook ${RUNBOOK_ID:-of nobody}" | cut -c 1-64
}

# A text as JSON. Control characters have no place in a reason.
bot__text() {
    local text=${1//[[:cntrl:]]/ }
    text=${text//\\/\\\\}
    printf '"%s"\n' "${text//\"/\\\"}"
}

bot__curl() {
    curl --silent --show-error --fail --noproxy '*' --max-time 4 "$@"
}

# METHOD PATH BODY: prints the body, and in a last line the status. The token goes over standard input: never an argument.
bot__call() {
    local method=$1 path=$2 body=$3 token
    if [[ ${TRADEWATCH_PLATFORM:?} == kubernetes && -z ${BOT_URL-} ]]; then
        in_place bot 8 python -c "$(bot__program)" "$method" "$path" "$body"
        return
    fi
    if [[ $method == GET ]]; then
        curl --silent --show-error --noproxy '*' --max-time 4 --write-out '\n%{http_code}' "${BOT_URL:?}$path"
        return
    fi
    token=${ADMIN_TOKEN-}
    [[ -n $token ]] || token=$(cat "${ADMIN_TOKEN_FILE:?ADMIN_TOKEN_FILE is not set}") || return
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl --config - --silent --show-error --noproxy '*' --max-time 4 --write-out '\n%{http_code}' \
            --header 'Content-Type: application/json' --request "$method" --data-binary "$body" "${BOT_URL:?}$path"
}

# In the bot's own place, with the token that lies there.
bot__program() {
    cat <<'PYTHON'
import os, pathlib, sys, urllib.error, urllib.request
method, path, body = sys.argv[1:]
request = urllib.request.Request(f"http://127.0.0.1:{os.environ.get('HTTP_PORT', 8080)}{path}", method=method)
if method == "POST":
    file = os.environ.get("ADMIN_TOKEN_FILE")
    token = pathlib.Path(file).read_text().strip() if file else os.environ.get("ADMIN_TOKEN", "")
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    request.data = body.encode()
try:
    answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    sys.exit(f"the bot does not answer: {error}")
print(answer.read().decode(), answer.status, sep="\n", end="")
PYTHON
}

# Of what bot__call printed the body; fails unless the status is one of GOOD.
bot__body() {
    local good=$1 told status
    told=$(cat)
    status=${told##*$'\n'}
    if [[ ! $status =~ ^[0-9]{3}$ || $status == 000 ]]; then
        echo "the bot does not answer" >&2
        return 1
    fi
    told=${told%$'\n'*}
    if [[ ! $status =~ ^($good)$ ]]; then
        echo "the bot says $status: $(json .error <<<"$told" 2>/dev/null || echo "$told" | head -c 300)" >&2
        json '.against[]' <<<"$told" 2>/dev/null | sed 's/^/  - /' >&2 || true
        return 1
    fi
    printf '%s\n' "$told"
}

# Writes HALT, unless what is there closes as far or further. Whole or not at all, as the bot writes it.
bot__halt() {
    local level=$1 reason=${2//[[:cntrl:]]/ } folder=${CONTROL_DIR-} there
    if [[ -z $folder ]]; then
        in_place bot 8 python -m bot halt --level "$level" --reason "$reason"
        return
    fi
    if [[ ! -e $folder/tradewatch-control ]]; then
        echo "the HALT file was not written: $folder is no control directory" >&2
        return 1
    fi
    there=$(bot__halt_level "$folder/HALT")
    if ((there >= level)); then
        echo "the HALT file is there: level $there"
        return 0
    fi
    bot__write "$folder" "$level $reason, by $(bot__who)" && echo "wrote the HALT file: level $level"
}

bot__write() {
    local new="$1/.HALT.runbook.$BASHPID"
    if ! { printf '%s\n' "$2" >"$new" && chmod 644 "$new" && sync "$new" && mv -fT "$new" "$1/HALT" && sync "$1"; }; then
        rm -f "$new"
        echo "the HALT file could not be written in $1" >&2
        return 1
    fi
}

# 0 if there is none. Whatever has the name closes, and what cannot be read closes at 1.
bot__halt_level() {
    local word=''
    [[ -e $1 || -L $1 ]] || { echo 0 && return; }
    if [[ -f $1 && ! -L $1 && -r $1 ]]; then
        word=$(head -c 1000 "$1" | tr '[:cntrl:]' ' ' | awk '{ sub(/[:,.;]+$/, "", $1); print $1 }')
    fi
    case $word in
        2 | 3) echo "$word" ;;
        *) echo 1 ;;
    esac
}

# Asks the bot to open while the HALT file is away. It is back unless the bot opened, also if this is stopped meanwhile.
bot__without_halt() (
    local body=$1 file="${CONTROL_DIR:?}/HALT" away="${CONTROL_DIR:?}/.HALT.away.$BASHPID"
    if [[ ! -e $file && ! -L $file ]]; then
        bot_post /trading "$body"
        exit
    fi
    if [[ -d $file ]]; then
        echo "not opened: $file is a folder, take it away by hand" >&2
        exit 1
    fi
    put_back() {
        # Somebody may have halted further meanwhile.
        (($(bot__halt_level "$file") < $(bot__halt_level "$away"))) || { rm -f -- "$away" && return; }
        mv -f -- "$away" "$file" && echo "the HALT file is back" >&2
    }
    trap put_back EXIT
    trap 'exit 143' TERM
    trap 'exit 130' INT
    mv -f -- "$file" "$away" || exit 1
    bot_post /trading "$body" || exit 1
    trap - EXIT
    rm -f -- "$away"
)

# Words about the bot's process: whether it runs and answers, why it ended, what it takes, and how it is started. Uses bot.

# Whether it runs and answers; a finding for each way in which it does not.
process_state() {
    local state answered=yes
    state=$(service_state bot) || state="not known"
    bot_get /livez >/dev/null 2>&1 || answered=no
    echo "state of the process: $state; answers: $answered"
    case $state/$answered in
        running/yes) ;;
        frozen/*) finding "the bot's process is frozen: somebody or something has stopped it by a signal or a pause; it does nothing until it goes on" ;;
        running/no) finding "the bot's process runs and does not answer: it hangs, or is just starting, or listens at another address than ${BOT_URL-its usual one}" ;;
        restarting/*) finding "the bot ends and is started again: its log says why" ;;
        failed/*) finding "the bot ended by a fault again and again, and its manager gave up" ;;
        stopped/*) finding "the bot's process has ended, and nobody starts it" ;;
        */yes) echo "it answers, though its manager says: $state" ;;
        *) finding "nobody knows the state of the bot's process, and it does not answer" ;;
    esac
}

process_answers() {
    bot_get /livez >/dev/null 2>&1
}

process_is_ready() {
    local told
    told=$(bot_get /health 2>/dev/null) && [[ $(json .ready <<<"$told") == true ]]
}

process_has_stopped() {
    local told
    told=$(bot_get /health 2>/dev/null) && json .stopped <<<"$told" >/dev/null
}

process_is_live() {
    local told
    told=$(bot_get /status 2>/dev/null) && [[ $(json .mode <<<"$told") == live ]]
}

# Its checks, each with its reason and since when; a finding for each that fails, by the words of library signals.
process_checks() {
    local told name ok reason since
    if ! told=$(bot_get /health); then
        finding "the bot does not answer: runbooks/bot_down.sh"
        return 0
    fi
    echo "ready: $(json .ready <<<"$told")"
    for name in database lease exchange account money; do
        IFS=$'\t' read -r ok reason since < <(json ".checks.$name" .ok .reason .for_seconds <<<"$told")
        echo "$name: ${ok/true/well} for ${since%.*} s ${reason#-}"
        [[ $ok == true ]] || finding "$(bot_check_means "$name" "$reason")"
    done
    if reason=$(json .stopped <<<"$told"); then
        finding "the bot has stopped trading by itself, until a person restarts it: $reason"
    fi
}

# Its last lines, and what they say about its end.
process_said() {
    local lines last starts
    if ! lines=$(service_logs bot 2000); then
        finding "the bot's log cannot be read here"
        return 0
    fi
    tail -n 12 <<<"$lines" | cut -c 1-500
    # What is before its last start is over.
    last=$(awk '/"event": "listening"/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' <<<"$lines")
    process__end "$last"
    starts=$(awk -F '"' -v since="$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%S)" \
        '/"event": "listening"/ && $4 > since { count++ } END { print count + 0 }' <<<"$lines")
    echo "starts within the last hour, by the log: $starts"
    if ((starts > 3)); then
        finding "the bot was started $starts times within an hour"
        process__end "$(awk '/"event": "listening"/ { before = text; text = "" } { text = text $0 "\n" } END { printf "%s", before }' <<<"$lines")"
    fi
}

# process_errors NUMBER: what the log of the last hour has of errors and warnings; a finding for errors.
process_errors() {
    local lines recent errors
    if ! lines=$(service_logs bot 4000); then
        finding "the bot's log cannot be read here"
        return 0
    fi
    recent=$(awk -F '"' -v since="$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%S)" '!/^\{/ || $4 > since' <<<"$lines")
    errors=$(grep -ac '"level": "error"' <<<"$recent") || [[ $? == 1 ]]
    echo "within an hour: $errors errors, $(grep -ac '"level": "warning"' <<<"$recent" || [[ $? == 1 ]]) warnings"
    grep -aE '"level": "(error|warning)"|^Traceback' <<<"$recent" | tail -n "${1:?a number}" | cut -c 1-400 || [[ $? == 1 ]]
    ((errors == 0)) || finding "the log has $errors errors of the last hour, the last: $(grep -a '"level": "error"' <<<"$recent" | tail -n 1 | json . .event .reason .error | tr '\t' ' ')"
}

# Whether the kernel killed programs because memory ran out.
process_killed() {
    local told labels count
    if told=$(prometheus_query 'round(increase(node_vmstat_oom_kill[1h])) > 0' 2>/dev/null); then
        if [[ -z $told ]]; then
            echo "no program was killed for want of memory in the last hour"
        else
            while IFS=$'\t' read -r labels count; do
                finding "$count programs were killed for want of memory in the last hour: runbooks/performance.sh"
                echo "$labels"
            done <<<"$told"
        fi
    else
        echo "Prometheus does not answer; killed since this machine started: $(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)"
    fi
}

# Room on disks and in memory.
process_room() {
    local line left
    df -P -x tmpfs -x devtmpfs -x overlay -x squashfs 2>/dev/null | awk 'NR > 1 { print $6 ": " $5 " taken, " int($4 / 1024) " MiB left" }'
    line=$(df -P -x tmpfs -x devtmpfs -x overlay -x squashfs 2>/dev/null | awk 'NR > 1 && $4 < 65536 { print $6 }')
    [[ -z $line ]] || finding "no room is left on ${line//$'\n'/, }: runbooks/disk_full.sh"
    left=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
    echo "memory that programs can have: $left MiB"
    ((left >= 200)) || finding "only $left MiB of memory are left, and the bot wants 200: runbooks/performance.sh"
}

# Starts it if it has ended; starts it anew otherwise.
process_start() {
    needs_action process_start || return
    local state
    state=$(service_state bot) || state="not known"
    echo "state before: $state"
    case $state in
        stopped | failed) service_start bot ;;
        *) service_restart bot ;;
    esac
}

# process_stays SECONDS: looks whether it is the same process all that time, and answers.
process_stays() {
    local before after
    if ! before=$(bot_metric process_start_time_seconds); then
        finding "the bot does not answer, so it cannot be watched"
        return 0
    fi
    sleep "${1:?seconds}"
    if after=$(bot_metric process_start_time_seconds) && [[ $before == "$after" ]]; then
        echo "it stays up: it is the same process after $1 s, and answers"
    else
        finding "the bot does not stay up: it ended or was started anew within $1 s"
    fi
}

# Bots on this machine, of whatever stack: two may be meant to be there.
process_bots() {
    local told
    told=$(ps -eo pid=,lstart=,args= | awk '/ -m bot( run)?$/ && !/awk/')
    if [[ -z $told ]]; then
        echo "none is seen on this machine, or not from here"
        return 0
    fi
    printf '%s\n' "$told"
}

# The process number of the bot on this machine; fails if it is not seen from here, as in Kubernetes.
process_pid() {
    local pid='' id
    case ${TRADEWATCH_PLATFORM:?} in
        local) pid=$(ps -o pid=,args= --ppid "$(platform__supervisord || echo 0)" | awk '/ -m bot$/ { print $1; exit }') ;;
        compose)
            id=$(platform__container bot) || return
            pid=$(timeout --foreground -k 2 5 docker inspect --format '{{.State.Pid}}' "$id") || return
            ;;
        systemd) pid=$(timeout --foreground -k 2 5 systemctl show --property=MainPID --value "$(platform__unit bot)") || return ;;
        *) ;;
    esac
    [[ $pid =~ ^[1-9][0-9]*$ && -d /proc/$pid ]] && echo "$pid"
}

# process_samples NUMBER SECONDS: so many looks at what the bot takes, so many seconds apart. A finding for what is too much.
process_samples() {
    local number=${1:?a number} every=${2:?seconds} told at before_cpu='' before_at='' rss cpu fds most first='' i
    printf '%-10s %12s %10s %8s\n' time "memory (MiB)" "CPU (%)" files
    for ((i = 0; i < number; i++)); do
        ((i == 0)) || sleep "$every"
        if ! told=$(bot_metric process_resident_memory_bytes process_cpu_seconds_total process_open_fds process_max_fds); then
            finding "the bot does not answer: runbooks/bot_down.sh"
            return 0
        fi
        at=$(date +%s.%N)
        rss=$(awk '$1 == "process_resident_memory_bytes" { printf "%.1f", $2 / 1048576 }' <<<"$told")
        cpu=$(awk '$1 == "process_cpu_seconds_total" { print $2 }' <<<"$told")
        fds=$(awk '$1 == "process_open_fds" { printf "%d", $2 }' <<<"$told")
        most=$(awk '$1 == "process_max_fds" { printf "%d", $2 }' <<<"$told")
        [[ -n $first ]] || first=$rss
        told=-
        [[ -z $before_at ]] || told=$(awk -v c="$cpu" -v b="$before_cpu" -v t="$at" -v u="$before_at" 'BEGIN { printf "%.1f", 100 * (c - b) / (t - u) }')
        printf '%-10s %12s %10s %8s\n' "$(date -u +%H:%M:%S)" "$rss" "$told" "$fds of $most"
        before_cpu=$cpu before_at=$at
    done
    ((fds * 10 < most * 8)) || finding "the bot has $fds of $most files and sockets open: it soon can open none, not for an order either"
    [[ $told == - ]] || awk -v p="$told" 'BEGIN { exit !(p > 80) }' && finding "the bot keeps a processor busy: $told %"
    awk -v a="$first" -v b="$rss" 'BEGIN { exit !(b > a * 1.1 && b > a + 20) }' && finding "the bot's memory grew from $first to $rss MiB while this looked"
    return 0
}

# Whether the bot itself is short of files, or holds more than half of the machine's memory.
process_is_short() {
    local told total
    told=$(bot_metric process_resident_memory_bytes process_open_fds process_max_fds) || return
    total=$(awk '$1 == "MemTotal:" { print $2 * 1024 }' /proc/meminfo)
    awk -v total="$total" '
        $1 == "process_resident_memory_bytes" { rss = $2 }
        $1 == "process_open_fds" { fds = $2 }
        $1 == "process_max_fds" { most = $2 }
        END { exit !(fds > most * 0.8 || rss > total / 2) }' <<<"$told"
}

# What follows is for the words above.

# What the lines after the last start say of an end.
process__end() {
    case $1 in
        *'"event": "a bug ended the bot"'*) finding "a bug ended the bot: keep its log for whoever mends it; going back to the version before is the way on" ;;
        *'"event": "cannot start"'*) finding "the bot cannot start: $(grep -a '"event": "cannot start"' <<<"$1" | tail -n 1 | json .reason)" ;;
        *'"event": "stopped"'*) echo "it was told to stop, and did so" ;;
        *) process__problem "$1" ;;
    esac
}

# Problems with settings are plain lines, as they come before the log is open.
process__problem() {
    local plain
    plain=$(grep -av '^{' <<<"$1" | grep -aE '^[A-Z][A-Z_]+|^[a-z_]+\.yaml' | tail -n 5) || plain=''
    if [[ -n $plain ]]; then
        finding "the bot refuses its settings: ${plain//$'\n'/; }"
    elif [[ $1 == *Traceback* ]]; then
        finding "the bot ended by a fault of its program: $(grep -aE '^[A-Za-z.]+(Error|Exception)' <<<"$1" | tail -n 1)"
    fi
}

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

# Words that ask the database and change it. Programs run where the server is, so that they are as new as it is, and
# with limits of the server's own: a psql that is killed leaves its statement running. A password is found by libpq, in
# PGPASSFILE or by the rules of the server, and stands in no argument.

database_name() {
    printf '%s\n' "${PGDATABASE:-trading_bot}"
}

# pg_tool read|write DATABASE PROGRAM ARGUMENT…: runs it beside the server, within what is left of the step.
pg_tool() {
    local access=$1 database=$2
    shift 2
    local seconds
    seconds=$(left_seconds)
    seconds=${seconds%.*}
    ((seconds > 0)) || seconds=1
    # Texts of values are compared between databases, so they must not depend on settings.
    local options="-c statement_timeout=${seconds}s -c lock_timeout=5s -c TimeZone=UTC -c DateStyle=ISO"
    options+=" -c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=1 -c client_min_messages=warning"
    [[ $access == write ]] || options+=" -c default_transaction_read_only=on"
    in_place db "$seconds" env "PGAPPNAME=runbook:${RUNBOOK_ID:?}" PGCONNECT_TIMEOUT=5 "PGUSER=${PGUSER:-postgres}" \
        "PGDATABASE=$database" "PGOPTIONS=$options" "$@"
}

# _psql ACCESS DATABASE FLAGS TEXT [NAME=VALUE…]: in TEXT, :'NAME' is the value as a literal, :"NAME" as a name. Values go by
# standard input: what the exchange tells of a thousand trades is more than an argument may hold.
_psql() {
    local access=$1 database=$2 flags=$3 text=$4 value sets=''
    shift 4
    for value in "$@"; do
        _psql_set "$value"
        sets+=$REPLY$'\n'
    done
    pg_tool "$access" "$database" psql -X -w -q "$flags" -v ON_ERROR_STOP=1 -f - <<<"$sets$text"
}

# Sets REPLY to the line that gives psql the value NAME=VALUE. By bytes, which is quick in a long text.
_psql_set() {
    local LC_ALL=C back=$'\\' quote="'" value=${1#*=}
    value=${value//"$back"/"$back$back"}
    value=${value//"$quote"/"$back$quote"}
    REPLY="\\set ${1%%=*} '${value//$'\n'/"${back}n"}'"
}

# sql TEXT [NAME=VALUE…]: rows for programs, columns with | between. The server refuses to change anything.
sql() {
    sql_in "$(database_name)" "$@"
}

# sql_in DATABASE TEXT [NAME=VALUE…]
sql_in() {
    local database=$1
    shift
    _psql read "$database" -At "$@"
}

# sql_table TEXT [NAME=VALUE…]: rows for people.
sql_table() {
    _psql read "$(database_name)" -Pfooter=off "$@"
}

# sql_change TEXT [NAME=VALUE…]
sql_change() {
    needs_action sql_change
    _psql write "$(database_name)" -At "$@"
}

# sql_change_in DATABASE TEXT [NAME=VALUE…]
sql_change_in() {
    needs_action sql_change_in
    local database=$1
    shift
    _psql write "$database" -At "$@"
}

# Ends the step if the server does not tell: who takes silence for no would save nothing, or rename what is there.
database_exists() {
    local count
    count=$(sql_in postgres "SELECT count(*) FROM pg_database WHERE datname = :'name'" "name=$1") ||
        fail "the server does not tell whether there is a database $1"
    [[ $count == 1 ]]
}

# What people look at first. Of statements only the first words are shown: values may be nobody's business.
evidence_database() {
    sql_table "SELECT version(), pg_is_in_recovery() AS standby, pg_postmaster_start_time()::timestamptz(0) AS started,
            current_setting('max_connections') AS connections_at_most"
    sql_table "SELECT pid, usename AS role, datname AS database, application_name AS application, backend_type, state,
            wait_event_type AS waits, wait_event AS waits_for, pg_blocking_pids(pid) AS blocked_by,
            (now() - xact_start)::interval(0) AS transaction, (now() - query_start)::interval(0) AS statement,
            substring(query FROM '^\s*(\w+\s*\w*)') AS begins
        FROM pg_stat_activity WHERE pid <> pg_backend_pid() ORDER BY xact_start NULLS LAST, pid LIMIT 100"
    sql_table "SELECT pid, locktype AS lock, relation::regclass, mode, granted, waitstart::timestamptz(0) AS waits_since
        FROM pg_locks WHERE pid <> pg_backend_pid() AND (NOT granted OR mode LIKE '%ExclusiveLock')
        ORDER BY granted, pid LIMIT 100"
    # To ask for the size of a table that somebody has locked for themselves would wait for them.
    sql_table "SELECT relname AS table, pg_size_pretty(pg_total_relation_size(relid)) AS size, n_live_tup AS rows,
            n_dead_tup AS dead, greatest(last_vacuum, last_autovacuum)::timestamptz(0) AS vacuumed
        FROM pg_stat_user_tables WHERE relid NOT IN (SELECT relation FROM pg_locks
            WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL)
        ORDER BY n_live_tup + n_dead_tup DESC LIMIT 20"
    sql_table "SELECT datname AS database, pg_size_pretty(pg_database_size(oid)) AS size, datallowconn AS open,
            numbackends AS sessions, checksum_failures, deadlocks, temp_files
        FROM pg_database LEFT JOIN pg_stat_database USING (datname) WHERE NOT datistemplate ORDER BY datname"
}

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

# Words about Telegram: the session that reads channels, and the bot of Telegram that tells of trades. No word prints a
# secret, and none is an argument of a program. Uses bot.

# telegram_setting NAME: the value with which the running bot was started, else this shell's; nothing, and 1, if it is not
# set. For settings that are no secrets.
telegram_setting() {
    local value
    case ${1:?a name} in
        *TOKEN | *HASH | *SESSION) fail "$1 is a secret: telegram_credential tells of it" ;;
        *) ;;
    esac
    value=$(telegram__given "$1")
    [[ -n $value ]] && printf '%s\n' "$value"
}

# telegram_credential NAME SHAPE EXAMPLE: says of a secret whether it is set, whether it looks like one, and a fingerprint
# that is keyed with this host's name: the same secret has the same one here, and nobody can look it up elsewhere.
# 1 if it is not set, 2 if it is set and no good.
telegram_credential() {
    local name=${1:?a name} shape=${2:?a shape} example=${3:?an example} value
    value=$(telegram__secret "$name" 2>/dev/null) || value=''
    if [[ -z $value ]]; then
        if [[ -n $(telegram__given "${name}_FILE") ]]; then
            echo "$name: its file cannot be read from here, or is empty"
            return 2
        fi
        echo "$name: not set"
        return 1
    fi
    if [[ ! $value =~ ^$shape$ ]]; then
        echo "$name: set, ${#value} characters, and no such thing looks like that: $example"
        return 2
    fi
    echo "$name: set, ${#value} characters, its shape is right, fingerprint $(telegram__fingerprint "$value")"
}

# telegram_call METHOD [QUERY]: what api.telegram.org (or what plays it) answers the bot's token, asked where the bot runs;
# 1 if there is no token or no answer. An answer that says no is an answer.
telegram_call() {
    local method=${1:?a method} query=${2-} token base rc=0
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes)
            in_place bot 8 python -c "$(telegram__program)" "$method${query:+?$query}"
            return
            ;;
        *) ;;
    esac
    token=$(telegram__secret TELEGRAM_BOT_TOKEN 2>/dev/null) || token=''
    base=$(telegram_setting TELEGRAM_API_URL) || base=https://api.telegram.org
    if [[ ! $token =~ ^[0-9]{1,20}:[A-Za-z0-9_-]{30,}$ ]]; then
        echo "there is no token that could be used" >&2
        return 1
    fi
    printf 'url = "%s/bot%s/%s"\n' "${base%/}" "$token" "$method${query:+?$query}" |
        curl --config - --silent --max-time 8 || rc=$?
    ((rc == 0)) || echo "no answer: $(telegram__curl_word "$rc")" >&2
    return "$rc"
}

# Whether Telegram can be reached from where the bot runs, without any credential. A finding if not.
telegram_reach() {
    local base rc=0 status
    # With the simulator, what it plays is all that the bot talks to.
    base=$(telegram_setting TELEGRAM_API_URL) || base=$(telegram_setting TELEGRAM_SIMULATOR_URL) || base=https://api.telegram.org
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes)
            status=$(in_place bot 8 python -c "$(telegram__program)" "") || rc=$?
            ;;
        *)
            status=$(printf 'url = "%s/"\n' "${base%/}" |
                curl --config - --silent --max-time 8 --output /dev/null --write-out '%{http_code}') || rc=$?
            ;;
    esac
    if ((rc == 0)); then
        echo "${base#*://} answers: HTTP $status"
    else
        finding "${base#*://} cannot be reached from here: $(telegram__curl_word "$rc"). It is the network of this machine, or Telegram is down; the bot tries again by itself"
    fi
}

# How the bot hears its channels: the session, then each channel. A finding for each cause.
telegram_hearing() {
    local told connected reason name chat read silent trouble
    if ! told=$(bot_get /status); then
        finding "the bot does not answer, so nobody hears Telegram: runbooks/bot_down.sh"
        return 0
    fi
    if ! connected=$(json .telegram.connected <<<"$told"); then
        echo "Telegram is off: the bot was started without a session"
        return 0
    fi
    echo "connected: $connected, for $(json .telegram.for_seconds <<<"$told") s"
    if [[ $connected != true ]]; then
        reason=$(json .telegram.reason <<<"$told")
        echo "$reason"
        finding "$(telegram__session_means "$reason")"
    fi
    printf '%-16s %18s %12s %20s  %s\n' channel chat "silent (h)" "read up to" trouble
    for name in $(telegram__channels "$told"); do
        IFS=$'\t' read -r chat read silent trouble < <(
            json ".telegram.channels.$name" .chat .read_up_to .silent_seconds .trouble <<<"$told"
        )
        printf '%-16s %18s %12s %20s  %s\n' "$name" "$chat" "$(awk -v s="$silent" 'BEGIN { printf "%.1f", s / 3600 }')" "$read" "${trouble/null/}"
        [[ $connected != true || $trouble == null || $trouble == - ]] || finding "the channel $name cannot be read: $(telegram__channel_means "$trouble")"
    done
}

# How the notices fare. A finding for each thing that fails.
telegram_notices() {
    local told what said found=''
    if ! told=$(bot_get /status); then
        finding "the bot does not answer, so nobody tells of trades: runbooks/bot_down.sh"
        return 0
    fi
    echo "told: $(json .notices.told <<<"$told")"
    echo "waiting: $(json .notices.waiting <<<"$told")"
    for what in sending commands; do
        said=$(json ".notices.failing.$what" <<<"$told" 2>/dev/null) || continue
        found=yes
        echo "$what: $said"
        finding "${what/sending/notices} in Telegram fail: $(telegram__api_means "$said")"
    done
    if [[ -z $found ]]; then
        said=$(json .notices.failing <<<"$told")
        [[ $said == '{}' ]] || finding "notices fail: $said"
    fi
}

# Whether a restart of the bot brings the session back: it has given up, and since it started somebody has logged in anew;
# what the simulator plays needs no log-in.
telegram_wants_restart() {
    local told started file written
    told=$(bot_get /status) || return
    [[ $(json .telegram.reason <<<"$told") == *"gave up"* ]] || return
    [[ -z $(telegram__given TELEGRAM_SIMULATOR_URL) ]] || return 0
    file=$(telegram__given TELEGRAM_SESSION_FILE)
    started=$(bot_metric process_start_time_seconds | awk '{ printf "%.0f", $2 }') || return
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes) written=$(in_place bot 5 stat -c %Y "$file") || return ;;
        *) written=$(stat -c %Y "$file") || return ;;
    esac
    ((written > started))
}

# Whether the session is connected, by the bot's own word.
telegram_is_connected() {
    local told
    told=$(bot_get /status | json .telegram.connected) && [[ $told == true ]]
}

# telegram_said LINES: what the bot's log says of Telegram.
telegram_said() {
    local lines
    lines=$(service_logs bot 4000) || return
    grep -av '"event": "signal"' <<<"$lines" | grep -aiE 'telegram|channel|message (came late|waits|goes on)|notices|commands' | tail -n "${1:?lines}" ||
        echo "the last 4000 lines do not mention it"
}

# Each credential by presence, shape and fingerprint. A finding for what is half there or cannot be right.
telegram_credentials() {
    local line rc user=0
    local -a missing=()
    if line=$(telegram_setting TELEGRAM_SIMULATOR_URL); then
        echo "the simulator plays the channels, at $line: they need no credentials"
    else
        if line=$(telegram_setting TELEGRAM_API_ID); then
            user=$((user + 1))
            echo "TELEGRAM_API_ID: set, ${#line} characters"
            [[ $line =~ ^[0-9]{1,12}$ ]] || finding "TELEGRAM_API_ID is no number: the bot does not start with it"
        else
            missing+=(TELEGRAM_API_ID)
        fi
        telegram__judged TELEGRAM_API_HASH '[0-9a-f]{32}' "32 hexadecimal digits" && user=$((user + 1)) || missing+=(TELEGRAM_API_HASH)
        telegram__judged TELEGRAM_SESSION '1[A-Za-z0-9_=-]{200,}' "what python -m bot login wrote" && user=$((user + 1)) ||
            missing+=(TELEGRAM_SESSION)
        ((user == 0 || user == 3)) || finding "the session is only half set: ${missing[*]} is missing, and the bot does not start so"
        ((user > 0)) || echo "no session is set: the bot reads no channels"
    fi
    rc=0
    line=$(telegram_setting TELEGRAM_NOTICE_CHAT) || line=''
    telegram__judged TELEGRAM_BOT_TOKEN '[0-9]{1,20}:[A-Za-z0-9_-]{30,}' "digits, a colon, and 30 or more letters" || rc=1
    if ((rc == 0)) && [[ -z $line ]]; then
        finding "TELEGRAM_NOTICE_CHAT is not set, and the bot does not start with a token alone"
    elif ((rc == 0)) && [[ ! $line =~ ^-?[0-9]+$ ]]; then
        finding "TELEGRAM_NOTICE_CHAT is no number of a chat"
    elif ((rc)) && [[ -n $line ]]; then
        finding "TELEGRAM_NOTICE_CHAT is set, and there is no token to write there with"
    elif ((rc)); then
        echo "no token is set: the bot tells nobody of trades"
    fi
}

# What Telegram says of the token.
telegram_token() {
    local told
    if ! told=$(telegram__asked getMe); then
        return 0
    fi
    echo "the token is that of @$(json .result.username <<<"$told")"
}

# What the bot of Telegram may do in the chat of the notices.
telegram_chat() {
    local told chat me kind status may
    if ! chat=$(telegram_setting TELEGRAM_NOTICE_CHAT) || [[ ! $chat =~ ^-?[0-9]+$ ]]; then
        echo "no chat is set"
        return 0
    fi
    told=$(telegram__asked "getChat?chat_id=$chat") || return 0
    kind=$(json .result.type <<<"$told")
    echo "the chat is there: $kind"
    [[ $kind != private ]] || return 0
    told=$(telegram__asked getMe) || return 0
    me=$(json .result.id <<<"$told")
    told=$(telegram__asked "getChatMember?chat_id=$chat&user_id=$me") || return 0
    status=$(json .result.status <<<"$told")
    may=$(json .result.can_send_messages <<<"$told") || may=''
    echo "the bot is there as: $status"
    case $kind/$status/$may in
        */left/* | */kicked/*) finding "the bot is not in the chat of the notices any more: let it in again" ;;
        */restricted/false) finding "the bot may not write in the chat of the notices: give it the right" ;;
        channel/member/*) finding "the chat of the notices is a channel, and only its administrators write there: make the bot one" ;;
        *) ;;
    esac
}

# Whether commands go somewhere else.
telegram_webhook() {
    local told url waiting
    told=$(telegram__asked getWebhookInfo) || return 0
    url=$(json .result.url <<<"$told") || url=''
    waiting=$(json .result.pending_update_count <<<"$told") || waiting=0
    echo "updates that wait: $waiting"
    # Where it leads may hold a secret of whoever set it.
    if [[ -n $url ]]; then
        finding "a webhook takes the commands of this token: another program uses it, or did; give each its own token, or delete the webhook"
    fi
    ((waiting < 100)) || finding "$waiting updates wait: nobody asks for commands"
}

# What follows is for the words above.

# The value of a variable with which the running bot was started, else this shell's.
telegram__given() {
    local name=$1 told='' pid=''
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes) told=$(in_place bot 5 printenv "$name" 2>/dev/null) || told='' ;;
        local) pid=$(ps -o pid=,args= --ppid "$(platform__supervisord || echo 0)" | awk '/ -m bot$/ { print $1; exit }') ;;
        *) pid=$(timeout --foreground -k 2 5 systemctl show --property=MainPID --value "$(platform__unit bot)" 2>/dev/null) || pid='' ;;
    esac
    if [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/environ ]]; then
        told=$({ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | sed -n "s/^$name=//p") || told=''
    fi
    printf '%s' "${told:-${!name-}}"
}

# The secret itself, for a pipe or a variable and never for the screen: from its file if there is one.
telegram__secret() {
    local file
    file=$(telegram__given "$1_FILE")
    if [[ -z $file ]]; then
        telegram__given "$1"
    elif [[ ${TRADEWATCH_PLATFORM:?} == compose || $TRADEWATCH_PLATFORM == kubernetes ]]; then
        in_place bot 5 cat "$file" | tr -d ' \t\r\n'
    else
        tr -d ' \t\r\n' <"$file"
    fi
}

# As telegram_credential, with a finding for what is no good; fails if it cannot be used.
telegram__judged() {
    local line rc=0
    line=$(telegram_credential "$@") || rc=$?
    echo "$line"
    ((rc != 2)) || finding "$line"
    return "$rc"
}

# The answer to a method, if it is a yes; a finding says what it means if it is none.
telegram__asked() {
    local told why
    if [[ -z $(telegram__given TELEGRAM_BOT_TOKEN_FILE)$(telegram__given TELEGRAM_BOT_TOKEN) ]]; then
        echo "no token is set" >&2
        return 1
    fi
    if ! told=$(telegram_call "${1%%\?*}" "$([[ $1 != *\?* ]] || echo "${1#*\?}")" 2>&1); then
        finding "Telegram does not answer ${1%%\?*}: ${told:-nobody knows why}"
        return 1
    fi
    if [[ $(json .ok <<<"$told" 2>/dev/null || :) != true ]]; then
        why=$(json .description <<<"$told" 2>/dev/null) || why="what it says is no JSON"
        finding "Telegram refuses ${1%%\?*} ($why): $(telegram__api_means "$why")"
        return 1
    fi
    printf '%s\n' "$told"
}

telegram__fingerprint() {
    local sum
    sum=$(printf '%s' "$1" | openssl dgst -sha256 -hmac "tradewatch on $(hostname)" 2>/dev/null) || sum='not made, as there is no openssl'
    sum=${sum##* }
    printf '%.8s\n' "$sum"
}

# In the bot's own place, with the token that lies there. Without a method it only says which HTTP status comes.
telegram__program() {
    cat <<'PYTHON'
import os, pathlib, sys, urllib.error, urllib.request
method = sys.argv[1]
told = [os.environ.get(name, "").strip() for name in ("TELEGRAM_API_URL", *(() if method else ("TELEGRAM_SIMULATOR_URL",)))]
base = next(filter(None, told), "https://api.telegram.org")
file = os.environ.get("TELEGRAM_BOT_TOKEN_FILE", "").strip()
token = pathlib.Path(file).read_text().strip() if file else os.environ.get("TELEGRAM_BOT_TOKEN", "").strip()
if method and not token:
    sys.exit("there is no token that could be used")
try:
    answer = urllib.request.urlopen(f"{base.rstrip('/')}/" + (f"bot{token}/{method}" if method else ""), timeout=7)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    # Its text may name the address, and with it the token.
    print("no answer:", type(getattr(error, "reason", error)).__name__, file=sys.stderr)
    sys.exit(7)
print(answer.read().decode() if method else answer.status)
PYTHON
}

telegram__curl_word() {
    case $1 in
        5) echo "the name of the proxy is not found" ;;
        6) echo "the name of the host is not found" ;;
        7) echo "nobody listens there, or a firewall refuses it" ;;
        28 | 124) echo "no answer within 8 s" ;;
        35 | 51 | 58 | 60) echo "no trusted connection: is this machine's clock right, and does a proxy stand between?" ;;
        52 | 56) echo "the connection was cut" ;;
        127) echo "there is no curl" ;;
        *) echo "the attempt ended with $1" ;;
    esac
}

# Names of the channels in /status, one a line.
telegram__channels() {
    json .telegram.channels <<<"$1" | awk '
        { text = $0
          while (match(text, /"[^"]*":\{"chat"/)) { print substr(text, RSTART + 1, RLENGTH - 10); text = substr(text, RSTART + RLENGTH) } }'
}

telegram__session_means() {
    case $1 in
        *"gave up"*"two places"*)
            echo "the session was used from two places at once, and Telegram ended it: see that one bot alone uses it, log in anew, restart the bot"
            ;;
        *"gave up"*) echo "Telegram has ended the session, and no new attempt mends that: log in anew, restart the bot" ;;
        *"asks to wait"*) echo "Telegram told the bot to wait: let it, and do not restart it, which begins anew" ;;
        *) echo "there is no connection to Telegram; the bot tries again by itself: ${1#telegram is not connected: }" ;;
    esac
}

telegram__channel_means() {
    case $1 in
        *"is in no chat"*) echo "$1, or take it out of telegram.channels there" ;;
        *"asks to wait"*) echo "$1; let it wait, and do not restart it" ;;
        *) echo "$1; the bot tries again by itself" ;;
    esac
}

telegram__api_means() {
    case $1 in
        *401* | *Unauthorized* | *"Not Found"*) echo "the token is revoked or wrong: get one from @BotFather, write it into the file that TELEGRAM_BOT_TOKEN_FILE names, restart the bot" ;;
        *"chat not found"*) echo "TELEGRAM_NOTICE_CHAT is wrong, or nobody wrote to the bot there yet" ;;
        *403* | *Forbidden*) echo "the bot was blocked by the person, or removed from the group: let it in again" ;;
        *409* | *Conflict*) echo "another process reads commands with this token: give each bot its own" ;;
        *429* | *"Too Many Requests"*) echo "Telegram told the bot to wait: what waits is delivered by itself" ;;
        *"did not answer"*) echo "Telegram is not reached or is down: what waits is delivered by itself" ;;
        *) echo "$1" ;;
    esac
}

# Calls the exchange with curl and openssl alone, in POSIX sh, so that it also works in bash 3.2 and where bot, Python and
# database are gone. It does not depend on IFS.
#
#   exchange_public PATH [QUERY]         a call that everybody may make; always a GET
#   exchange_ask PATH [QUERY]            a signed one that only asks: a GET; QUERY is a=b&c=d, its values as they are, not encoded
#   exchange_call METHOD PATH [QUERY]    a signed one; what is no GET needs an action
#
# The answer's JSON goes to standard output, what is wrong to standard error. What comes back:
#   0  done: the exchange said code 0
#   1  refused, with a code; nothing was done
#   2  not sent: no keys, a host that this mode does not allow, or a call that cannot be
#   3  too many calls: not done, and the answer may say until when
#   4  no answer, or none that says anything: what was asked may have been done
#
# Settings are the bot's: TRADING_MODE, BINGX_BASE_URL, SIMULATOR_HOST, BINGX_API_KEY, BINGX_SECRET_KEY, or both keys with _FILE.
# EXCHANGE_TIMEOUT is how many seconds a call may take (5). EXCHANGE_AHEAD_MS is by how much the exchange's clock is ahead, as
# exchange_ahead_ms prints it; without it a call that is refused for its time asks for the clock and is made once more.
#
# No secret is in the arguments of a program: printf is part of the shell, and curl reads address and header from its input.

exchange_public() (
    { set +x; } 2>/dev/null
    exchange_settings || exit 2
    exchange_query "${2-}" || exit 2
    exchange_send GET "${1}${query:+?$query}" ""
)

exchange_ask() (
    { set +x; } 2>/dev/null
    exchange_once_more GET "$1" "${2-}"
)

exchange_call() (
    { set +x; } 2>/dev/null
    case "$1" in
        GET) ;;
        POST | PUT | DELETE)
            if command -v needs_action >/dev/null 2>&1; then needs_action exchange_call || exit 2; fi
            ;;
        *)
            exchange_say "no such method: $1"
            exit 2
            ;;
    esac
    exchange_once_more "$1" "$2" "${3-}"
)

# By how many milliseconds the exchange's clock is ahead of this machine's.
exchange_ahead_ms() (
    answer=$(exchange_public /openApi/swap/v2/server/time) || exit
    there=$(printf '%s\n' "$answer" | json .data.serverTime) || exit 4
    case "$there" in
        "" | *[!0-9]*) exit 4 ;;
        *) ;;
    esac
    here=$(date +%s)
    printf '%s\n' "$((there - here * 1000 - 500))"
)

# Positions and open orders, as evidence.
evidence_exchange() {
    exchange_ask /openApi/swap/v2/user/positions || true
    exchange_ask /openApi/swap/v2/trade/openOrders || true
}

exchange_say() {
    printf 'exchange: %s\n' "$1" >&2
}

# ---- settings: base, key, secret; all that follows runs in the subshell of a call, so nothing of it stays

exchange_settings() {
    key="" secret="" mode=${TRADING_MODE:-simulator}
    case "$mode" in
        simulator) base=http://127.0.0.1:8090 ;;
        vst) base=https://open-api-vst.bingx.com ;;
        live) base=https://open-api.bingx.com ;;
        *)
            exchange_say "TRADING_MODE is none of simulator, vst, live"
            return 2
            ;;
    esac
    base=${BINGX_BASE_URL:-$base}
    base=${base%/}
    if ! exchange_is_allowed; then
        exchange_say "BINGX_BASE_URL: mode $mode does not allow this address; no key is sent there"
        return 2
    fi
}

exchange_is_allowed() {
    host=${base#*://}
    case "$host" in
        "" | *[!]a-zA-Z0-9.:[-]*) return 1 ;;
        *) ;;
    esac
    case "$mode:$base" in
        vst:https://open-api-vst.bingx.com | vst:https://open-api-vst.bingx.pro) return 0 ;;
        live:https://open-api.bingx.com | live:https://open-api.bingx.pro) return 0 ;;
        simulator:http://* | simulator:https://*) ;;
        *) return 1 ;;
    esac
    case "$host" in
        '[::1]' | '[::1]:'*) return 0 ;;
        *) host=${host%:*} ;;
    esac
    case "$host" in
        localhost) return 0 ;;
        *[!0-9.]*) ;;
        127.*) return 0 ;;
        *) ;;
    esac
    # A name without a dot, as containers have: no exchange in the internet has one.
    case "${SIMULATOR_HOST:-}" in
        "" | [!a-z]* | *[!a-z0-9-]*) return 1 ;;
        *) test "$host" = "$SIMULATOR_HOST" ;;
    esac
}

exchange_keys() {
    key=$(exchange_secret "${BINGX_API_KEY_FILE:-}" "${BINGX_API_KEY:-}" BINGX_API_KEY) || return 2
    secret=$(exchange_secret "${BINGX_SECRET_KEY_FILE:-}" "${BINGX_SECRET_KEY:-}" BINGX_SECRET_KEY) || return 2
}

exchange_secret() {
    found=$2
    if test -n "$1"; then found=$(tr -d ' \t\r\n' 2>/dev/null <"$1") || found=""; fi 2>/dev/null
    case "$found" in
        "")
            exchange_say "$3 is not set, or its file cannot be read"
            return 2
            ;;
        *[!!-~]* | *[\"\\]*)
            exchange_say "$3 has a letter that no key has"
            return 2
            ;;
        *) printf '%s' "$found" ;;
    esac
}

# ---- a call

# Sets query to what goes on the wire: everything but plain letters is encoded, and a line break is no value.
exchange_query() {
    query=$1
    case "$query" in
        *[!A-Za-z0-9.,_~=\&-]*)
            query=$(
                printf '%s' "$query" | od -An -v -tu1 | LC_ALL=C awk '
                    { for (i = 1; i <= NF; i++) {
                        if ($i < 32 || $i == 35 || $i == 63) exit 1
                        plain = index("&=-._~", c = sprintf("%c", $i + 0)) || c ~ /[A-Za-z0-9]/
                        printf "%s", ($i < 128 && plain) ? c : sprintf("%%%02X", $i)
                    } }'
            ) || {
                exchange_say "a value has a letter that no value may have"
                return 2
            }
            ;;
        *) ;;
    esac
}

# Makes a signed call. Refused for its time it was not done, and is made once more by the exchange's clock.
exchange_once_more() {
    exchange_settings || exit 2
    exchange_keys || exit 2
    rc=0
    exchange_signed "$1" "$2" "$3" "${EXCHANGE_AHEAD_MS:-0}" || rc=$?
    test "$rc" = 5 || exit "$rc"
    ahead=$(exchange_ahead_ms) || exit 4
    rc=0
    exchange_signed "$1" "$2" "$3" "$ahead" || rc=$?
    test "$rc" = 5 || exit "$rc"
    exchange_refused
    exit 1
}

exchange_signed() {
    stamp=$(date +%s) || return 4
    # The middle of the second, for the clock here tells no more.
    raw="${3:+$3&}timestamp=$((stamp * 1000 + 500 + $4))"
    exchange_query "$raw" || return 2
    signature=$(exchange_hmac "$raw") || signature=""
    if test "${#signature}" != 64; then
        exchange_say "openssl made no signature"
        return 2
    fi
    exchange_send "$1" "$2?$query&signature=$signature" "header = \"X-BX-APIKEY: $key\""
}

# HMAC-SHA256 by its definition: openssl would want the key as an argument.
exchange_hmac() {
    blocks=$(
        {
            if test "${#secret}" -gt 64; then printf '%s' "$secret" | openssl dgst -sha256 -binary; else printf '%s' "$secret"; fi
        } | od -An -v -tu1 | LC_ALL=C awk '
            function octal(n) { return sprintf("\\0%d%d%d", int(n / 64), int(n / 8) % 8, n % 8) }
            function differ(a, b,    bit, sum) {
                for (bit = 1; bit < 256; bit *= 2) if (int(a / bit) % 2 != int(b / bit) % 2) sum += bit
                return sum + 0
            }
            { for (i = 1; i <= NF; i++) byte[n++] = $i }
            END {
                for (i = 0; i < 64; i++) { inner = inner octal(differ(byte[i], 54)); outer = outer octal(differ(byte[i], 92)) }
                print inner, outer
            }'
    ) || return
    {
        printf '%b' "${blocks#* }"
        {
            printf '%b' "${blocks% *}"
            printf '%s' "$1"
        } | openssl dgst -sha256 -binary
    } | openssl dgst -sha256 -binary | od -An -v -tx1 | tr -d ' \n'
}

exchange_send() {
    rc=0
    answer=$(exchange_curl "$1" "$2" "$3") || rc=$?
    if test "$rc" != 0; then
        exchange_say "no answer: $(exchange_curl_word "$rc")"
        return 4
    fi
    status=${answer##*
}
    answer=${answer%
*}
    exchange_judge
}

exchange_curl() {
    {
        printf 'url = "%s%s"\nrequest = "%s"\n%s\n' "$base" "$2" "$1" "$3"
        printf 'silent\ngloboff\nmax-time = %s\nwrite-out = "\\n%%{http_code}"\n' "${EXCHANGE_TIMEOUT:-5}"
        case "$1" in
            POST | PUT) printf 'data = ""\n' ;;
            *) ;;
        esac
        # A proxy is for what is out there, and would be shown the keys where nothing is encrypted.
        case "$base" in
            http://*) printf 'noproxy = "*"\n' ;;
            *) ;;
        esac
    } | curl -q --config - 2>/dev/null
}

exchange_curl_word() {
    case "$1" in
        6) echo "the name of the host is not found" ;;
        7) echo "nobody listens there" ;;
        28) echo "it took more than ${EXCHANGE_TIMEOUT:-5} s" ;;
        35 | 51 | 58 | 60) echo "no trusted connection" ;;
        52 | 56) echo "the connection was cut" ;;
        127) echo "there is no curl" ;;
        *) echo "curl ended with $1" ;;
    esac
}

# What an answer means. Below 500 the JSON decides, if there is any.
exchange_judge() {
    exchange_hide "${key:-}"
    exchange_hide "${secret:-}"
    exchange_hide "${signature:-}"
    code="" said=""
    if test "$status" -lt 500 && said=$(printf '%s\n' "$answer" | json . .code .msg 2>/dev/null); then
        code=${said%%"	"*}
        said=$(printf '%.200s' "${said#*"	"}")
        test "$code" != - || code=""
    fi
    case "$status:$code:$said" in
        *:0:*)
            printf '%s\n' "$answer"
            return 0
            ;;
        429:* | 418:* | 403::* | *:100409:* | *:100410:* | *:109429:*)
            test -z "$code" || printf '%s\n' "$answer"
            exchange_say "too many calls: ${code:-HTTP $status} $said"
            return 3
            ;;
        *:100421:* | *:*:*"timestamp is invalid"*) return 5 ;;
        *:80012:* | *:80019:* | *:100500:* | *:100503:* | *:101500:* | *:109423:* | *:109424:* | *:109500:* | *:109701:* | *:110500:*)
            exchange_say "perhaps done: $code $said"
            return 4
            ;;
        400::* | 401::* | 404::*)
            exchange_say "refused: HTTP $status"
            return 1
            ;;
        *:[0-9]*:*)
            exchange_refused
            return 1
            ;;
        *)
            exchange_say "no answer: HTTP $status without its JSON"
            return 4
            ;;
    esac
}

exchange_refused() {
    printf '%s\n' "$answer"
    exchange_say "refused: $code $said"
}

# Takes what is secret out of the answer: who plays the exchange may repeat what it was told.
exchange_hide() {
    test -n "$1" || return 0
    while :; do
        case "$answer" in
            *"$1"*) answer="${answer%%"$1"*}(hidden)${answer#*"$1"}" ;;
            *) return 0 ;;
        esac
    done
}

# json PATH [FIELD…]: what stands at PATH of the JSON on standard input. POSIX sh and awk alone, for machines without jq.
#
#   json .data.serverTime           a value: text without its quotes, numbers as they were written, the rest as compact JSON
#   json '.data.orders[0].type'     one element; [] takes each element of an array, or each value of an object, a line each
#   json '.data.orders[]' .orderId .type     a line for each, its fields between tabs; "-" for one that is missing or empty
#
# A value is one line and no byte of it moves a cursor: control characters and backslashes stay escaped, so `printf %b`
# gives them back. Of a key that comes twice the last one counts. 1: nothing there. 2: not JSON, or no path; says so, but
# quotes nothing of the input, which may hold secrets.
#
# The input is cut into small pieces before anything looks at it: several awks copy what is left of a line at each look.
json() {
    LC_ALL=C awk '
    BEGIN {
        PIECE = 256; DEEPEST = 200
        QUOTE = "\042"; BACKSLASH = "\134"
        fields = ARGC - 2
        path[0] = ARGV[1]
        for (k = 1; k <= fields; k++) path[k] = ARGV[1] == "." ? ARGV[k + 1] : ARGV[1] ARGV[k + 1]
        for (k = 1; k <= fields; k++)
            if (ARGV[k + 1] !~ /^[.[]/ || index(ARGV[k + 1], "[]")) stop("no path of a field: " ARGV[k + 1])
        targets = fields
        if (fields < 1) { path[1] = path[0]; targets = 1 }
        for (k = 0; k <= targets; k++) read_path(k)
        for (k = 1; k < ARGC; k++) ARGV[k] = ""
        # Some awks make a character of a code, others a byte.
        by_code = sprintf("%c", 8364) == "\342\202\254"
        for (k = 0; k < 32; k++) control[k] = sprintf("%s0%03o", BACKSLASH, k)
        control[8] = "\\b"; control[9] = "\\t"; control[10] = "\\n"; control[12] = "\\f"; control[13] = "\\r"
        for (k = 0; k < 16; k++) { hex[substr("0123456789abcdef", k + 1, 1)] = k; hex[substr("0123456789ABCDEF", k + 1, 1)] = k }
        want = "value"; depth = 0; printed = 0
    }
    {
        size = length($0)
        for (from = 1; from <= size; from += PIECE) feed(substr($0, from, PIECE))
        if (in_text) stop("text without an end")
        end_word()
    }
    END {
        if (stopped) exit 2
        if (want != "nothing") stop("it ends too early")
        if (stopped) exit 2
        for (k = 0; k < printed; k++) printf "%s", out[k]
        exit printed ? 0 : 1
    }

    function stop(why) {
        if (stopped) return
        stopped = 1
        print "json: " (NR ? "not JSON, line " NR ": " : "") why > "/dev/stderr"
        exit 2
    }

    # ---- paths: steps[k], and for each step its kind and what it names
    function read_path(k,    rest, name) {
        rest = path[k]; steps[k] = 0
        if (rest == ".") return
        if (rest !~ /^[.[]/) stop("a path begins with a point: " path[k])
        while (rest != "") {
            if (match(rest, /^\.[^].[]+/)) { kind = "key"; name = substr(rest, 2, RLENGTH - 1) }
            else if (match(rest, /^\.?\[\]/)) { kind = "each"; name = "" }
            else if (match(rest, /^\.?\[[0-9]+\]/)) {
                kind = "index"; name = substr(rest, 1, RLENGTH); gsub(/[^0-9]/, "", name); name += 0
            }
            else stop("no path: " path[k])
            steps[k]++
            step_kind[k, steps[k]] = kind; step_name[k, steps[k]] = name
            rest = substr(rest, RLENGTH + 1)
        }
    }
    function leads(k, d) {
        if (d > steps[k]) return 0
        if (step_kind[k, d] == "each") return 1
        if (step_kind[k, d] == "key") return opened[d] == "{" && key[d] "" == step_name[k, d] ""
        return opened[d] == "[" && count[d] == step_name[k, d]
    }

    # ---- characters to words and signs
    function feed(piece,    sign) {
        while (piece != "") {
            if (in_text) piece = feed_text(piece)
            else if (match(piece, /^[ \t\r]+/)) { end_word(); piece = substr(piece, RLENGTH + 1) }
            else if (match(piece, /^[^][{}:, \t\r\042]+/)) {
                word = word substr(piece, 1, RLENGTH); piece = substr(piece, RLENGTH + 1)
            } else {
                end_word()
                sign = substr(piece, 1, 1); piece = substr(piece, 2)
                if (sign == QUOTE) begin_text()
                else structure(sign)
            }
        }
    }
    function end_word(    w) {
        if (word == "") return
        w = word; word = ""
        if (w !~ /^(true|false|null)$/ && w !~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/) stop("a word that is no value")
        begin_value(); keep(w, w); end_value()
    }
    function begin_text() {
        is_key = want == "key" || want == "key or end"
        if (is_key) key[depth] = ""
        else begin_value()
        in_text = 1; escaped = 0; digits = 0; high = 0
        keep(QUOTE, "")
    }
    function feed_text(piece,    sign) {
        if (digits) {
            sign = substr(piece, 1, 1)
            if (!(sign in hex)) stop("no hexadecimal digit")
            code = code * 16 + hex[sign]
            keep_text(sign, "")
            if (--digits == 0) end_code()
            return substr(piece, 2)
        }
        if (escaped) {
            sign = substr(piece, 1, 1); escaped = 0
            if (sign == "u") { digits = 4; code = 0; keep_text("u", ""); return substr(piece, 2) }
            end_high()
            if (sign == QUOTE || sign == "/") keep_text(sign, sign)
            else if (sign == BACKSLASH) keep_text(sign, BACKSLASH BACKSLASH)
            else if (index("bfnrt", sign)) keep_text(sign, BACKSLASH sign)
            else stop("no such escape")
            return substr(piece, 2)
        }
        if (!match(piece, /[\001-\037\042\\]/)) { end_high(); keep_text(piece, piece); return "" }
        sign = substr(piece, RSTART, 1)
        if (RSTART > 1) { end_high(); keep_text(substr(piece, 1, RSTART - 1), substr(piece, 1, RSTART - 1)) }
        piece = substr(piece, RSTART + 1)
        if (sign == BACKSLASH) { escaped = 1; keep_text(BACKSLASH, "") }
        else if (sign == QUOTE) { end_high(); end_text() }
        else stop("a control character in a text")
        return piece
    }
    # A code beyond 65535 is written as two halves; a half alone is no character.
    function end_code() {
        if (high && code >= 56320 && code < 57344) { keep_text("", utf8(65536 + (high - 55296) * 1024 + code - 56320)); high = 0; return }
        end_high()
        if (code >= 55296 && code < 56320) high = code
        else keep_text("", utf8(code >= 56320 && code < 57344 ? 65533 : code))
    }
    function end_high() {
        if (high) keep_text("", utf8(65533))
        high = 0
    }
    function utf8(c) {
        if (c < 32) return control[c]
        if (c == 92) return BACKSLASH BACKSLASH
        if (c == 127) return "\\0177"
        if (by_code || c < 128) return sprintf("%c", c)
        if (c < 2048) return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
        if (c < 65536) return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
        return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64, 128 + int(c / 64) % 64, 128 + c % 64)
    }
    function keep_text(raw, plain) {
        if (is_key) key[depth] = key[depth] plain
        keep(raw, plain)
    }
    function end_text() {
        in_text = 0
        keep(QUOTE, "")
        if (is_key) want = "colon"
        else end_value()
    }

    # ---- signs to values
    function structure(sign) {
        if (sign == "{" || sign == "[") {
            begin_value(); keep(sign, sign)
            if (++depth > DEEPEST) stop("nested too deep")
            opened[depth] = sign; count[depth] = 0; first_at[depth] = -1
            want = sign == "{" ? "key or end" : "value or end"
        } else if (sign == ":") {
            if (want != "colon") stop("a colon where none belongs")
            keep(sign, sign); want = "value"
        } else if (sign == ",") {
            if (want != "comma") stop("a comma where none belongs")
            keep(sign, sign); count[depth]++
            want = opened[depth] == "{" ? "key" : "value"
        } else {
            if (!depth || opened[depth] != (sign == "}" ? "{" : "[")) stop("a bracket where none belongs")
            if (want != "comma" && want != "key or end" && want != "value or end") stop("a bracket where none belongs")
            depth--
            keep(sign, sign); end_value()
        }
    }
    function begin_value(    k) {
        if (want != "value" && want != "value or end") stop(want == "nothing" ? "more than one value" : "a value where none belongs")
        for (k = 0; k <= targets; k++) on_path[k, depth] = depth == 0 || (on_path[k, depth - 1] && leads(k, depth))
        if (!on_path[0, depth] && depth <= steps[0]) return
        if (depth && depth <= steps[0] && opened[depth] == "{" && step_kind[0, depth] == "key") {
            if (first_at[depth] >= 0) printed = first_at[depth]
            first_at[depth] = printed
        }
        if (on_path[0, depth] && depth == steps[0]) {
            in_row = depth + 1
            for (k = 1; k <= targets; k++) pieces[k] = 0
        }
        for (k = 1; k <= targets; k++) if (on_path[k, depth] && depth == steps[k]) { inside[k] = depth + 1; pieces[k] = 0 }
    }
    # Of a text that is itself the value its plain form is kept, of one within an object or array the raw one.
    function keep(raw, plain,    k) {
        if (!in_row) return
        for (k = 1; k <= targets; k++)
            if (inside[k]) piece_of[k, pieces[k]++] = inside[k] == depth + 1 ? plain : raw
    }
    function end_value(    k, i, empty) {
        want = depth ? "comma" : "nothing"
        for (k = 1; k <= targets; k++) if (inside[k] == depth + 1) inside[k] = 0
        if (in_row != depth + 1) return
        in_row = 0
        for (k = 1; k <= targets; k++) {
            if (k > 1) out[printed++] = "\t"
            empty = 1
            for (i = 0; i < pieces[k]; i++) { if (piece_of[k, i] != "") empty = 0; out[printed++] = piece_of[k, i] }
            if (empty && fields > 0) out[printed++] = "-"
        }
        out[printed++] = "\n"
    }
    ' "$@"
}

# What every runbook script does: flags, confirmation, steps in their own bash, journal, evidence, lock, resume.
# docs/runbooks.md says it for people. Functions and variables of this part begin with engine_ and ENGINE_; the others are
# words of steps.

# ---- what stands above: data of this runbook. Declared here so that what a runbook does not have is empty.
declare -r RUNBOOK_ID RUNBOOK_TITLE RUNBOOK_HASH RUNBOOK_LOCK RUNBOOK_NAMESPACE
declare -ra RUNBOOK_PLATFORMS RUNBOOK_ALERTS RUNBOOK_EVIDENCE RUNBOOK_SECRETS RUNBOOK_STEPS RUNBOOK_PARAMETERS
declare -rA STEP_TITLE STEP_KIND STEP_WHY STEP_TIMEOUT STEP_MATCHES STEP_LACKS STEP_FINDING STEP_DANGER STEP_CONFIRM
declare -rA STEP_ON_FAILURE STEP_REPEATABLE STEP_UNDO_NOT STEP_VERIFY_TIMEOUT STEP_VERIFY_ATTEMPTS STEP_VERIFY_EVERY
declare -rA STEP_INSTRUCTIONS STEP_BECAUSE PARAMETER_ABOUT PARAMETER_PATTERN PARAMETER_DEFAULT

# ---- state of this run
ENGINE_MODE=act                              # act, help, list, plan, dry-run or only-probes
ENGINE_YES=''                                # yes: no question before actions of low danger
ENGINE_JSON=''                               # yes: events on standard output
ENGINE_RESUME=''                             # yes, with ENGINE_RESUMED naming a run or not
ENGINE_RESUMED=''                            # the run to go on with
declare -A ENGINE_OPTION=() ENGINE_SET=()    # values of flags, and of --set by parameter
declare -a ENGINE_CONFIRM=() ENGINE_WRONG=() # --confirm; what is wrong about the arguments
ENGINE_PLATFORM='' ENGINE_TERMINAL=''
declare -a ENGINE_KNOWN_SECRETS=()
ENGINE_RUN='' ENGINE_DIR='' ENGINE_JOURNAL='' ENGINE_PREVIOUS='' ENGINE_FILES=0
ENGINE_LOCK=''  # the folder, once it is ours
ENGINE_CHILD='' # the process that is running a step
ENGINE_STEP='' ENGINE_STEP_KIND=''
ENGINE_PREPARED=''                           # yes: who and where was shown, and actions may run
declare -A ENGINE_STATE=() ENGINE_ATTEMPT=() # by step: how it ended, how often it began
declare -a ENGINE_WORDS=() ENGINE_SELECTED=() ENGINE_DONE=() ENGINE_FOUND=() ENGINE_KEPT=() ENGINE_FAILED=() ENGINE_LATE=() ENGINE_LEFT=()
ENGINE_OVER='' ENGINE_ROLLED_BACK=''
ENGINE_QUIET=''
ENGINE_NOW='' ENGINE_SUM='' # what was asked for last
declare -a ENGINE_SUMS=(sha256sum)
readonly ENGINE_CAP=262144 ENGINE_END="end of output $RANDOM$RANDOM$RANDOM"

# ---- words of steps
finding() {
    local text="$*"
    printf '%s\n' "${text//$'\n'/ }" >>"${RUNBOOK_FINDINGS:?}"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

needs_action() {
    case ${RUNBOOK_STEP_KIND-} in
        action | undo) ;;
        *) fail "$1 changes something: only an action may use it" ;;
    esac
}

left_seconds() {
    local left now
    printf -v now '%(%s)T' -1
    left=$((${RUNBOOK_DEADLINE:?} - now))
    # Not 0: many commands take that for no limit.
    echo "$((left > 0 ? left : 1))"
}

# The address goes by standard input, because it may hold a password.
prometheus_query() {
    local answer
    if ! answer=$(printf 'url = "%s/api/v1/query"\n' "${PROMETHEUS_URL:?}" |
        curl --silent --show-error --max-time "$(left_seconds)" --get --data-urlencode "query=$1" --config -); then
        fail "Prometheus does not answer"
    fi
    case $(json .status <<<"$answer" || :)/$(json .data.resultType <<<"$answer" || :) in
        success/vector) json '.data.result[]' .metric '.value[1]' <<<"$answer" || : ;;
        success/scalar) printf '{}\t%s\n' "$(json '.data.result[1]' <<<"$answer")" ;;
        *) fail "Prometheus does not answer the query: $(json .error <<<"$answer" || :)" ;;
    esac
}

alert_is_over() {
    local series
    series=$(prometheus_query "$3")
    [[ -z $series ]] || while IFS=$'\t' read -r labels value; do
        finding "$1 ($2) is still true: $labels is $value"
    done <<<"$series"
}

# ---- what people read. Nobody who closes a pipe ends a run by that.
engine_say() {
    printf '%s\n' "$*" 2>/dev/null || :
}

engine_warn() {
    printf '%s\n' "${RUNBOOK_ID}: $*" >&2 || :
}

engine_refuse() {
    local code=$1
    shift
    engine_warn "$*"
    exit "$code"
}

engine_colours() {
    BOLD='' RED='' YELLOW='' GREEN='' PLAIN=''
    if [[ -t 1 && -z ${NO_COLOR-} && ${TERM-dumb} != dumb && -z ${ENGINE_OPTION[no_color]-} ]]; then
        BOLD=$'\e[1m' RED=$'\e[31m' YELLOW=$'\e[33m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
    fi
}

# ---- arguments
engine_usage() {
    local name
    cat <<TEXT
$RUNBOOK_TITLE

  ${0##*/}                 asks before each action
  ${0##*/} --only-probes   looks, and changes nothing

  --list               the steps, a line each
  --plan               every step with its commands; runs nothing
  --dry-run            runs the probes, prints the actions
  --only-probes        runs the probes alone
  --yes                does not ask before actions of low danger
  --confirm TARGET     the typed target of an action of high danger
  --step ID            that step alone
  --from ID            from that step on
  --resume [RUN]       goes on with a run that was interrupted
  --set NAME=VALUE     a parameter
  --platform NAME      where the stack runs: ${RUNBOOK_PLATFORMS[*]}
  --reason TEXT        why it is run; kept in the journal
  --run-dir DIR        where journal and evidence go
  --json               events on standard output
  --no-color           no colours
TEXT
    ((${#RUNBOOK_PARAMETERS[@]} == 0)) || printf '\nParameters:\n'
    for name in "${RUNBOOK_PARAMETERS[@]}"; do
        printf '  %-20s %s (%s)\n' "$name" "${PARAMETER_ABOUT[$name]-}" \
            "${PARAMETER_DEFAULT[$name]-must be given}"
    done
    printf '\nExit codes: 0 done or well, 1 failed, 2 usage, 3 a finding, 4 not confirmed, 5 cannot run here, 6 locked,\n'
    printf '7 undone, 8 undoing failed, 9 the alert is not over, 124 too long, 130 and 143 interrupted.\n'
}

engine_wrong() {
    ENGINE_WRONG+=("$*")
}

engine_parse() {
    local flag key
    while (($# > 0)); do
        flag=$1
        shift
        [[ $flag != --*=* ]] || { set -- "${flag#*=}" "$@" && flag=${flag%%=*}; }
        case $flag in
            --help | -h) ENGINE_MODE=help ;;
            --list | --plan | --dry-run | --only-probes)
                [[ $ENGINE_MODE == act ]] || engine_wrong "$flag cannot go with --$ENGINE_MODE"
                [[ $ENGINE_MODE == help ]] || ENGINE_MODE=${flag#--}
                ;;
            --yes) ENGINE_YES=yes ;;
            --json) ENGINE_JSON=yes ;;
            --no-color) ENGINE_OPTION[no_color]=yes ;;
            --resume)
                ENGINE_RESUME=yes
                if (($# > 0)) && [[ $1 != -* ]]; then
                    ENGINE_RESUMED=$1
                    shift
                fi
                ;;
            --confirm | --set | --step | --from | --platform | --reason | --run-dir)
                if (($# == 0)); then
                    engine_wrong "$flag needs a value"
                    break
                fi
                engine_option "$flag" "$1"
                shift
                ;;
            *) engine_wrong "no such flag: $flag" ;;
        esac
    done
    [[ $ENGINE_MODE != help ]] || return 0
    for key in step from; do
        [[ -z ${ENGINE_OPTION[$key]+given} || -n ${STEP_KIND[${ENGINE_OPTION[$key]:-.}]-} ]] ||
            engine_wrong "--$key: no such step: ${ENGINE_OPTION[$key]} (${RUNBOOK_STEPS[*]})"
        [[ -z $ENGINE_RESUME || -z ${ENGINE_OPTION[$key]+given} ]] || engine_wrong "--resume cannot go with --$key"
    done
    [[ -z ${ENGINE_OPTION[step]+given} || -z ${ENGINE_OPTION[from]+given} ]] || engine_wrong "--step cannot go with --from"
    if [[ -n $ENGINE_RESUME ]]; then
        [[ $ENGINE_MODE == act ]] || engine_wrong "--resume cannot go with --$ENGINE_MODE"
        ((${#ENGINE_SET[@]} == 0)) || engine_wrong "--resume takes the parameters of the run: no --set"
        [[ -z ${ENGINE_OPTION[platform]-} ]] || engine_wrong "--resume takes the platform of the run: no --platform"
    else
        engine_parameters
    fi
    ((${#ENGINE_WRONG[@]} == 0)) || {
        printf '%s\n' "${ENGINE_WRONG[@]}" "--help tells more" >&2
        exit 2
    }
}

engine_option() {
    local name=${2%%=*} key=${1#--}
    key=${key//-/_}
    case $1 in
        --confirm) ENGINE_CONFIRM+=("$2") ;;
        --set)
            if [[ $2 != *=* ]]; then
                engine_wrong "--set needs NAME=VALUE: $2"
            elif [[ -z ${PARAMETER_ABOUT[${name:-.}]+known} ]]; then
                engine_wrong "--set: no such parameter: $name"
            else
                ENGINE_SET[$name]=${2#*=}
            fi
            ;;
        *)
            [[ -z ${ENGINE_OPTION[$key]+given} ]] || engine_wrong "$1 stands twice"
            ENGINE_OPTION[$key]=$2
            ;;
    esac
}

# Sets the variables of the parameters.
engine_parameters() {
    local name value
    for name in "${RUNBOOK_PARAMETERS[@]}"; do
        value=${ENGINE_SET[$name]-${PARAMETER_DEFAULT[$name]-}}
        if [[ -z ${ENGINE_SET[$name]+given} && -z ${PARAMETER_DEFAULT[$name]+given} ]]; then
            [[ $ENGINE_MODE == list || $ENGINE_MODE == plan ]] || engine_wrong "--set $name=… must be given: ${PARAMETER_ABOUT[$name]-}"
        elif [[ ! $value =~ ^(${PARAMETER_PATTERN[$name]-.*})$ ]]; then
            engine_wrong "--set $name (${PARAMETER_ABOUT[$name]-}): must match ${PARAMETER_PATTERN[$name]}"
        fi
        export "${name^^}=$value"
    done
}

# The text with the values of $PARAMETERS; everything else that looks like a variable stays.
engine_filled() {
    local rest=$1 name
    REPLY=''
    while [[ $rest =~ ^([^$]*)(\$\{?([A-Z][A-Z0-9_]*)\}?)(.*)$ ]]; do
        name=${BASH_REMATCH[3]}
        REPLY+=${BASH_REMATCH[1]}
        rest=${BASH_REMATCH[4]}
        if [[ -n ${PARAMETER_ABOUT[${name,,}]+known} ]]; then
            REPLY+=${!name-}
        else
            REPLY+=${BASH_REMATCH[2]}
        fi
    done
    REPLY+=$rest
}

# ---- secrets: kept in the memory of this process; every line that is shown or kept goes through engine_redacted
engine_add_secret() {
    local line
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%$'\r'}
        # Shorter ones would take words out of every output and protect nothing.
        ((${#line} < 6)) || ENGINE_KNOWN_SECRETS+=("$line")
    done <<<"$1"
}

engine_decoded() {
    local text=${1//\\/\\\\}
    printf -v REPLY '%b' "${text//%/\\x}"
}

engine_secrets() {
    local name file value rest part i
    for name in "${RUNBOOK_SECRETS[@]}"; do
        file="${name}_FILE"
        value=${!name-}
        [[ -z ${!file-} || ! -r ${!file} ]] || value+=$'\n'$(tr -d '\0' <"${!file}")
        while IFS= read -r rest; do
            ((${#rest} == 0 || ${#rest} > 5)) ||
                engine_warn "a value of $name is shorter than 6 characters: it is not taken out of outputs"
            engine_add_secret "$rest"
            for part in '://[^:/@]*:([^@]*)@' '://[^:/@]*:(.*)@' 'password=([^&[:space:]]+)'; do
                [[ $rest =~ $part ]] || continue
                engine_add_secret "${BASH_REMATCH[1]}"
                engine_decoded "${BASH_REMATCH[1]}"
                engine_add_secret "$REPLY"
            done
        done <<<"$value"
    done
    if [[ -n ${PGPASSFILE-} && -r ${PGPASSFILE-} ]]; then
        while IFS= read -r rest || [[ -n $rest ]]; do
            for i in 1 2 3 4; do
                [[ $rest =~ ^(([^:\\]|\\.)*):(.*)$ ]] || continue 2
                rest=${BASH_REMATCH[3]}
            done
            engine_add_secret "$rest"
            rest=${rest//\\:/:}
            engine_add_secret "${rest//\\\\/\\}"
        done <"$PGPASSFILE"
    fi
    # The longest first: one may be part of another.
    mapfile -t ENGINE_KNOWN_SECRETS < <(
        for value in "${ENGINE_KNOWN_SECRETS[@]}"; do printf '%06d %s\n' "${#value}" "$value"; done | sort -ru | cut -c 8-
    )
}

# Sets REPLY to the text without them. A step may have cut its text within one: what is left of it at the end goes, too, from
# a third of it on. Less is no use to anybody, and may be a word.
engine_redacted() {
    local secret head tail
    REPLY=$1
    for secret in "${ENGINE_KNOWN_SECRETS[@]}"; do
        REPLY=${REPLY//"$secret"/[redacted]}
        head=${secret:0:${#secret}/3>8?${#secret}/3:8}
        [[ $REPLY == *"$head"* ]] || continue
        tail=$head${REPLY##*"$head"}
        [[ $secret != "$tail"* ]] || REPLY="${REPLY%"$tail"}[redacted]"
    done
}

# Standard input to the file and, indented, to the screen, line by line, until the line ENGINE_END: a step may leave a
# process behind that keeps its output open.
engine_filter() {
    local file=$1 left=$ENGINE_CAP line text longest=${ENGINE_KNOWN_SECRETS[0]-} ended=''
    trap '' PIPE INT TERM HUP
    while [[ -z $ended ]] && { IFS= read -r -n "$((left + 100))" line || [[ -n $line ]]; }; do
        text=${line%"$ENGINE_END"}
        [[ $text == "$line" ]] || ended=yes
        [[ -z $ended || -n $text ]] || break
        engine_redacted "$text"
        text=$REPLY
        if ((${#line} >= left)); then
            # The head of a secret may stand at the end of what was read.
            text="${text:0:${#text}>${#longest}?${#text}-${#longest}:0} (cut at $((ENGINE_CAP / 1024)) KiB)"
            [[ -n $ended ]] || ended=full
        fi
        left=$((left - ${#line} - 1))
        ((left > 0)) || left=1
        printf '%s\n' "$text" >>"$file" || :
        [[ -n $ENGINE_QUIET ]] || printf '    %s\n' "${text//[^[:print:]$'\t'$'\x80'-$'\xff']/?}" || :
    done 2>/dev/null
    [[ $ended != full ]] || grep -aqF -- "$ENGINE_END" || :
}

# ---- journal
# Sets ENGINE_NOW. Without another process, as every event has its time; bash before 5 does not know parts of a second.
engine_time() {
    local at=${EPOCHREALTIME-}
    if [[ -n $at ]]; then
        TZ=UTC printf -v ENGINE_NOW '%(%Y-%m-%dT%H:%M:%S)T' "${at%.*}"
        at=${at#*.}
        ENGINE_NOW+=.${at:0:3}Z
    else
        ENGINE_NOW=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
    fi
}

# Sets ENGINE_SUM to the sum of the text.
engine_sha256() {
    ENGINE_SUM=$(printf '%s' "$1" | "${ENGINE_SUMS[@]}")
    ENGINE_SUM=${ENGINE_SUM%% *}
}

# Sets REPLY to the JSON string of the bytes. What is no UTF-8 becomes U+FFFD.
engine_quoted() {
    local text=$1 byte code i
    local wide=$'^([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]'
    wide+=$'|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})'
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    if [[ $text != *[^[:print:]]* ]]; then
        REPLY="\"$text\""
        return 0
    fi
    REPLY='"'
    for ((i = 0; i < ${#text}; i++)); do
        byte=${text:i:1}
        if [[ $byte == [[:print:]] ]]; then
            REPLY+=$byte
        elif [[ $byte == [$'\x01'-$'\x1f'$'\x7f'] ]]; then
            printf -v code '\\u%04x' "'$byte"
            REPLY+=$code
        elif [[ ${text:i:4} =~ $wide ]]; then
            REPLY+=${BASH_REMATCH[0]}
            i=$((i + ${#BASH_REMATCH[0]} - 1))
        else
            REPLY+='\ufffd'
        fi
    done
    REPLY+='"'
}

# engine_event NAME [KEY VALUE]…: KEY= takes the value as it is, for numbers and true.
engine_event() {
    local line
    [[ -n $ENGINE_JOURNAL ]] || return 0
    engine_time
    line="{\"run\":\"$ENGINE_RUN\",\"time\":\"$ENGINE_NOW\",\"event\":\"$1\""
    shift
    while (($# > 0)); do
        if [[ $1 == *= ]]; then
            line+=",\"${1%=}\":$2"
        else
            engine_redacted "$2"
            engine_quoted "$REPLY"
            line+=",\"$1\":$REPLY"
        fi
        shift 2
    done
    line+=",\"prev\":\"$ENGINE_PREVIOUS\"}"
    engine_sha256 "$line"
    ENGINE_PREVIOUS=$ENGINE_SUM
    printf '%s\n' "$line" 2>/dev/null >>"$ENGINE_JOURNAL" || engine_warn "cannot write the journal: $line"
    sync -- "$ENGINE_JOURNAL" 2>/dev/null || :
    [[ -z $ENGINE_JSON ]] || printf '%s\n' "$line" 2>/dev/null >&3 || :
}

# ---- where the run is kept
# The folders in which runs may stand, the best first.
engine_folders() {
    local root
    [[ -z ${ENGINE_OPTION[run_dir]-} ]] || echo "${ENGINE_OPTION[run_dir]}"
    root=$(engine_root)
    [[ ! -e $root/docker-compose.yml ]] || echo "$root/.local/runs"
    [[ -z ${XDG_STATE_HOME-} ]] || echo "$XDG_STATE_HOME/$RUNBOOK_NAMESPACE/runs"
    [[ -z ${HOME-} ]] || echo "$HOME/.local/state/$RUNBOOK_NAMESPACE/runs"
    echo "/dev/shm/$RUNBOOK_NAMESPACE-$UID/runs"
    echo "${TMPDIR:-/tmp}/$RUNBOOK_NAMESPACE-$UID/runs"
}

# The folder above that of this script.
engine_root() {
    cd -P -- "$(dirname -- "$0")/.." && pwd
}

# Whether a run fits there: the folder is ours, and takes 1 MiB.
engine_usable() {
    mkdir -p -- "$1" && [[ -O $1 && ! -L ${1%/runs} ]] &&
        head -c 1048576 /dev/zero >"$1/.$ENGINE_RUN" && rm -f -- "$1/.$ENGINE_RUN"
} 2>/dev/null

engine_new_run() {
    local folder
    local -a folders
    ENGINE_RUN="$(date -u +%Y%m%dT%H%M%SZ)-$RUNBOOK_ID-$$"
    mapfile -t folders < <(engine_folders)
    for folder in "${folders[@]}"; do
        if engine_usable "$folder" && mkdir -- "$folder/$ENGINE_RUN"; then
            ENGINE_DIR=$(cd -P -- "$folder/$ENGINE_RUN" && pwd)
            break
        fi
        rm -f -- "$folder/.$ENGINE_RUN" 2>/dev/null || :
        engine_warn "cannot keep this run in $folder"
    done
    [[ -n $ENGINE_DIR ]] || engine_refuse 5 "found no folder that takes the journal: --run-dir names one"
    ENGINE_JOURNAL=$ENGINE_DIR/journal.jsonl
}

engine_begin() {
    local name mode=$ENGINE_MODE
    local -a parameters=()
    for name in "${RUNBOOK_PARAMETERS[@]}"; do parameters+=("parameter_$name" "$(printenv "${name^^}" || :)"); done
    engine_event "$1" mode "$mode" dry_run= "$([[ $mode == act ]] && echo false || echo true)" \
        runbook "$RUNBOOK_ID" hash "$RUNBOOK_HASH" alerts "${RUNBOOK_ALERTS[*]-}" platform "$ENGINE_PLATFORM" \
        operator "$(engine_operator)" host "$(uname -n)" tty "$(tty 2>/dev/null || :)" \
        reason "${ENGINE_OPTION[reason]-}" only "${ENGINE_OPTION[step]-}" from "${ENGINE_OPTION[from]-}" "${parameters[@]}"
}

engine_operator() {
    echo "${SUDO_USER:-${USER:-$(id -un || echo "$UID")}}"
}

# ---- resume
# Finds the run to go on with, and where it ran: whose lock it needs is known only then.
engine_find_run() {
    local folder path last=''
    while IFS= read -r folder; do
        for path in "$folder"/${ENGINE_RESUMED:-*-$RUNBOOK_ID-*}; do
            # Without a name it is the last one that could change something.
            [[ ${path##*/} > "${last##*/}" && -r $path/journal.jsonl ]] || continue
            [[ -z $ENGINE_RESUMED ]] && ! head -n 1 -- "$path/journal.jsonl" | grep -q '"event":"run_start","mode":"act"' ||
                last=$path
        done
    done < <(engine_folders)
    [[ ! -r ${ENGINE_RESUMED:-.}/journal.jsonl ]] || last=$(cd -P -- "$ENGINE_RESUMED" && pwd)
    [[ -n $last ]] || engine_refuse 5 "no_such_run: ${ENGINE_RESUMED:-there is none} (looked in $(engine_folders | paste -sd ' ' -))"
    ENGINE_RESUMED=$last
    ENGINE_OPTION[platform]=$(grep -m 1 '"event":"run_start",' -- "$last/journal.jsonl" | json .platform || :)
}

# Reads from its journal how far it came. What is refused begins with the reason in one word.
engine_load_run() {
    local path=$ENGINE_RESUMED line previous='' name started=''
    while IFS= read -r line || [[ -n $line ]]; do
        # A line without its end was cut when the run was.
        if [[ $line == *'"}' ]]; then
            [[ $line == *",\"prev\":\"$previous\"}" ]] || engine_refuse 5 "journal_broken: a line of $path/journal.jsonl was changed"
            [[ $line != *'"event":"run_start",'* ]] || started=$line
            engine_replay "$line"
        fi
        engine_sha256 "$line"
        previous=$ENGINE_SUM
    done <"$path/journal.jsonl"
    [[ $started == *'"event":"run_start","mode":"act",'* ]] || engine_refuse 5 "dry_run: $path changed nothing; start anew"
    [[ $started == *",\"runbook\":\"$RUNBOOK_ID\",\"hash\":\"$RUNBOOK_HASH\","* ]] ||
        engine_refuse 5 "runbook_changed: $path was made by another runbook or another version of this one; look at what it did, and use --from"
    [[ ${ENGINE_STATE[0]-} != 0 ]] || engine_refuse 5 "already_done: $path ended with 0"
    for name in "${RUNBOOK_PARAMETERS[@]}"; do
        printf -v line '%b' "$(json ".parameter_$name" <<<"$started" || :)"
        [[ $line != *'[redacted]'* ]] || engine_refuse 5 "secret_parameter: the journal does not hold $name; use --from"
        ENGINE_SET[$name]=$line
    done
    engine_parameters
    ENGINE_OPTION[step]=$(json .only <<<"$started" || :)
    ENGINE_OPTION[from]=$(json .from <<<"$started" || :)
    engine_select
    [[ -z $(tail -c 1 -- "$path/journal.jsonl") ]] || echo >>"$path/journal.jsonl"
    ENGINE_PREVIOUS=$previous ENGINE_DIR=$path ENGINE_RUN=${path##*/} ENGINE_JOURNAL=$path/journal.jsonl
    for path in "$path"/*.log; do
        name=${path##*/}
        [[ $name == '*.log' ]] || ENGINE_FILES=$((10#${name%%-*}))
    done
    engine_say "Goes on with $ENGINE_DIR"
}

# No text of a journal can look like one of these keys: its quotes are escaped.
engine_replay() {
    local event='' step=0 status=''
    [[ ! $1 =~ ,\"event\":\"([a-z_]+)\" ]] || event=${BASH_REMATCH[1]}
    [[ ! $1 =~ ,\"step\":\"([a-z0-9_]+)\" ]] || step=${BASH_REMATCH[1]}
    [[ ! $1 =~ ,\"status\":\"([a-z]+)\" ]] || status=${BASH_REMATCH[1]}
    case $event/$status in
        step_start/*)
            ENGINE_STATE[$step]=unknown
            ENGINE_ATTEMPT[$step]=$((${ENGINE_ATTEMPT[$step]-0} + 1))
            ;;
        undo_start/* | step_end/late) ENGINE_STATE[$step]=unknown ;;
        # It did what it should, and the check did not see it: perhaps it sees it now.
        step_end/failed)
            ENGINE_STATE[$step]=failed
            [[ $1 != *',"verify":"failed"'* ]] || ENGINE_STATE[$step]=unknown
            ;;
        undo/ok | undo/finding) ENGINE_STATE[$step]=undone ;;
        step_end/*) ENGINE_STATE[$step]=$status ;;
        run_end/*) [[ ! $1 =~ ,\"code\":([0-9]+) ]] || ENGINE_STATE[0]=${BASH_REMATCH[1]} ;;
        *) ;;
    esac
}

# 0 if a resumed run has this step behind it. Nobody repeats an action of which it is not known whether it was done.
engine_behind() {
    local step=$1 before='' next='' one
    case ${STEP_KIND[$step]}/${ENGINE_STATE[$step]-} in
        probe/ok | manual/ok | */skipped) engine_say "$step: done before" ;;
        action/ok | action/finding)
            engine_say "$step: done before"
            ENGINE_DONE+=("$step")
            engine_mended
            ;;
        action/unknown)
            engine_title "$step" "nobody knows whether it was done"
            if engine_needless "$step" || { engine_has "$step" verify && engine_verified "$step"; }; then
                engine_say "  it was done"
                FOUND=() RC=''
                ENGINE_DONE+=("$step")
                engine_end_step "$step" ok reason "it was done, as its guard or its check says"
                return 0
            fi
            [[ -z ${STEP_REPEATABLE[$step]-} ]] || return 1
            for one in "${RUNBOOK_STEPS[@]}"; do
                [[ $before != "$step" ]] || next=$one
                before=$one
            done
            engine_warn "unknown_outcome: $step was cut off, and doing it twice may do harm. Look whether it was done."
            ! engine_has "$step" verify || engine_warn "  its check does not see it done"
            [[ -z $next ]] || engine_warn "  it was: $0 --from $next, with the same --set and --platform"
            engine_refuse 5 "  it was not: $0 --from $step"
            ;;
        *) return 1 ;;
    esac
}

# ---- lock
# One that holds a lock, as a line that no other process ever has: its id, when it started, and since which boot.
engine_holder() {
    local boot='' stat=''
    { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || :
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || :
    # Behind the name, which may hold anything: first the state, Z if it only waits to be taken notice of; 20th the start.
    stat=${stat##*) }
    [[ $stat == Z* ]] || echo "$1 $(cut -d ' ' -f 20 <<<"${stat:-?}") ${boot:-?}"
}

# Whether the process of such a line still lives.
engine_alive() {
    [[ -n $1 && $1 == "$(engine_holder "${1%% *}")" ]] && kill -0 "${1%% *}" 2>/dev/null
}

# What tells the stack from another one that is worked on from here.
engine_stack() {
    if engine_function platform_stack; then platform_stack; else engine_root; fi
}

engine_lock() {
    local base=/tmp home lock mine holder child try
    [[ ! -d /dev/shm || ! -w /dev/shm ]] || base=/dev/shm
    base+="/$RUNBOOK_NAMESPACE-$UID"
    home="$base/locks-$(engine_stack | cksum | cut -d ' ' -f 1)"
    lock="$home/$RUNBOOK_LOCK" mine="$home/.$RUNBOOK_LOCK.$$"
    { mkdir -p -- "$home" && [[ -O $base && ! -L $base ]] && rm -rf -- "$mine" && mkdir -- "$mine"; } ||
        engine_refuse 5 "cannot lock in $home"
    engine_time
    printf '%s\n%s\n' "$(engine_holder "$$")" "$RUNBOOK_ID, $(engine_operator), since $ENGINE_NOW" >"$mine/holder"
    for ((try = 0; try < 20; try++)); do
        # A folder with a file in it is never replaced, so one of two gets it, and who looks always sees whose it is.
        if mv -T -- "$mine" "$lock" 2>/dev/null; then
            ENGINE_LOCK=$lock
            return 0
        fi
        holder=$(head -n 1 -- "$lock/holder" 2>/dev/null || :)
        # A run that was killed may have left its step behind.
        child=$(head -n 1 -- "$lock/child" 2>/dev/null || :)
        if engine_alive "$holder" || engine_alive "$child"; then
            child=$(tail -n 1 -- "$lock/holder" 2>/dev/null || :)
            rm -rf -- "$mine"
            engine_refuse 6 "another run holds the lock $RUNBOOK_LOCK: process ${holder%% *} ($child)"
        fi
        # Whoever made it is gone. One at a time takes it away, after a second look.
        if mkdir -- "$lock.taken" 2>/dev/null; then
            if [[ -n $holder && $holder == "$(head -n 1 -- "$lock/holder" 2>/dev/null || :)" ]]; then
                engine_warn "takes over the lock of a run that is gone (process ${holder%% *})"
                engine_unlock "$lock"
            fi
            rmdir -- "$lock.taken"
        else
            engine_wait 0.1
        fi
    done
    rm -rf -- "$mine"
    engine_refuse 6 "cannot take the lock $lock${holder:+ of process ${holder%% *}}; if nobody has it: rm -r $lock $lock.taken"
}

# Away in one go: a folder that is emptied first might be another's when it is removed.
engine_unlock() {
    local gone="${1%/*}/.${1##*/}.gone.$$"
    rm -rf -- "$gone" || :
    ! mv -T -- "$1" "$gone" 2>/dev/null || rm -rf -- "$gone" || :
}

# ---- a function in its own bash
# engine_run LABEL FUNCTION SECONDS KIND: sets RC, FILE (its output) and FOUND (what it called a finding).
engine_run() {
    local text now
    ENGINE_FILES=$((ENGINE_FILES + 1))
    printf -v now '%(%s)T' -1
    printf -v FILE '%s/%03d-%s.log' "$ENGINE_DIR" "$ENGINE_FILES" "$1"
    : >"$FILE" || :
    exec {ENGINE_PIPE}> >(engine_filter "$FILE")
    ENGINE_FILTER=$!
    (
        # Its own group, made by timeout, gets the signals; and its own bash must not know that we hear none of PIPE.
        trap - PIPE INT TERM HUP EXIT ERR
        # By itself, and before it begins: if we are killed the lock must know of it.
        [[ -z $ENGINE_LOCK || $4 == probe ]] || engine_holder "$BASHPID" >"$ENGINE_LOCK/child" || :
        unset BASH_ENV
        export RUNBOOK_STEP_KIND=$4 RUNBOOK_FINDINGS=$FILE.findings RUNBOOK_RUN=$ENGINE_RUN RUNBOOK_ID
        export RUNBOOK_DEADLINE=$((now + ${3%%.*} + 1))
        export -f "${ENGINE_WORDS[@]}" "${2?}"
        exec timeout -k 5 "$3" "$BASH" -Eeuo pipefail -O inherit_errexit -c "$2" </dev/null >&"$ENGINE_PIPE" 2>&1 {ENGINE_PIPE}>&- {ENGINE_OUT}>&- {ENGINE_ERR}>&- 3>&-
    ) &
    ENGINE_CHILD=$!
    RC=0
    wait "$ENGINE_CHILD" || RC=$?
    ENGINE_CHILD=''
    engine_end_output
    FOUND=()
    if [[ -s $FILE.findings ]]; then
        while IFS= read -r text; do
            engine_redacted "$text"
            FOUND+=("$REPLY")
        done <"$FILE.findings"
    fi
    rm -f -- "$FILE.findings"
}

engine_end_output() {
    { printf '%s\n' "$ENGINE_END" >&"$ENGINE_PIPE"; } 2>/dev/null || :
    exec {ENGINE_PIPE}>&-
    wait "$ENGINE_FILTER" || :
}

# The same with a verdict in STATUS: ok, finding, failed, or late, when nobody knows what it did.
engine_judge() {
    engine_run "$@"
    case $RC in
        0) STATUS=ok ;;
        124 | 137) STATUS=late ;;
        *) STATUS=failed ;;
    esac
    [[ $STATUS != ok ]] || ((${#FOUND[@]} == 0)) || STATUS=finding
}

# What the step expects of its output.
engine_expect() {
    local step=$1 wrong=''
    [[ $STATUS == ok || $STATUS == finding ]] || return 0
    if [[ -n ${STEP_MATCHES[$step]-} ]] && ! grep -aEq -e "${STEP_MATCHES[$step]}" -- "$FILE"; then
        wrong="no line matches ${STEP_MATCHES[$step]}"
    elif [[ -n ${STEP_LACKS[$step]-} ]] && grep -aEq -e "${STEP_LACKS[$step]}" -- "$FILE"; then
        wrong="a line matches ${STEP_LACKS[$step]}"
    fi
    [[ -z $wrong ]] || {
        FOUND+=("${STEP_FINDING[$step]:-$wrong}")
        STATUS=finding
    }
}

# engine_wait SECONDS, so that a signal is heard at once.
engine_wait() {
    sleep "$1" &
    wait "$!" || :
}

# The function of the step for this platform in FORM; 1 if there is none.
engine_form() {
    FORM=step_$1__on_$ENGINE_PLATFORM
    engine_function "$FORM" || FORM=step_$1
    engine_function "$FORM"
}

engine_has() {
    engine_function "step_$1__$2"
}

engine_function() {
    declare -F "$1" >/dev/null
}

# ---- steps
engine_title() {
    engine_say
    engine_say "$BOLD$1: ${STEP_TITLE[$1]}$PLAIN (${STEP_KIND[$1]}${2:+, $2})"
}

engine_start_step() {
    ENGINE_STEP=$1 ENGINE_STEP_KIND=${STEP_KIND[$1]}
    ENGINE_ATTEMPT[$1]=$((${ENGINE_ATTEMPT[$1]-0} + 1))
    engine_time
    STARTED=$ENGINE_NOW
    engine_event step_start step "$1" kind "${STEP_KIND[$1]}" attempt= "${ENGINE_ATTEMPT[$1]}"
}

# engine_end_step ID STATUS [KEY VALUE]…: tells and keeps how it ended.
engine_end_step() {
    local step=$1 status=$2 text
    shift 2
    ENGINE_STATE[$step]=$status
    case $status in
        ok) engine_say "  ${GREEN}ok$PLAIN" ;;
        failed)
            ENGINE_FAILED+=("$step")
            engine_say "  ${RED}failed${RC:+ with $RC}$PLAIN"
            ;;
        late)
            ENGINE_LATE+=("$step")
            engine_say "  ${RED}stopped after ${STEP_TIMEOUT[$step]} s: what it did is unknown$PLAIN"
            ;;
        *) ;;
    esac
    for text in "${FOUND[@]}"; do
        engine_say "  ${YELLOW}finding: $text$PLAIN"
        # What an action says of its own doing is not mended by the next one.
        if [[ ${STEP_KIND[$step]} == action ]]; then ENGINE_KEPT+=("$text"); else ENGINE_FOUND+=("$text"); fi
        engine_event finding step "$step" text "$text"
    done
    engine_event step_end step "$step" status "$status" start "${STARTED:-}" attempt= "${ENGINE_ATTEMPT[$step]-0}" "$@"
    ENGINE_STEP=''
    FOUND=()
}

# What engine_run left, for the journal.
engine_output() {
    ENGINE_SUM=$("${ENGINE_SUMS[@]}" <"$FILE" || :)
    OUTPUT=(rc= "$RC" file "${FILE##*/}" sha256 "${ENGINE_SUM%% *}")
}

engine_probe() {
    engine_title "$1"
    engine_start_step "$1"
    engine_judge "$1" "$FORM" "${STEP_TIMEOUT[$1]}" probe
    engine_expect "$1"
    engine_output
    engine_end_step "$1" "$STATUS" "${OUTPUT[@]}"
    [[ $STATUS == ok || $STATUS == finding ]] || engine_failed "$1" continue
}

# Whether the alerts of this runbook are over.
engine_resolved() {
    local attempt attempts=${STEP_VERIFY_ATTEMPTS[$1]-1}
    [[ $ENGINE_MODE == act ]] || attempts=1
    engine_title "$1"
    engine_start_step "$1"
    for ((attempt = 1; attempt <= attempts; attempt++)); do
        ((attempt == 1)) || engine_wait "${STEP_VERIFY_EVERY[$1]-1}"
        engine_judge "$1" "$FORM" "${STEP_TIMEOUT[$1]}" probe
        [[ $STATUS != ok ]] || break
        ((attempt > 1 || attempts == 1)) ||
            engine_say "  not yet: asked up to $((attempts - 1)) times more, each ${STEP_VERIFY_EVERY[$1]-1} s; to stop waiting harms nothing"
    done
    engine_output
    [[ $STATUS != finding || $ENGINE_MODE != act ]] || ENGINE_OVER=not
    engine_end_step "$1" "$STATUS" "${OUTPUT[@]}"
}

engine_skipped() {
    engine_title "$1"
    engine_say "  $2"
    ENGINE_STATE[$1]=skipped
    engine_event step_end step "$1" status skipped reason "$2"
}

# 0 if the guard says that the step is not needed.
engine_needless() {
    engine_has "$1" unless || return 1
    engine_judge "$1-unless" "step_$1__unless" "${STEP_TIMEOUT[$1]}" probe
    engine_output
    engine_event unless step "$1" status "$STATUS" "${OUTPUT[@]}"
    [[ $STATUS == ok ]]
}

# 0 if the step did what it is for. Sets RC and STATUS.
engine_verified() {
    local attempt
    engine_has "$1" verify || return 0
    for ((attempt = 1; attempt <= ${STEP_VERIFY_ATTEMPTS[$1]-1}; attempt++)); do
        ((attempt == 1)) || engine_wait "${STEP_VERIFY_EVERY[$1]-1}"
        engine_judge "$1-verify" "step_$1__verify" "${STEP_VERIFY_TIMEOUT[$1]-${STEP_TIMEOUT[$1]}}" probe
        engine_output
        engine_event verify step "$1" attempt= "$attempt" status "$STATUS" "${OUTPUT[@]}"
        [[ $STATUS != ok ]] || return 0
    done
    return 1
}

engine_action() {
    local step=$1 found status
    local -a output
    if engine_needless "$step"; then
        engine_skipped "$step" "not needed"
        return 0
    fi
    engine_prepare "$step"
    engine_title "$step" "danger: ${STEP_DANGER[$step]-low}"
    engine_confirm "$step"
    engine_start_step "$step"
    engine_judge "$step" "$FORM" "${STEP_TIMEOUT[$step]}" action
    engine_expect "$step"
    engine_output
    found=("${FOUND[@]}") status=$STATUS output=("${OUTPUT[@]}")
    ENGINE_DONE+=("$step")
    if [[ $status == ok || $status == finding ]] && ! engine_verified "$step"; then
        engine_say "  it ran, but verifying it failed"
        status=failed RC=''
        output+=(verify failed)
    fi
    [[ $status != ok && $status != finding ]] || engine_mended
    FOUND=("${found[@]}")
    engine_end_step "$step" "$status" "${output[@]}"
    [[ $status == ok || $status == finding ]] || engine_failed "$step" abort
}

engine_manual() {
    local answer=''
    engine_title "$1"
    engine_filled "${STEP_INSTRUCTIONS[$1]-}"
    engine_say "  ${REPLY//$'\n'/$'\n'  }"
    engine_say "  For a person: ${STEP_BECAUSE[$1]-}"
    if [[ $ENGINE_MODE == act ]] && engine_ask "  Is it done? [y/N] "; then
        answer=$REPLY
    fi
    if [[ $answer == [yY]* ]]; then
        ENGINE_STATE[$1]=ok
        engine_event step_end step "$1" status ok typed "$answer"
    else
        ENGINE_STATE[$1]=left
        ENGINE_LEFT+=("$1")
        engine_event step_end step "$1" status left
    fi
}

# Prints all that an action would do.
engine_print_action() {
    engine_title "$1" "not run: a dry run"
    if engine_needless "$1"; then
        engine_say "  its guard says: not needed now"
    fi
    engine_describe "$1"
}

# An action did what it is for: what probes saw before it, or could not look at, counts no more.
engine_mended() {
    local step
    local -a failed=("${ENGINE_FAILED[@]}") late=("${ENGINE_LATE[@]}")
    ENGINE_FOUND=() ENGINE_FAILED=() ENGINE_LATE=()
    for step in "${failed[@]}"; do [[ ${STEP_KIND[$step]} == probe ]] || ENGINE_FAILED+=("$step"); done
    for step in "${late[@]}"; do [[ ${STEP_KIND[$step]} == probe ]] || ENGINE_LATE+=("$step"); done
}

# What follows a step that failed: the default is $2.
engine_failed() {
    [[ $ENGINE_MODE == act ]] || return 0
    case ${STEP_ON_FAILURE[$1]:-$2} in
        continue) ;;
        rollback)
            engine_rollback
            engine_finish
            ;;
        *) engine_finish ;;
    esac
}

# Takes back what was done, the last first; also what failed on its way, because nobody knows how far it came.
engine_rollback() {
    local i step
    engine_say
    engine_say "${BOLD}Undoing what was done$PLAIN"
    ENGINE_ROLLED_BACK=yes
    for ((i = ${#ENGINE_DONE[@]} - 1; i >= 0; i--)); do
        step=${ENGINE_DONE[i]}
        if ! engine_has "$step" undo; then
            engine_say "  $step stays: ${STEP_UNDO_NOT[$step]-}"
            engine_event undo step "$step" status stays reason "${STEP_UNDO_NOT[$step]-}"
            continue
        fi
        engine_say "  undo $step"
        ENGINE_STEP=$step ENGINE_STEP_KIND=undo
        engine_event undo_start step "$step"
        engine_judge "$step-undo" "step_${step}__undo" "${STEP_TIMEOUT[$step]}" undo
        engine_output
        engine_event undo step "$step" status "$STATUS" "${OUTPUT[@]}"
        ENGINE_STEP=''
        if [[ $STATUS == ok || $STATUS == finding ]]; then
            ENGINE_STATE[$step]=undone
        else
            ENGINE_STATE[$step]=unknown
            ENGINE_ROLLED_BACK=failed
            engine_say "  ${RED}undoing $step failed with $RC$PLAIN"
        fi
    done
}

# ---- confirmation
# Asks on the terminal, wherever standard input comes from. 1 without a terminal.
engine_ask() {
    [[ -n $ENGINE_TERMINAL ]] || return 1
    printf '%s' "$1" >/dev/tty
    REPLY=''
    IFS= read -r REPLY </dev/tty || :
}

# Sets REPLY to what has to be typed for this step.
engine_target() {
    engine_filled "${STEP_CONFIRM[$1]-}"
    [[ -n $REPLY ]] || engine_refuse 4 "$1 has high danger, but nothing to type"
}

# 0 if --confirm gave it.
engine_given() {
    local text
    for text in "${ENGINE_CONFIRM[@]}"; do [[ $text != "$1" ]] || return 0; done
    return 1
}

# Before the first action: who and where, and whether all actions that may follow can be confirmed at all.
engine_prepare() {
    local step begun=''
    local -a missing=()
    [[ -z $ENGINE_PREPARED ]] || return 0
    for step in "${ENGINE_SELECTED[@]}"; do
        [[ $step != "$1" ]] || begun=yes
        [[ -n $begun && ${STEP_KIND[$step]} == action && -z $ENGINE_TERMINAL ]] || continue
        engine_form "$step" || continue
        if [[ ${STEP_DANGER[$step]-low} == high ]]; then
            engine_target "$step"
            engine_given "$REPLY" || missing+=("$step needs --confirm ${REPLY@Q}")
        elif [[ -z $ENGINE_YES ]]; then
            missing+=("$step needs --yes")
        fi
    done
    engine_form "$1"
    if ((${#missing[@]} > 0)); then
        printf '%s\n' "${missing[@]}" >&2
        engine_refuse 4 "there is no terminal to ask on: nothing was changed"
    fi
    engine_say
    engine_say "${BOLD}Before the first action$PLAIN"
    engine_say "    runbook: $RUNBOOK_TITLE"
    engine_say "    platform: $ENGINE_PLATFORM"
    if engine_function platform_identity; then
        engine_run identity platform_identity 10 probe
        engine_output
        engine_event identity "${OUTPUT[@]}"
        ((RC == 0)) || engine_say "    who is there is not known: platform_identity ended with $RC"
    fi
    engine_time
    engine_say "    time: $ENGINE_NOW"
    engine_say "    operator: $(engine_operator) on $(uname -n)"
    engine_say "    run: $ENGINE_DIR"
    ENGINE_PREPARED=yes
}

engine_confirm() {
    local target typed how
    [[ $ENGINE_MODE == act ]] || return 0
    if [[ ${STEP_DANGER[$1]-low} == high ]]; then
        engine_target "$1"
        target=$REPLY how=typed typed=''
        if engine_given "$target"; then
            typed=$target how=--confirm
        elif engine_ask "  Type $target to do it: "; then
            typed=$REPLY
        fi
        engine_event confirm step "$1" target "$target" typed "$typed" how "$how"
        [[ $typed == "$target" ]] && return 0
    elif [[ -n $ENGINE_YES ]]; then
        engine_event confirm step "$1" typed '' how --yes
        return 0
    else
        declare -f "$FORM" | sed '1,2d;$d;s/^/  /'
        engine_ask "  Do it? [y/N] " || REPLY=''
        typed=$REPLY
        engine_event confirm step "$1" typed "$typed" how typed
        [[ $typed == [yY] || $typed == [yY][eE][sS] ]] && return 0
    fi
    engine_refuse 4 "$1 was not confirmed: it was not run"
}

# ---- evidence: beside each other, because none may hold up what mends
engine_evidence() {
    local name i number=$ENGINE_FILES
    local -a jobs=()
    ((${#RUNBOOK_EVIDENCE[@]} > 0)) || return 0
    for name in "${RUNBOOK_EVIDENCE[@]}"; do
        (
            trap - EXIT ERR INT TERM HUP
            ENGINE_QUIET=yes
            ENGINE_FILES=$((number + ${#jobs[@]}))
            engine_run "evidence-$1-$name" "evidence_$name" 5 probe
            exit "$RC"
        ) &
        jobs+=("$!")
    done
    for i in "${!jobs[@]}"; do
        RC=0
        wait "${jobs[i]}" || RC=$?
        name=${RUNBOOK_EVIDENCE[i]}
        printf -v FILE '%s/%03d-evidence-%s-%s.log' "$ENGINE_DIR" "$((number + i + 1))" "$1" "$name"
        ((RC == 0)) || engine_say "evidence $name is incomplete: it ended with $RC"
        engine_output
        engine_event evidence name "$name" when "$1" "${OUTPUT[@]}"
    done
    ENGINE_FILES=$((number + ${#jobs[@]}))
}

# ---- what a step is, in words and commands
engine_describe() {
    local form part
    engine_say "  id: $1, kind: ${STEP_KIND[$1]}${STEP_TIMEOUT[$1]+, timeout: ${STEP_TIMEOUT[$1]} s}"
    engine_fact why "${STEP_WHY[$1]-}"
    engine_fact "a line must match" "${STEP_MATCHES[$1]-}"
    engine_fact "no line may match" "${STEP_LACKS[$1]-}"
    engine_fact "otherwise a finding" "${STEP_FINDING[$1]-}"
    engine_fact danger "${STEP_DANGER[$1]-}"
    engine_fact "to be typed" "${STEP_CONFIRM[$1]-}"
    engine_fact "if it fails" "${STEP_ON_FAILURE[$1]-}"
    engine_fact "may be done twice" "${STEP_REPEATABLE[$1]-}"
    engine_fact "cannot be undone" "${STEP_UNDO_NOT[$1]-}"
    engine_fact "verified so often, at most" "${STEP_VERIFY_ATTEMPTS[$1]-}"
    engine_fact instructions "${STEP_INSTRUCTIONS[$1]-}"
    engine_fact "for a person" "${STEP_BECAUSE[$1]-}"
    for part in "" "__on_${ENGINE_PLATFORM:-*}" __unless __verify __undo; do
        while IFS= read -r form; do
            # What is printed is what runs.
            [[ $form != step_$1$part ]] || declare -f "$form" | sed 's/^/    /'
        done < <(compgen -A function "step_$1" || :)
    done
}

engine_fact() {
    [[ -z $2 ]] || {
        engine_filled "$2"
        engine_say "  $1: ${REPLY//$'\n'/$'\n'    }"
    }
}

engine_list() {
    local step
    for step in "${RUNBOOK_STEPS[@]}"; do
        printf '%-24s %-9s %s\n' "$step" "${STEP_KIND[$step]}" "${STEP_TITLE[$step]}"
    done
}

engine_plan() {
    local step
    ENGINE_PLATFORM=${ENGINE_OPTION[platform]-}
    for step in "${ENGINE_SELECTED[@]}"; do
        engine_title "$step"
        engine_describe "$step"
    done
}

# ---- platform
engine_find_platform() {
    local given=${ENGINE_OPTION[platform]-} variable="${RUNBOOK_NAMESPACE^^}_PLATFORM" found name
    [[ -n $given ]] || given=${!variable-}
    if [[ -z $given ]]; then
        found=$(
            export -f "${ENGINE_WORDS[@]}"
            timeout -k 1 10 "$BASH" -Eeuo pipefail -O inherit_errexit -c platform_detect </dev/null || :
        )
        [[ -n $found && $found != *$'\n'* ]] ||
            engine_refuse 5 "found ${found:+more than one platform: ${found//$'\n'/, }}${found:-no platform}: --platform names it (${RUNBOOK_PLATFORMS[*]})"
        given=$found
    fi
    for name in "${RUNBOOK_PLATFORMS[@]}"; do
        [[ $name != "$given" ]] || ENGINE_PLATFORM=$name
    done
    [[ -n $ENGINE_PLATFORM ]] || engine_refuse 5 "no such platform here: $given (${RUNBOOK_PLATFORMS[*]})"
}

# What it says is shown when the secrets that it exports are known as well; until then it waits in a pipe, which takes so much.
engine_enter_platform() {
    local rc=0 line to pipe filter
    if engine_function platform_enter; then
        exec {pipe}<> <(:)
        exec {to}> >(head -c 60000 >&"$pipe" && cat >/dev/null)
        filter=$!
        platform_enter "$ENGINE_PLATFORM" 2>&"$to" || rc=$?
        exec {to}>&-
        wait "$filter" || :
        engine_secrets
        printf '\n%s\n' "$ENGINE_END" >&"$pipe"
        while IFS= read -r line && [[ $line != "$ENGINE_END" ]]; do
            engine_redacted "$line"
            [[ -z $REPLY ]] || printf '%s\n' "$REPLY" >&2 || :
        done <&"$pipe"
        exec {pipe}>&-
        ((rc == 0)) || engine_refuse 5 "cannot enter the platform $ENGINE_PLATFORM"
    else
        engine_secrets
    fi
}

engine_select() {
    local step begun=''
    ENGINE_SELECTED=()
    [[ -n ${ENGINE_OPTION[from]-} ]] || begun=yes
    for step in "${RUNBOOK_STEPS[@]}"; do
        [[ $step != "${ENGINE_OPTION[from]-}" ]] || begun=yes
        [[ -z $begun || -n ${ENGINE_OPTION[step]-} && $step != "${ENGINE_OPTION[step]}" ]] || ENGINE_SELECTED+=("$step")
    done
}

# ---- the end
engine_command() {
    local command
    printf -v command '%q --resume %q' "$0" "$ENGINE_DIR"
    echo "$command"
}

engine_finish() {
    local code=0 text step
    engine_evidence_after
    ENGINE_FOUND+=("${ENGINE_KEPT[@]}")
    if [[ $ENGINE_ROLLED_BACK == failed ]]; then
        code=8 text="failed, and undoing it failed as well"
    elif [[ -n $ENGINE_ROLLED_BACK ]]; then
        code=7 text="failed, and what was done was undone"
    elif ((${#ENGINE_LATE[@]} > 0)); then
        code=124 text="took too long: ${ENGINE_LATE[*]}"
    elif ((${#ENGINE_FAILED[@]} > 0)); then
        code=1 text="failed: ${ENGINE_FAILED[*]}"
    elif [[ -n $ENGINE_OVER ]]; then
        code=9 text="done, but the alert is not over"
    elif ((${#ENGINE_FOUND[@]} > 0)); then
        code=3 text="found what is wrong, and nothing mended it"
    else
        text="well"
    fi
    engine_say
    for step in "${ENGINE_FOUND[@]}"; do engine_say "finding: $step"; done
    for step in "${ENGINE_LEFT[@]}"; do engine_say "left for a person: ${STEP_TITLE[$step]}"; done
    engine_say "$BOLD$text$PLAIN"
    engine_say "kept in $ENGINE_DIR"
    exit "$code"
}

engine_evidence_after() {
    [[ -z $ENGINE_PREPARED ]] || engine_evidence after
}

# ---- signals. Below a trap `return` without a number gives the status from before it.
engine_interrupted() {
    local signal=$1 code=$2 child=$ENGINE_CHILD
    ENGINE_CHILD=''
    # It may come where output goes to a file.
    exec 1>&"$ENGINE_OUT" 2>&"$ENGINE_ERR"
    trap '[[ -z $child ]] || kill -s TERM -- "$child" 2>/dev/null || :' INT TERM HUP
    if [[ -n $child ]]; then
        kill -s "$signal" -- "$child" 2>/dev/null || :
        while kill -0 "$child" 2>/dev/null; do wait "$child" || :; done
        engine_end_output
    fi
    engine_event interrupted signal "$signal" step "$ENGINE_STEP"
    engine_say
    engine_say "${RED}Interrupted$PLAIN by $signal"
    ((${#ENGINE_DONE[@]} == 0)) || engine_say "done: ${ENGINE_DONE[*]}"
    case $ENGINE_STEP_KIND in
        action | undo) [[ -z $ENGINE_STEP ]] || engine_say "half done: $ENGINE_STEP ($ENGINE_STEP_KIND): what it did is unknown" ;;
        *) ;;
    esac
    exit "$code"
}

engine_exit() {
    local code=$1
    trap '' INT TERM HUP
    trap - EXIT ERR
    [[ -z $ENGINE_DIR ]] || engine_event run_end code= "$code"
    case $ENGINE_MODE/$code in
        act/[1478] | act/124 | act/130 | act/143) [[ -z $ENGINE_DIR ]] || engine_say "go on with: $(engine_command)" ;;
        *) ;;
    esac
    [[ -z $ENGINE_DIR ]] || rm -f -- "$ENGINE_DIR"/*.findings
    [[ -z $ENGINE_LOCK ]] || engine_unlock "$ENGINE_LOCK"
    exit "$code"
}

engine_steps() {
    local step
    for step in "${ENGINE_SELECTED[@]}"; do
        if [[ -n $ENGINE_RESUME ]] && engine_behind "$step"; then continue; fi
        case ${STEP_KIND[$step]}/$ENGINE_MODE in
            manual/only-probes | action/only-probes) continue ;;
            manual/*)
                engine_manual "$step"
                continue
                ;;
            *) ;;
        esac
        if ! engine_form "$step"; then
            engine_skipped "$step" "has no form for $ENGINE_PLATFORM"
            continue
        fi
        case ${STEP_KIND[$step]}/$ENGINE_MODE in
            probe/*) engine_probe "$step" ;;
            resolved/*) engine_resolved "$step" ;;
            action/act) engine_action "$step" ;;
            *) engine_print_action "$step" ;;
        esac
    done
}

main() {
    # As in a step: the words must not see another one here.
    local IFS=$' \t\n'
    if [[ $- == *x* ]]; then
        set +x
        engine_refuse 5 "runs not under set -x, which prints secrets"
    fi
    engine_parse "$@"
    exec 3>&1
    [[ -z $ENGINE_JSON ]] || exec 1>&2
    exec {ENGINE_OUT}>&1 {ENGINE_ERR}>&2
    engine_colours
    mapfile -t ENGINE_WORDS < <(compgen -A function | grep -vE '^(engine_|step_|main$)' || :)
    engine_select
    case $ENGINE_MODE in
        help) engine_usage ;;
        list) engine_list ;;
        plan) engine_plan ;;
        *) engine_start ;;
    esac
    exit 0
}

engine_start() {
    [[ -n $(type -P timeout || :) ]] || engine_refuse 5 "needs the command timeout"
    [[ -n $(type -P sha256sum || :) ]] || ENGINE_SUMS=(openssl dgst -sha256 -r)
    trap '' PIPE
    trap 'engine_exit "$?"' EXIT
    trap 'engine_warn "line $LINENO of the script itself failed: $BASH_COMMAND"' ERR
    trap 'engine_interrupted INT 130' INT
    trap 'engine_interrupted TERM 143' TERM HUP
    [[ -z $ENGINE_RESUME ]] || engine_find_run
    engine_find_platform
    engine_enter_platform
    # What is locked is the stack that was just entered.
    [[ $ENGINE_MODE != act ]] || engine_lock
    [[ -z $ENGINE_RESUME ]] || engine_load_run
    if { : >/dev/tty; } 2>/dev/null; then ENGINE_TERMINAL=yes; fi
    if [[ -n $ENGINE_RESUME ]]; then
        engine_begin resume
    else
        engine_new_run
        engine_begin run_start
    fi
    [[ $ENGINE_MODE != act ]] || engine_evidence before
    engine_steps
    engine_finish
}

main "$@"
