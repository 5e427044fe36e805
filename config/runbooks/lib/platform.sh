# shellcheck shell=bash
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
