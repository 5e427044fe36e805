#!/usr/bin/env bash
# Made from config/runbooks/monthly.yaml by `make generate`; change that, not this.
# The monthly checklist. --help tells how to run it.
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

readonly RUNBOOK_HASH='d66c3bdf2588baf9708fbe291acbd2f7d0097b808eb869ce267ee5348c001e35'
readonly RUNBOOK_ID=monthly
readonly RUNBOOK_TITLE='The monthly checklist'
readonly RUNBOOK_NAMESPACE=tradewatch
readonly RUNBOOK_LOCK=database
readonly -a RUNBOOK_PLATFORMS=(local compose kubernetes systemd)
readonly -a RUNBOOK_ALERTS=()
readonly -a RUNBOOK_EVIDENCE=()
readonly -a RUNBOOK_SECRETS=(ADMIN_TOKEN BINGX_API_KEY BINGX_SECRET_KEY CRYPTET_COOKIES DATABASE_URL PGPASSWORD POSTGRES_PASSWORD TELEGRAM_API_HASH TELEGRAM_BOT_TOKEN TELEGRAM_SESSION PAGERDUTY_ROUTING_KEY GRAFANA_ADMIN_PASSWORD)
readonly -a RUNBOOK_STEPS=(performance secrets armed ports roles restore page capacity generated wake tell report)
readonly -a RUNBOOK_PARAMETERS=(backup severity)
declare -rA STEP_TITLE=(
    [performance]='How fast was it, and what costs most?'
    [secrets]='Who may read the secrets?'
    [armed]='Is it armed as it should be, and who may take the stop away?'
    [ports]='Which ports do other machines reach?'
    [roles]='Who may enter the database?'
    [restore]='Does a backup come back? (beside the database)'
    [page]='Does an alert come through to a receiver? (a test alert)'
    [capacity]='What will be left in thirty days?'
    [generated]='Are scripts, pages and rules what the specs make?'
    [wake]='Let yourself be woken once, and read a page'
    [tell]='Tell Prometheus that it ran'
    [report]='What is well, and what is not?'
)
declare -rA STEP_KIND=(
    [performance]=probe
    [secrets]=probe
    [armed]=probe
    [ports]=probe
    [roles]=probe
    [restore]=action
    [page]=action
    [capacity]=probe
    [generated]=probe
    [wake]=manual
    [tell]=action
    [report]=probe
)
declare -rA STEP_WHY=(
    [restore]='A backup that nobody restored is a hope. Every row is compared, and the copy is taken away.'
)
declare -rA STEP_TIMEOUT=(
    [performance]=60
    [secrets]=15
    [armed]=15
    [ports]=10
    [roles]=15
    [restore]=7200
    [page]=180
    [capacity]=60
    [generated]=120
    [tell]=10
    [report]=10
)
declare -rA STEP_MATCHES=()
declare -rA STEP_LACKS=()
declare -rA STEP_FINDING=()
declare -rA STEP_DANGER=(
    [performance]=low
    [secrets]=low
    [armed]=low
    [ports]=low
    [roles]=low
    [restore]=low
    [page]=low
    [capacity]=low
    [generated]=low
    [wake]=low
    [tell]=low
    [report]=low
)
declare -rA STEP_CONFIRM=()
declare -rA STEP_ON_FAILURE=(
    [performance]=continue
    [secrets]=continue
    [armed]=continue
    [ports]=continue
    [roles]=continue
    [restore]=continue
    [page]=continue
    [capacity]=continue
    [generated]=continue
    [wake]=continue
    [tell]=abort
    [report]=continue
)
declare -rA STEP_REPEATABLE=(
    [restore]=yes
    [page]=yes
    [tell]=yes
)
declare -rA STEP_UNDO_NOT=(
    [restore]='it takes away what it made, even if it fails'
    [page]='what was sent is sent; the test resolves it by itself'
    [tell]='it is true'
)
declare -rA STEP_VERIFY_TIMEOUT=(
    [restore]=10
    [page]=10
    [tell]=5
)
declare -rA STEP_VERIFY_ATTEMPTS=(
    [restore]=1
    [page]=1
    [tell]=1
)
declare -rA STEP_VERIFY_EVERY=(
    [restore]=2
    [page]=2
    [tell]=2
)
declare -rA STEP_INSTRUCTIONS=(
    [wake]='- `runbooks/page_test.sh` wakes whoever is on duty: say whether the phone rang, and after how long.
- `runbooks/kit.sh`: call one of the numbers, and sign in once where a credential is said to be.
- Read the pages of last month'"'"'s incidents: does each say what you would have wanted to know?'
)
declare -rA STEP_BECAUSE=(
    [wake]='what reaches you, and what you understand at night, only you know'
)
declare -rA PARAMETER_ABOUT=(
    [backup]='the backup that is restored'
    [severity]='the severity of the test alert; critical wakes somebody'
)
declare -rA PARAMETER_PATTERN=(
    [backup]='newest|latest|[0-9][A-Za-z0-9_.-]*'
    [severity]='info|warning|critical'
)
declare -rA PARAMETER_DEFAULT=(
    [backup]=newest
    [severity]=warning
)
BACKUP=''
SEVERITY=''

step_performance() {
    audit_performance
    statements_costly
    indexes_unused
    tables_bloated
}

step_secrets() {
    audit_secrets
}

step_armed() {
    audit_armed
}

step_ports() {
    audit_ports
}

step_roles() {
    audit_roles
}

step_restore() {
    name=$(chosen_backup)
    backup_intact "$name"
    backup_try "$name"
    backup_mark "$name"
}

step_restore__verify() {
    [[ -f $(backup_path "$(chosen_backup)")/verified ]] && ! database_exists "$(scratch_name)"
}

step_page() {
    tool=$(command -v tradewatch) || tool=${TRADEWATCH_ROOT:?}/.venv/bin/tradewatch
    "$tool" page-test --config "${TRADEWATCH_ROOT:?}/config" --alertmanager "${ALERTMANAGER_URL:?}" --severity "${SEVERITY:?}"
}

step_page__verify() {
    curl --silent --show-error --fail --noproxy "*" --max-time 5 "${ALERTMANAGER_URL:?}/-/ready"
}

step_capacity() {
    audit_capacity
}

step_generated() {
    audit_generated
}

step_tell() {
    checklist_tell monthly
}

step_tell__verify() {
    checklist_is_told monthly
}

step_report() {
    checklist_report
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

# Words for who mends or tends the database. Uses database; those of damage use prove.

# --- why it does not answer ------------------------------------------------------------------------------------------

# database_why SOURCE TEXT: what libpq or the server said, as a sentence: what is wrong, and what follows. SOURCE is what
# names server and password.
database_why() {
    local source=$1 text=$2
    case ${text,,} in
        *'no space left on device'*) echo "the server's disk is full: make room outside of its folder, then start it (runbook disk_full)" ;;
        *'password authentication failed'* | *'no password supplied'* | *'password retrieved from file'*)
            echo "the server refuses the password: $source and the server disagree; set one of the two right"
            ;;
        *'too many clients'* | *'connection slots are reserved'* | *'too many connections for'*)
            echo "every connection of the server is taken: the step connections says who holds them"
            ;;
        *'starting up'* | *'not yet accepting connections'* | *'in recovery mode'* | *'not accepting connections'*)
            echo "the server recovers after a crash or is starting: let it; a stop now makes it begin anew"
            ;;
        *'shutting down'*) echo "the server is shutting down: find who told it to" ;;
        *'no pg_hba.conf entry'*) echo "the server lets nobody in from there under that name: its pg_hba.conf has no line for it" ;;
        *'database "'*'" does not exist'*)
            echo "the server has no such database: $source names another one, or a restore stopped between its renames (runbook restore)"
            ;;
        *'role "'*'" does not exist'*) echo "the server has no such role: $source names another one" ;;
        *'could not translate host name'* | *'name or service not known'* | *'name resolution'*)
            echo "the name of the database's host is not known: $source has it wrong, or names are not resolved"
            ;;
        *'connection refused'*)
            echo "nobody listens at that host and port: the server is stopped, or $source names the wrong ones"
            ;;
        *'no route to host'* | *'network is unreachable'*) echo "there is no way through the network to the database's host" ;;
        *'timeout expired'* | *'timed out'*)
            echo "no answer: the server is frozen, or the network or a firewall swallows what is sent to it"
            ;;
        *'closed the connection unexpectedly'*) echo "the server ends connections as they come: its log says why" ;;
        *) echo "the database cannot be used: ${text%%$'\n'*}" ;;
    esac
}

# Whether we get in and a statement works; prints what was said if not.
database_answers() {
    local told
    told=$(sql 'SELECT 1' 2>&1) && return
    printf '%s\n' "${told:-no answer: timed out}"
    return 1
}

# Ends the step well if the server does not run: the first step has said so, and a frozen one would use up the time of each.
server_runs_or_end() {
    local state
    state=$(server_state)
    if [[ $state == @(stopped|frozen|failed) ]]; then
        echo "not tried: the database server is $state"
        exit 0
    fi
}

# As service_state, but `elsewhere` if the platform's own is stopped and a database answers all the same; else unknown.
server_state() {
    local state
    state=$(service_state db 2>/dev/null) || state=unknown
    if [[ $state == @(stopped|failed) ]] && database_answers >/dev/null; then state=elsewhere; fi
    echo "$state"
}

# Ends the step well if the database does not answer: another step has said so.
database_answers_or_end() {
    server_runs_or_end
    if ! database_answers >/dev/null; then
        echo "not looked at: the database does not answer"
        exit 0
    fi
}

# The same at the head of a runbook, where nobody else has said so.
server_answers_or_finding() {
    local told
    if ! told=$(database_answers); then
        echo "$told"
        finding "the database does not answer, so there is nothing to look at: the runbook database_connection says why"
        exit 0
    fi
}

# Where the server's files lie, as far as one may know while it is down.
database_folder() {
    local folder
    if folder=$({ server_runs_or_end >&2 && sql "SELECT current_setting('data_directory')"; } 2>/dev/null) && [[ -n $folder ]]; then
        printf '%s\n' "$folder"
        return
    fi
    case ${TRADEWATCH_PLATFORM:?} in
        local) printf '%s\n' "${TRADEWATCH_HOME:?}/data/postgres" ;;
        compose | kubernetes) echo /var/lib/postgresql/data ;;
        *) echo /var/lib/postgresql ;;
    esac
}

# The lines of the server's log in which it complains, the last ones.
database_complaints() {
    local told
    told=$(service_logs db 400) || return
    grep -E 'PANIC|FATAL|ERROR|WARNING|terminated by signal|No space left|was not properly shut down|database system is' <<<"$told" |
        tail -n "${1:-15}" || [[ $? == 1 ]]
}

# --- the bot's way in ------------------------------------------------------------------------------------------------

# Takes DATABASE_URL apart: DATABASE_SCHEME, DATABASE_USER, DATABASE_SECRET, DATABASE_HOST, DATABASE_PORT,
# DATABASE_PLACE. If it has not the right shape, fails, and DATABASE_WRONG says why without showing any of it.
database_url_read() {
    local url shape
    DATABASE_WRONG=''
    url=$(database__url) || DATABASE_WRONG="DATABASE_URL cannot be read where the bot has it"
    url=${url%%[$'\r\n']*}
    [[ -n $url || -n $DATABASE_WRONG ]] || DATABASE_WRONG="DATABASE_URL is not set"
    [[ -z $DATABASE_WRONG ]] || return 1
    shape='^(postgres|postgresql)([+][a-z0-9_]+)?://([^:/@?#[:space:]]+)(:([^:/@?#[:space:]]*))?@([^]:/@?#[[:space:]]+|\[[0-9a-fA-F:.]+\])(:([0-9]+))?/([^/?#@[:space:]]+)([?][^#@[:space:]]*)?$'
    if [[ ! $url =~ $shape ]]; then
        DATABASE_WRONG="DATABASE_URL has not the shape postgresql://user:password@host:port/database; in user and password / is written as %2F, @ as %40, and so on"
        return 1
    fi
    DATABASE_SCHEME=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
    DATABASE_USER=$(database__decoded "${BASH_REMATCH[3]}")
    DATABASE_SECRET=$(database__decoded "${BASH_REMATCH[5]}")
    DATABASE_HOST=${BASH_REMATCH[6]#'['}
    DATABASE_HOST=${DATABASE_HOST%']'}
    DATABASE_PORT=${BASH_REMATCH[8]:-5432}
    DATABASE_PLACE=$(database__decoded "${BASH_REMATCH[9]}")
}

# Its shape, in a line. Of the password only whether it is there.
database_url_told() {
    printf '%s://%s:%s@%s:%s/%s\n' "$DATABASE_SCHEME" "$DATABASE_USER" "${DATABASE_SECRET:+(a password)}" \
        "$DATABASE_HOST" "$DATABASE_PORT" "$DATABASE_PLACE"
}

# Whether host and port of DATABASE_URL take a connection from where the bot runs; prints what was said if not.
database_reached() {
    local where=bot told state rc=0
    state=$(service_state bot 2>/dev/null) || state=unknown
    case ${TRADEWATCH_PLATFORM:?}/$state in
        local/* | systemd/* | */running) ;;
        *) where=db ;;
    esac
    told=$(in_place "$where" 5 bash -c "$(database__knock)" "$DATABASE_HOST" "$DATABASE_PORT" 2>&1) || rc=$?
    ((rc != 124)) || told="timed out"
    ((rc == 0)) || printf '%s\n' "${told:-no connection}"
    return "$rc"
}

# Whether the bot's own name and password open the database; prints what was said if not. The password goes by standard
# input: it is in no argument.
database_opens() {
    local seconds
    seconds=$(left_seconds)
    {
        printf '%s\n' "$DATABASE_SECRET" |
            in_place db "$((seconds > 6 ? 6 : seconds))" bash -c "$(database__enter)" \
                "runbook:${RUNBOOK_ID:?}" "$DATABASE_HOST" "$DATABASE_PORT" "$DATABASE_USER" "$DATABASE_PLACE" >/dev/null
    } 2>&1
}

# --- who uses it -----------------------------------------------------------------------------------------------------

# Who holds connections, and how many are left.
connections_held() {
    sql_table "SELECT coalesce(nullif(application_name, ''), '(no name)') AS application, usename AS role, state,
            count(*) AS connections, max(now() - state_change)::interval(0) AS longest_in_this_state
        FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1 LIMIT 20"
    sql_table "SELECT count(*) AS taken, current_setting('max_connections') AS at_most,
            current_setting('superuser_reserved_connections') AS for_superusers_alone
        FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()"
}

# A sentence if more than four fifths are taken: by whom most, and what these do.
connections_worst() {
    sql "WITH clients AS (SELECT coalesce(nullif(application_name, ''), '(no name)') AS application, state FROM pg_stat_activity
            WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()),
        room AS (SELECT count(*) AS taken, current_setting('max_connections')::integer AS most FROM clients),
        worst AS (SELECT application, state, count(*) AS held FROM clients GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 1)
        SELECT format('%s of %s connections are taken, most of them by %s: %s, %s', taken, most, application, held, state)
        FROM room, worst WHERE taken > most * 0.8"
}

# Who waits for whom: a line for each that waits, with the ones that hold it up.
blocked_sessions() {
    sql "SELECT format('%s (%s) has waited %s for %s (%s, %s, transaction open for %s)', w.pid, w.application_name,
            (now() - w.query_start)::interval(0), b.pid, b.application_name, b.state, (now() - b.xact_start)::interval(0))
        FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) AS by(pid) JOIN pg_stat_activity b ON b.pid = by.pid
        ORDER BY w.query_start LIMIT 20"
}

# idle_connections APPLICATION: how many of its connections have done nothing for ten minutes.
idle_connections() {
    sql "SELECT count(*) FROM pg_stat_activity WHERE $(database__idle)" "name=$1"
}

# end_idle_connections APPLICATION: they are idle outside of a transaction, so nothing is lost.
end_idle_connections() {
    needs_action end_idle_connections
    sql_change "SELECT pid, backend_start::timestamptz(0), pg_terminate_backend(pid, 2000) FROM pg_stat_activity
        WHERE $(database__idle)" "name=$1"
}

# --- one statement ---------------------------------------------------------------------------------------------------

# What makes a session the one that was looked at: its number may be another's a moment later.
session_identity() {
    sql "SELECT backend_start, coalesce(query_start::text, '-') FROM pg_stat_activity WHERE pid = :'pid'::integer
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()" "pid=${1:?}"
}

# Why this session must be left alone; nothing if it need not be.
session_spared() {
    sql "SELECT CASE
            WHEN application_name LIKE 'pg\_dump%' OR application_name LIKE 'pg\_restore%' THEN 'it makes or restores a backup'
            WHEN application_name LIKE 'runbook:%' THEN 'it is a runbook''s'
            WHEN query ~* '^\s*(VACUUM|REINDEX|CREATE\s+(UNIQUE\s+)?INDEX|ALTER)\y' AND state = 'active' THEN 'it tends a table; ending it leaves half an index behind'
            ELSE '' END
        FROM pg_stat_activity WHERE pid = :'pid'::integer" "pid=${1:?}"
}

# session_end PID: cancels its statement, and ends the session if that did not help; what it had not committed is lost.
session_end() {
    needs_action session_end
    local pid=$1 seen started query spared attempt
    seen=$(session_identity "$pid")
    [[ -n $seen ]] || fail "there is no session $pid of a client any more"
    started=${seen%%|*} query=${seen#*|}
    spared=$(session_spared "$pid")
    [[ -z $spared ]] || fail "$pid is left alone: $spared"
    printf 'cancelled: %s\n' "$(database__signal pg_cancel_backend "$pid" "$started" "$query")"
    for attempt in 1 2 3 4 5; do
        # An idle one in a transaction is not impressed, and its locks stay.
        [[ $(database__still "$pid" "$started" "$query") == 1 ]] || break
        sleep "0.$attempt"
    done
    if [[ $(database__still "$pid" "$started" "$query") == 1 ]]; then
        printf 'terminated: %s\n' "$(database__signal pg_terminate_backend "$pid" "$started" "$query")"
    fi
    [[ $(database__still "$pid" "$started" "$query") == 0 ]] || fail "$pid is still at it: it may be deep in the kernel, as on a dead disk"
}

# session_age PID: for how many seconds its statement, or the transaction that it left open, has lasted; 0 if there is none.
session_age() {
    sql "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)::bigint), 0) FROM pg_stat_activity
        WHERE pid = :'pid'::integer AND state NOT IN ('idle', 'idle in transaction (aborted)') AND backend_type = 'client backend'" "pid=$1"
}

# A line for each transaction that has been open for ten minutes, which is where the alert begins.
long_transactions() {
    sql "SELECT format('a transaction of %s (pid %s, %s) has been open for %s: ask its owner, then --set pid=%s', coalesce(nullif(
            application_name, ''), usename), pid, state, (now() - xact_start)::interval(0), pid)
        FROM pg_stat_activity WHERE xact_start < now() - interval '10 minutes' AND backend_type = 'client backend'
            AND application_name NOT LIKE 'pg\_dump%' ORDER BY xact_start LIMIT 10"
}

# The statements that cost most. Their columns are looked up: versions 13 and 17 renamed some.
statements_costly() {
    local where total mean most
    where=$(sql "SELECT to_regclass('pg_stat_statements')")
    if [[ -z $where ]]; then
        echo "nobody counts statements here: set shared_preload_libraries to pg_stat_statements, start the server anew, and CREATE EXTENSION pg_stat_statements"
        return
    fi
    total=$(database__column total) mean=$(database__column mean) most=$(database__column max)
    sql_table "SELECT calls, round(:\"total\"::numeric) AS total_ms, round(:\"mean\"::numeric, 1) AS mean_ms,
            round(:\"most\"::numeric, 1) AS max_ms, rows, regexp_replace(left(query, 80), '\s+', ' ', 'g') AS query
        FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        ORDER BY :\"total\" DESC LIMIT 10" "total=$total" "mean=$mean" "most=$most"
}

# The largest tables. Of one that somebody has locked for themselves the size is not asked, as that would wait.
table_sizes() {
    sql_table "SELECT relname AS table, coalesce(pg_size_pretty(size), 'locked') AS size, pg_size_pretty(indexes) AS of_it_indexes,
            rows, dead, vacuumed
        FROM (SELECT relname, n_live_tup AS rows, n_dead_tup AS dead, greatest(last_vacuum, last_autovacuum)::timestamptz(0) AS vacuumed,
                CASE WHEN free THEN pg_total_relation_size(relid) END AS size, CASE WHEN free THEN pg_indexes_size(relid) END AS indexes
            FROM pg_stat_user_tables, LATERAL (SELECT NOT EXISTS (SELECT FROM pg_locks
                WHERE relation = relid AND mode = 'AccessExclusiveLock') AS free) f) t
        ORDER BY t.size DESC NULLS FIRST LIMIT 20"
}

# A line for each table of which two in five rows are dead, if these are many: where the alert begins.
tables_dead() {
    sql "SELECT format('%s of %s rows of table %s are dead', n_dead_tup, n_live_tup + n_dead_tup, relid::regclass)
        FROM pg_stat_user_tables WHERE n_dead_tup >= 1000 AND n_dead_tup > 0.4 * (n_live_tup + n_dead_tup) ORDER BY n_dead_tup DESC"
}

# Indexes that nobody read since the counts began, without those that work unread.
indexes_unused() {
    sql_table "SELECT coalesce(stats_reset, pg_postmaster_start_time())::timestamptz(0) AS counted_since,
            (now() - coalesce(stats_reset, pg_postmaster_start_time()))::interval(0) AS which_is, pg_is_in_recovery() AS standby
        FROM pg_stat_database WHERE datname = current_database()"
    sql_table "SELECT s.relname AS table, s.indexrelname AS candidate, pg_size_pretty(pg_relation_size(s.indexrelid)) AS size
        FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
        WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT i.indisexclusion AND i.indexprs IS NULL AND i.indisvalid
            AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = i.indrelid
                AND c.conkey[1] = i.indkey[0])
        ORDER BY pg_relation_size(s.indexrelid) DESC LIMIT 20"
}

# --- damage and care -------------------------------------------------------------------------------------------------

# Databases whose texts were sorted by another version of the machine's rules: indexes on text may be wrong.
collation_differs() {
    local known
    known=$(sql "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_database'::regclass AND attname = 'datcollversion'") || return
    # Before version 15 nobody wrote down the rules of a database.
    [[ -n $known ]] || return 0
    sql "SELECT format('database %s: made with %s, the machine has %s', datname, datcollversion,
            pg_database_collation_actual_version(oid))
        FROM pg_database WHERE datallowconn AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)" || return
    sql "SELECT format('collation %s: made with %s, the machine has %s', collname, collversion,
            pg_collation_actual_version(oid))
        FROM pg_collation WHERE collprovider <> 'd' AND collversion <> pg_collation_actual_version(oid)"
}

# The names of those that are half made.
indexes_invalid() {
    sql "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready"
}

# Tables and how many of their bytes hold rows, by the widths that ANALYZE found.
tables_bloated() {
    sql_table "SELECT c.relname AS table, pg_size_pretty(pg_relation_size(c.oid)) AS size,
            pg_size_pretty(greatest(0, pg_relation_size(c.oid) - c.reltuples::numeric * (28 + w.width))) AS about_so_much_is_empty
        FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid JOIN LATERAL (
            SELECT sum(avg_width * (1 - null_frac))::numeric AS width FROM pg_stats
            WHERE schemaname = s.schemaname AND tablename = s.relname) w ON w.width IS NOT NULL
        WHERE c.reltuples >= 0 AND pg_relation_size(c.oid) > 1048576
        ORDER BY pg_relation_size(c.oid) - c.reltuples::numeric * (28 + w.width) DESC LIMIT 20"
}

# vacuum_analyze TABLE|all: tables that somebody has locked are left out, and named.
vacuum_analyze() {
    needs_action vacuum_analyze
    local text='VACUUM (ANALYZE, SKIP_LOCKED)' told
    [[ $1 == all ]] || text+=' :"table"'
    told=$(sql_change "$text" "table=$1" 2>&1) || { printf '%s\n' "$told" && return 1; }
    printf '%s\n' "${told:-done}"
    ! grep -q 'skipping' <<<"$told" || finding "some tables were locked, and left out: try again when nobody holds them"
}

# vacuumed_since TABLE|all SECONDS: how many tables were vacuumed since then.
vacuumed_since() {
    sql "SELECT count(*) FROM pg_stat_user_tables WHERE last_vacuum > now() - make_interval(secs => :'seconds'::integer)
        AND (:'table' = 'all' OR relname = :'table')" "table=$1" "seconds=$2"
}

# Makes the indexes of each database anew that collation_differs names, beside the old ones, and then says by which rules.
collation_mend() {
    needs_action collation_mend
    local name
    while read -r name; do
        # It waits for transactions that are older than itself, and they may take a while.
        sql_change_in "$name" 'SET lock_timeout = 0; REINDEX DATABASE CONCURRENTLY :"name"' "name=$name"
        sql_change_in "$name" "SELECT format('ALTER COLLATION %I.%I REFRESH VERSION', collnamespace::regnamespace, collname)
            FROM pg_collation WHERE collprovider <> 'd' AND collversion <> pg_collation_actual_version(oid) \\gexec"
        sql_change_in "$name" 'ALTER DATABASE :"name" REFRESH COLLATION VERSION' "name=$name"
        printf 'the indexes of %s are new\n' "$name"
    done < <(sql "SELECT datname FROM pg_database WHERE datallowconn AND (datname = current_database()
        OR datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid))")
}

# Lets a server go on that a signal or a pause has frozen.
server_thaw() {
    needs_action server_thaw
    local pid id
    case ${TRADEWATCH_PLATFORM:?} in
        local)
            # The master, and what it started: of supervisord's own children only those of this stack.
            while read -r pid; do
                kill -s CONT "$pid"
            done < <(database__frozen)
            ;;
        compose)
            id=$(platform__container db)
            if [[ $(timeout --foreground -k 2 5 docker inspect --format '{{.State.Paused}}' "$id") == true ]]; then
                timeout --foreground -k 2 10 docker unpause "$id"
            else
                # Not by docker kill: whatever its signal, the engine then starts the container no more if it dies later.
                timeout --foreground -k 2 10 docker exec --user postgres "$id" sh -c 'kill -s CONT 1'
            fi
            ;;
        kubernetes) in_place db 5 kill -s CONT 1 ;;
        *) timeout --foreground -k 2 10 systemctl kill --signal=CONT "${UNIT_DB:?}" ;;
    esac
}

# Lines of the server's log that speak of damaged pages, tables or indexes, the last ones.
damage_logged() {
    local told
    told=$(service_logs db 5000) || return
    grep -E 'invalid page|page verification failed|could not read block|could not access status of transaction|beyond EOF|right sibling|left link changed|found xmin|(missing|unexpected) chunk|index "[^"]*" contains|lacks matching index tuple|item order invariant|could not open file "(base|global)/|incorrect checksum' <<<"$told" |
        tail -n 20 || [[ $? == 1 ]]
}

# Sets DAMAGED_TABLES and DAMAGED_INDEXES to their names, a line each, and prints what is wrong with them.
damage_found() {
    needs_action damage_found
    local told name kind
    DAMAGED_TABLES='' DAMAGED_INDEXES=''
    told=$(live_damage) || fail "what is damaged cannot even be looked for: the catalogs may be; run the runbook restore"
    printf '%s\n' "${told:-nothing was found damaged}"
    while IFS= read -r name; do
        [[ -n $name ]] || continue
        kind=$(sql "SELECT relkind FROM pg_class WHERE oid = to_regclass(:'name')" "name=$name")
        if [[ $kind == i ]]; then
            DAMAGED_INDEXES+=$name$'\n'
        else
            DAMAGED_TABLES+=$name$'\n'
        fi
    done < <(cut -d : -f 1 <<<"$told" | sort -u)
}

# index_anew NAME, as the server writes it.
index_anew() {
    needs_action index_anew
    sql_change "REINDEX INDEX ${1:?}" || fail "the index $1 cannot be made anew: rows are there twice, or its table is damaged"
    printf 'made anew: %s\n' "$1"
}

# database_copy TO: the files of the server, which is stopped, in one tar.
database_copy() {
    needs_action database_copy
    local to=$1 id
    [[ $(service_state db) == stopped ]] || fail "the server is not stopped: a copy of files that change is worth nothing"
    mkdir -p -- "$to"
    case ${TRADEWATCH_PLATFORM:?} in
        compose)
            id=$(platform__container db)
            docker cp "$id:/var/lib/postgresql/data/." - >"$to/data.tar.partial"
            ;;
        *) tar -C "$(database__data)" -cf "$to/data.tar.partial" . ;;
    esac
    tar -tf "$to/data.tar.partial" | grep -c 'global/pg_control$' >/dev/null || fail "what was copied is no whole folder of a server"
    sync "$to/data.tar.partial"
    mv -- "$to/data.tar.partial" "$to/data.tar"
    (cd -- "$to" && sha256sum data.tar >SHA256SUMS)
    printf '%s: %s bytes\n' "$to/data.tar" "$(stat -c %s "$to/data.tar")"
}

# --- what follows is for the words above -----------------------------------------------------------------------------

# Where the bot reads it. Nothing that prints it may be shown.
database__url() {
    local file=${DATABASE_URL_FILE-}
    if [[ -n ${DATABASE_URL-} ]]; then
        printf '%s\n' "$DATABASE_URL"
        return
    fi
    if [[ -z $file ]]; then
        case ${TRADEWATCH_PLATFORM:?} in
            local) file=${TRADEWATCH_HOME:?}/secrets/database_url ;;
            compose) file=${TRADEWATCH_ROOT:?}/.local/compose/secrets/database_url ;;
            kubernetes)
                in_place bot 5 bash -c "$(database__told)"
                return
                ;;
            *) file=/etc/trading-bot/secrets/database_url ;;
        esac
    fi
    cat -- "$file" 2>/dev/null
}

# The one data directory at or below the folder of the server.
database__data() {
    local found
    found=$(find "$(database_folder)" -maxdepth 4 -path '*/global/pg_control' 2>/dev/null) || :
    [[ -n $found ]] || fail "no data directory is found that this user may read"
    [[ $found != *$'\n'* ]] || fail "there is more than one data directory: $found"
    printf '%s\n' "${found%/global/pg_control}"
}

# Frozen processes that work in this server's folder.
database__frozen() {
    local folder entry
    folder=$(cd -P -- "${TRADEWATCH_HOME:?}/data/postgres" && pwd)
    for entry in /proc/[0-9]*; do
        [[ $(readlink "$entry/cwd" 2>/dev/null) == "$folder" ]] || continue
        ! grep -q '^State:[[:space:]]*T' "$entry/status" 2>/dev/null || echo "${entry##*/}"
    done
}

# What runs in another place, as its own bash.
database__told() {
    cat <<'SHELL'
if [[ -n ${DATABASE_URL_FILE-} ]]; then cat "$DATABASE_URL_FILE"; else printf '%s\n' "${DATABASE_URL-}"; fi
SHELL
}

database__knock() {
    cat <<'SHELL'
exec 3<>"/dev/tcp/$0/$1"
SHELL
}

database__enter() {
    cat <<'SHELL'
IFS= read -r PGPASSWORD
export PGPASSWORD PGCONNECT_TIMEOUT=4 PGAPPNAME="$0" PGOPTIONS='-c statement_timeout=4s -c default_transaction_read_only=on'
exec psql -X -w -q -At -v ON_ERROR_STOP=1 -h "$1" -p "$2" -U "$3" -d "$4" -c 'SELECT 1'
SHELL
}

database__decoded() {
    local text=${1//\\/\\\\}
    printf '%b\n' "${text//%/\\x}"
}

database__idle() {
    echo "application_name = :'name' AND state = 'idle' AND state_change < now() - interval '10 minutes'
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
}

# database__column total: as pg_stat_statements calls it here.
database__column() {
    sql "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_stat_statements'::regclass AND NOT attisdropped
        AND attname IN (:'what' || '_exec_time', :'what' || '_time') ORDER BY length(attname) DESC LIMIT 1" "what=$1"
}

# Whether that very session is at that very statement, or in the transaction that it left open, 1 or 0. One that was aborted
# holds no lock any more.
database__still() {
    sql "SELECT count(*) FROM pg_stat_activity WHERE pid = :'pid'::integer AND backend_start = :'started'::timestamptz
        AND query_start = nullif(:'query', '-')::timestamptz AND state NOT IN ('idle', 'idle in transaction (aborted)')" "pid=$1" "started=$2" "query=$3"
}

database__signal() {
    local how=$1
    [[ $how != pg_terminate_backend ]] || how='pg_terminate_backend(pid, 5000)'
    [[ $how != pg_cancel_backend ]] || how='pg_cancel_backend(pid)'
    sql_change "SELECT count(*) FILTER (WHERE $how) FROM pg_stat_activity WHERE pid = :'pid'::integer
        AND backend_start = :'started'::timestamptz AND query_start = nullif(:'query', '-')::timestamptz
        AND state <> 'idle'" "pid=$2" "started=$3" "query=$4"
}

# Words of backups. A backup is a folder in $BACKUP_DIR, and has its name only when all of it is there:
#   database.dump  in pg_dump's own format       globals.sql  roles, without passwords
#   manifest       what is in the dump, counted in the snapshot that it was made of
#   SHA256SUMS     of these three                verified     who restored it and found it whole; may be missing
# Uses database.

# --- looking ---------------------------------------------------------------------------------------------------------

backup_path() {
    printf '%s/%s\n' "${BACKUP_DIR:?}" "${1:?}"
}

# Names of whole backups, the oldest first.
backup_names() {
    local sums
    for sums in "${BACKUP_DIR:?}"/[0-9]*/SHA256SUMS; do
        [[ -f $sums ]] || continue
        sums=${sums%/SHA256SUMS}
        printf '%s\n' "${sums##*/}"
    done
}

# The name of the last one that was restored and found whole; nothing if there is none.
backup_last_verified() {
    local name last=""
    while read -r name; do
        [[ ! -f $BACKUP_DIR/$name/verified ]] || last=$name
    done < <(backup_names)
    printf '%s' "${last:+$last$'\n'}"
}

# The backup that was asked for: `latest` is the last one that was found whole, `newest` may still have to be.
chosen_backup() {
    local name=${BACKUP:?}
    if [[ $name == latest ]]; then
        name=$(backup_last_verified)
        [[ -n $name ]] || fail "no backup in ${BACKUP_DIR:?} was ever restored and found whole; name one by --set backup=NAME"
    elif [[ $name == newest ]]; then
        name=$(backup_names | tail -n 1)
    fi
    [[ -f $BACKUP_DIR/${name:-none}/SHA256SUMS ]] || fail "there is no backup ${name:-at all} in $BACKUP_DIR"
    printf '%s\n' "$name"
}

# manifest_value NAME KEY
manifest_value() {
    local key value
    while IFS='=' read -r key value; do
        [[ $key != "$2" ]] || {
            printf '%s\n' "$value"
            return 0
        }
    done <"$BACKUP_DIR/$1/manifest"
    fail "the manifest of $1 says nothing of $2"
}

backup_list() {
    local name epoch verified now
    now=$(date -u +%s)
    printf '%-28s %10s %14s  %s\n' name "hours old" bytes "restored and found whole"
    while read -r name; do
        epoch=$(manifest_value "$name" epoch)
        verified=no
        [[ ! -f $BACKUP_DIR/$name/verified ]] || verified=yes
        printf '%-28s %10d %14d  %s\n' "$name" "$(((now - epoch) / 3600))" \
            "$(stat -c %s "$BACKUP_DIR/$name/database.dump")" "$verified"
    done < <(backup_names)
}

# Whether the tools are as new as the server, and there is room for a dump here and for a copy there. The database itself
# need not be there any more.
backup_possible() {
    local server client size free data
    server=$(sql_in postgres "SELECT current_setting('server_version_num')::integer / 10000")
    client=$(pg_tool read postgres pg_dump --version)
    client=${client##*) }
    printf 'server %s, pg_dump %s\n' "$server" "$client"
    ((${client%%.*} >= server)) || fail "pg_dump $client is older than the server, $server: it would refuse"
    ((${client%%.*} == server)) || finding "pg_dump $client is newer than the server: what it makes may not go back"
    size=$(sql_in postgres "SELECT coalesce(max(pg_database_size(oid)), 0) / 1024 FROM pg_database WHERE datname = :'name'" \
        "name=$(database_name)")
    mkdir -p "$BACKUP_DIR"
    free=$(_free_kib df -Pk "$BACKUP_DIR")
    printf 'the database has %s KiB, here are %s KiB free\n' "$size" "$free"
    ((free > size + 65536)) || fail "there is no room for a backup in $BACKUP_DIR"
    data=$(sql_in postgres "SELECT current_setting('data_directory')")
    # On another machine, or as another user, its folder may not be seen.
    free=$(_free_kib in_place db 5 df -Pk "$data" 2>/dev/null) || return 0
    ((free > size + 65536)) || fail "there is no room where the server is to restore a copy of the database aside"
}

_free_kib() {
    local line
    line=$("$@" | tail -n 1 | tr -s ' ')
    cut -d ' ' -f 4 <<<"$line"
}

# --- what a dump holds -----------------------------------------------------------------------------------------------

# SQL for psql: lines that are the same wherever the same rows are. Rows are counted with a sum over their texts, and
# read in the table itself, as a broken index hides some.
fingerprint_sql() {
    cat <<'SQL'
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SELECT format('SELECT %L, %L, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM ONLY %I.%I AS t',
        'table', n.nspname || '.' || c.relname, n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$)'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname
\gexec
SELECT 'money', 'orders ' || state, count(*), sum(quantity * price) FROM orders GROUP BY state ORDER BY state;
SELECT 'money', 'filled', count(*), coalesce(sum(filled_quantity * average_price), 0) FROM orders WHERE filled_quantity > 0;
SELECT 'money', 'not closed', count(*), coalesce(sum(filled_quantity), 0) FROM orders WHERE closed_at IS NULL;
SELECT 'money', 'expected balance', mode, coalesce(expected_balance::text, 'none') FROM account;
SELECT 'money', 'trading level', level, changed_at FROM switch ORDER BY id DESC LIMIT 1;
SELECT 'never', 'an accepted signal has not one order', count(*), '' FROM (
    SELECT FROM signals s LEFT JOIN orders o ON o.signal_id = s.id
    WHERE s.verdict = 'accepted' GROUP BY s.id HAVING count(o.id) <> 1) wrong;
SELECT 'never', 'an order has no signal that was accepted', count(*), ''
    FROM orders o LEFT JOIN signals s ON s.id = o.signal_id AND s.verdict = 'accepted' WHERE s.id IS NULL;
SELECT 'never', 'two orders have one client id', count(*), '' FROM (
    SELECT FROM orders GROUP BY client_id HAVING count(*) > 1) wrong;
SQL
}

_manifest_sql() {
    cat <<'SQL'
SELECT 'made=' || to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
SELECT 'epoch=' || floor(extract(epoch FROM now()))::bigint;
SELECT 'database=' || current_database();
SELECT 'server=' || current_setting('server_version_num')::integer / 10000;
SELECT 'system=' || system_identifier FROM pg_control_system();
SQL
    fingerprint_sql
}

# fingerprint_compare NAME DATABASE: whether the database holds what the manifest of the backup says.
fingerprint_compare() {
    local expected found different
    expected=$(grep -E '^(table|money|never)[|]' "$BACKUP_DIR/$1/manifest")
    found=$(sql_in "$2" "$(fingerprint_sql)")
    different=$(diff <(printf '%s\n' "$expected") <(printf '%s\n' "$found")) || {
        printf '< in the backup, > restored\n%s\n' "$different"
        fail "what was restored is not what was saved"
    }
    printf '%s tables hold the same rows\n' "$(grep -c '^table' <<<"$found")"
    grep '^never' <<<"$found" | grep -v '|0|$' || :
}

# --- making ----------------------------------------------------------------------------------------------------------

# backup_make NAME
backup_make() {
    needs_action backup_make
    local name=$1 partial database
    database=$(database_name)
    partial=$BACKUP_DIR/.partial-$name
    [[ ! -d $BACKUP_DIR/$name ]] || return 0
    mkdir -p "$BACKUP_DIR"
    rm -rf -- "${partial:?}"
    mkdir "$partial"
    _backup_dump "$database" "$partial"
    pg_tool read "$database" pg_dumpall --globals-only --no-role-passwords --no-password >"$partial/globals.sql"
    grep -q '^-- PostgreSQL database cluster dump complete' "$partial/globals.sql" || fail "the roles were not all saved"
    dump_readable "$partial/database.dump"
    printf 'entries=%s\n' "$(dump_entries "$partial/database.dump")" >>"$partial/manifest"
    (cd "$partial" && sha256sum database.dump globals.sql manifest >SHA256SUMS)
    sync "$partial"/* "$partial"
    mv -T -- "$partial" "$BACKUP_DIR/$name"
    sync "$BACKUP_DIR"
    printf '%s: %s bytes\n' "$name" "$(stat -c %s "$BACKUP_DIR/$name/database.dump")"
}

# A session holds the snapshot while its rows are counted and pg_dump reads them.
_backup_dump() {
    local database=$1 partial=$2 from to holder snapshot line sent written
    coproc HELD { pg_tool read "$database" psql -X -w -q -At -v ON_ERROR_STOP=1 -f -; }
    holder=$! from=${HELD[0]} to=${HELD[1]}
    printf '%s\n' 'SET idle_in_transaction_session_timeout = 0;' 'BEGIN ISOLATION LEVEL REPEATABLE READ;' \
        'SELECT pg_export_snapshot();' >&"$to"
    read -r snapshot <&"$from" || fail "the database gave no snapshot"
    printf '%s\n' "$(_manifest_sql)" "SELECT 'counted';" >&"$to"
    line=""
    while read -r line <&"$from" && [[ $line != counted ]]; do
        printf '%s\n' "$line"
    done >"$partial/manifest"
    [[ $line == counted ]] || fail "the rows could not be counted"
    sent=$(pg_tool read "$database" pg_dump --format=custom --no-password --lock-wait-timeout=5s "--snapshot=$snapshot" |
        tee "$partial/database.dump" | sha256sum)
    exec {to}>&- {from}<&-
    wait "$holder" || fail "the session that held the snapshot failed"
    written=$(sha256sum <"$partial/database.dump")
    [[ $sent == "$written" ]] || fail "the disk does not give back what was written to it"
}

# dump_readable FILE: reads all of it. A list of its contents would be read from its first bytes alone.
dump_readable() {
    [[ -s $1 ]] || fail "the dump is empty"
    [[ $(head -c 5 "$1" | tr -d '\0') == PGDMP ]] || fail "the file is no dump in pg_dump's own format"
    pg_tool read "$(database_name)" pg_restore --file=/dev/null <"$1" || fail "the dump cannot be read to its end"
}

dump_entries() {
    pg_tool read "$(database_name)" pg_restore --list <"$1" | grep -c '^[0-9]'
}

# Words that prove a backup: it is restored aside and compared, and the database that it is of is looked at. Uses database
# and backup.

# backup_intact NAME: its files are those that were made, and can be read.
backup_intact() {
    local path entries said
    path=$(backup_path "$1")
    [[ -f $path/SHA256SUMS ]] || fail "there is no backup $1 in ${BACKUP_DIR:?}"
    [[ $(cut -c 67- "$path/SHA256SUMS" | tr '\n' ' ') == "database.dump globals.sql manifest " ]] ||
        fail "SHA256SUMS of $1 is not of the three files of a backup"
    (cd "$path" && sha256sum --check --strict --quiet SHA256SUMS) || fail "$1 is not what was saved: its sums differ"
    dump_readable "$path/database.dump"
    entries=$(dump_entries "$path/database.dump")
    said=$(manifest_value "$1" entries)
    ((entries == said)) || fail "the dump has $entries entries, and had $said"
    printf '%s: three files as they were made, %s entries, read to the end\n' "$1" "$entries"
}

# backup_try NAME: restores it aside, compares, and takes the copy away whatever happens.
backup_try() {
    needs_action backup_try
    local scratch
    scratch=$(scratch_name)
    (
        trap 'scratch_drop "$scratch"' EXIT
        restore_into "$1" "$scratch"
        fingerprint_compare "$1" "$scratch"
        scratch_amcheck "$scratch"
    )
}

# restore_into NAME DATABASE: a new database like the one that was saved. All of it, or nothing.
restore_into() {
    needs_action restore_into
    local dump=$BACKUP_DIR/$1/database.dump database=$2 like
    # How it was made stands in the dump: encoding, locale and who gives it, all of which the order of texts hangs on.
    like=$(pg_tool read postgres pg_restore --create --section=pre-data --file=- <"$dump" |
        sed -n 's/^CREATE DATABASE .* WITH TEMPLATE = template0 /TEMPLATE template0 /p')
    [[ -n $like ]] || fail "the dump does not say how its database was made"
    scratch_drop "$database"
    sql_change_in postgres "CREATE DATABASE :\"name\" $like" "name=$database"
    sql_change_in postgres "COMMENT ON DATABASE :\"name\" IS 'made by a runbook, which takes it away'" "name=$database"
    pg_tool write "$database" pg_restore --exit-on-error --single-transaction --no-password "--dbname=$database" <"$dump" ||
        fail "the backup $1 cannot be restored"
    sql_change_in "$database" 'ANALYZE'
}

scratch_name() {
    printf 'scratch_%s\n' "$(run_letters)"
}

# The run, as it may stand in the name of a database; so that a resumed run finds its own.
run_letters() {
    local run=${RUNBOOK_RUN:?}
    run=${run,,}
    printf '%s\n' "${run//[^a-z0-9]/_}"
}

# Only what a runbook made, whatever is asked for.
scratch_drop() {
    needs_action scratch_drop
    [[ ${1:?} =~ ^(scratch|restored)_[a-z0-9_]+$ ]] || fail "$1 is not the name of a copy"
    sql_change_in postgres 'DROP DATABASE IF EXISTS :"name" WITH (FORCE)' "name=$1"
}

has_amcheck() {
    [[ $(sql_in postgres "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'") == 1 ]]
}

# scratch_amcheck DATABASE
scratch_amcheck() {
    needs_action scratch_amcheck
    if ! has_amcheck; then
        printf 'amcheck is not installed where the server is: indexes and pages were not looked at\n'
        return 0
    fi
    local had
    had=$(sql_in "$1" "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'")
    pg_tool write "$1" pg_amcheck --install-missing --heapallindexed --no-password "$1" ||
        fail "tables or indexes of the restored copy are damaged"
    [[ $had == 1 ]] || sql_change_in "$1" 'DROP EXTENSION amcheck'
    printf 'pg_amcheck found its tables and indexes whole\n'
}

# Lines of what is damaged in the database that is in use. Its amcheck is undone with the transaction: it would
# otherwise be in every dump, and stop a restore where it is not installed.
live_damage() {
    needs_action live_damage
    local text
    if ! has_amcheck; then
        printf 'amcheck is not installed where the server is: tables and indexes were not looked at\n' >&2
        return 0
    fi
    text=$(
        cat <<'SQL'
BEGIN;
CREATE EXTENSION IF NOT EXISTS amcheck;
CREATE TEMPORARY TABLE damage (what text) ON COMMIT DROP;
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT c.oid, c.oid::regclass AS name, c.relkind FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
        WHERE c.relpersistence <> 't' AND (c.relkind IN ('r', 't', 'm') OR c.relkind = 'i' AND i.indisready AND i.indisvalid
            AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree'))
    LOOP
        BEGIN
            IF one.relkind = 'i' THEN
                PERFORM bt_index_check(one.oid, true);
            ELSE
                INSERT INTO damage SELECT format('%s: block %s: %s', one.name, blkno, msg) FROM verify_heapam(one.oid) LIMIT 5;
            END IF;
        EXCEPTION WHEN data_corrupted OR index_corrupted THEN
            INSERT INTO damage VALUES (format('%s: %s', one.name, SQLERRM));
        END;
    END LOOP;
END $$;
SELECT what FROM damage LIMIT 50;
ROLLBACK;
SQL
    )
    sql_change "$text"
}

# backup_doubt NAME: writes down beside the backup what is damaged in the database that it is of.
backup_doubt() {
    needs_action backup_doubt
    local path damage
    path=$(backup_path "$1")
    printf 'the look for it did not come to its end\n' >"$path/damage"
    damage=$(live_damage)
    printf '%s\n' "${damage:-nothing is known to be damaged}"
    if [[ -n $damage ]]; then printf '%s\n' "$damage" >"$path/damage"; else rm -f -- "$path/damage"; fi
}

# backup_doubts NAME: lines of what speaks against the database that it is of. As long as there are some, older backups
# are worth more than their space.
backup_doubts() {
    local path failures
    path=$(backup_path "$1")
    [[ ! -f $path/damage ]] || sed 's/^/damage: /' "$path/damage"
    grep '^never' "$path/manifest" | grep -v '|0|$' | sed 's/^never|/rows contradict each other: /; s/|/ /g' || :
    failures=$(sql_in postgres 'SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database' 2>/dev/null) || {
        printf 'the server does not tell of damaged pages\n'
        return 0
    }
    ((failures == 0)) || printf 'the server met %s damaged pages\n' "$failures"
}

# backup_mark NAME: it was restored and found whole.
backup_mark() {
    needs_action backup_mark
    local path
    path=$(backup_path "$1")
    printf 'at=%s\nrun=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${RUNBOOK_RUN:?}" >"$path/.verified"
    mv -- "$path/.verified" "$path/verified"
}

# backup_tell NAME: node_exporter shows when the newest backup was made that was found whole, because what came since
# would be lost. Looking at an older one again makes nothing newer.
backup_tell() {
    needs_action backup_tell
    local file=${TEXTFILE_DIR:-}/backup.prom
    [[ -f $(backup_path "$1")/verified ]] || fail "$1 was not restored and found whole"
    if [[ ! -d ${TEXTFILE_DIR:-} ]]; then
        finding "no alert hears of this backup: TEXTFILE_DIR is no folder that node_exporter reads"
        return 0
    fi
    ! backup_is_told "$1" || return 0
    cat >"$file.$$" <<END
# HELP backup_last_verified_timestamp_seconds When the newest backup was made that was restored and found whole
# TYPE backup_last_verified_timestamp_seconds gauge
backup_last_verified_timestamp_seconds $(manifest_value "$1" epoch)
END
    # In a container the exporter is another user.
    chmod 644 "$file.$$"
    mv -- "$file.$$" "$file"
}

# Whether the metric knows of this backup or a newer one. Where nobody reads it, there is nothing to know.
backup_is_told() {
    local told epoch
    [[ -d ${TEXTFILE_DIR:-} ]] || return 0
    epoch=$(manifest_value "$1" epoch)
    told=$(sed -n 's/^backup_last_verified_timestamp_seconds \([0-9]*\)$/\1/p' "$TEXTFILE_DIR/backup.prom" 2>/dev/null || :)
    ((${told:-0} >= epoch))
}

# Lines `file PATH` and `database NAME` of what runs left that were killed: files without a name of a backup, and copies
# of the database. A copy that somebody is connected to is still in use.
backup_leftovers() {
    [[ ! -d ${BACKUP_DIR:?} ]] ||
        find "$BACKUP_DIR" -mindepth 1 -maxdepth 1 -regex '.*/[.]\(partial\|sealed\|gone\)-[^/]*' -printf 'file %p\n'
    sql_in postgres "SELECT 'database ' || datname FROM pg_database d WHERE datname ~ '^scratch_[a-z0-9_]+\$'
        AND shobj_description(oid, 'pg_database') LIKE 'made by a runbook%'
        AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)"
}

backup_tidy() {
    needs_action backup_tidy
    local kind name
    while IFS=' ' read -r kind name; do
        printf '%s %s\n' "$kind" "$name"
        if [[ $kind == file ]]; then rm -rf -- "${name:?}"; else scratch_drop "$name"; fi
    done < <(backup_leftovers)
}

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

# Words of the monthly look at security and capacity. No value of a secret is shown. Uses bot, database and review.

# Files with secrets that others than their owner may read, or that are not there.
audit_secrets() {
    local name file mode folder count=0
    # In a folder that nobody else may enter a file may be open: in a container the reader is another user.
    while read -r name file; do
        if [[ ! -e $file ]]; then
            finding "$name is to be in $file, and there is no such file"
            continue
        fi
        count=$((count + 1))
        mode=$(stat -L -c %a -- "$file") folder=$(stat -L -c %a -- "$(dirname -- "$file")")
        echo "$name: $file, mode $mode in a folder of mode $folder, of $(stat -L -c %U -- "$file")"
        if (((8#$mode & 8#22) && (8#$folder & 8#77))); then
            finding "others may change $file: chmod 600"
        elif (((8#$mode & 8#77) && (8#$folder & 8#77))); then
            finding "others may read $file: chmod 600"
        fi
    done < <(audit__files | sort -u -k 2)
    echo "$count files"
    # What stands in a variable can be read in /proc, and is inherited by every program.
    for name in $(audit__names); do
        [[ -z ${!name-} ]] || finding "the secret $name stands in a variable and not in a file"
    done
}

# Who may trade and command: the bot's mode, what keeps it from real money, and the control directory.
audit_armed() {
    local told mode folder=${CONTROL_DIR-}
    told=$(bot_get /status) || fail "the bot does not answer"
    mode=$(json .mode <<<"$told")
    echo "mode: $mode; here it is ${TRADING_MODE:-not set}"
    json .summary <<<"$told"
    [[ $mode == "${TRADING_MODE:-$mode}" ]] || finding "the bot is in mode $mode, and here it should be ${TRADING_MODE-}: runbooks/unexpected_live_trading.sh"
    if [[ $mode == live ]] && bot_get /config >/dev/null 2>&1; then
        finding "the bot shows its settings to everybody who reaches it: CONFIG_ENDPOINT is true"
    fi
    if [[ -n $folder && -d $folder ]]; then
        audit__control "$folder"
    fi
}

# Who may write into it can take HALT away. In a folder that nobody else may enter it may be open, as with the secrets.
audit__control() {
    local mode above
    mode=$(stat -c %a -- "$1") above=$(stat -L -c %a -- "$(dirname -- "$1")")
    echo "control directory: mode $mode in a folder of mode $above, of $(stat -c %U -- "$1")"
    if (((8#$mode & 8#2) && (8#$above & 8#1))); then
        finding "everybody may write into $1, and take the file HALT away: chmod o-w"
    fi
}

# Ports of the stack that are reached from other machines.
audit_ports() {
    local told port open
    told=$(ss -H -l -t -n 2>/dev/null) || fail "the open ports cannot be listed: there is no ss"
    open=$(awk '{ print $4 }' <<<"$told" | grep -vE '^(127\.|\[::1\]|\[::ffff:127\.)' | sort -u) || open=''
    echo "open to other machines: ${open//$'\n'/, }"
    for port in "${PGPORT-}" "${BOT_URL-}" "${PROMETHEUS_URL-}" "${ALERTMANAGER_URL-}" "${SIMULATOR_URL-}"; do
        port=${port##*:}
        port=${port%%/*}
        [[ $port =~ ^[0-9]+$ ]] || continue
        ! grep -q ":$port$" <<<"$open" || finding "port $port is open to other machines: bind it to 127.0.0.1"
    done
}

# Roles that may enter the database; a finding for more than one that may do everything.
audit_roles() {
    local count
    sql_table "SELECT rolname AS role, rolsuper AS superuser, rolcreaterole AS makes_roles, rolreplication AS replicates,
            rolvaliduntil AS until FROM pg_roles WHERE rolcanlogin ORDER BY 1"
    count=$(sql "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolsuper")
    ((count <= 1)) || finding "$count roles of the database may do everything"
}

# What will be left in thirty days at the pace of two weeks; not known before there are three days of it.
audit_capacity() {
    local name bound how query value
    while IFS=$'\t' read -r name how bound query; do
        value=$(review_highest "$query") || fail "Prometheus does not answer"
        echo "$name: ${value:-not known}"
        [[ -n $value ]] || continue
        case $how in
            above) ! review_above "$value" "$bound" || finding "$name: $value" ;;
            *) review_above "$value" "$bound" || finding "$name: $value" ;;
        esac
    done <<'TABLE'
share of the fullest disk that is left in thirty days	below	0.1	min((predict_linear(node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs"}[14d], 2592000) and node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs"} offset 3d) / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs"})
bytes of all databases in thirty days	above	20000000000	sum(predict_linear(pg_database_size_bytes[14d], 2592000) and pg_database_size_bytes offset 3d)
share of memory that is left at the worst of two weeks	below	0.1	min(min_over_time((node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)[14d:5m]))
share of processors in use at the busiest hour of two weeks	above	0.8	max(max_over_time((1 - avg(rate(node_cpu_seconds_total{mode="idle"}[1h])))[14d:1h]))
connections of the server at the most of two weeks	above	80	max(max_over_time(sum(pg_stat_activity_count)[14d:5m]))
TABLE
}

# Percentiles of thirty days, and what the database spends its time on.
audit_performance() {
    local name value
    for name in order_processing_seconds bingx_order_execution_seconds db_query_duration_seconds; do
        value=$(review_highest "histogram_quantile(0.99, sum by (le) (rate(${name}_bucket[30d])))") || fail "Prometheus does not answer"
        echo "$name: 99 of 100 within ${value:-?} s"
    done
}

# Whether scripts, pages and rules are those that the specs make.
audit_generated() {
    local tool=${TRADEWATCH_ROOT:?}/.venv/bin/tradewatch told
    if [[ ! -x $tool ]]; then
        echo "tradewatch is not here: look in the checkout"
        return 0
    fi
    told=$("$tool" diff --config "$TRADEWATCH_ROOT/config" 2>/dev/null | grep -c '^+++') || [[ $? == 1 ]]
    echo "$told files differ from what the specs make"
    ((told == 0)) || finding "$told pages, scripts or rules are not what the specs make: make generate"
}

# What follows is for the words above.

audit__names() {
    printf '%s\n' ADMIN_TOKEN BINGX_API_KEY BINGX_SECRET_KEY CRYPTET_COOKIES DATABASE_URL PGPASSWORD POSTGRES_PASSWORD \
        TELEGRAM_API_HASH TELEGRAM_BOT_TOKEN TELEGRAM_SESSION PAGERDUTY_ROUTING_KEY GRAFANA_ADMIN_PASSWORD
}

# A name and a path, a line each: those that variables name, and all in the stack's own folder of secrets.
audit__files() {
    local name file folder
    for name in $(audit__names | sed 's/$/_FILE/') PGPASSFILE; do
        [[ -z ${!name-} ]] || printf '%s %s\n' "$name" "${!name}"
    done
    for folder in "${TRADEWATCH_HOME:-/none}/secrets" "${TRADEWATCH_ROOT:?}/.local/compose/secrets" /etc/trading-bot/secrets; do
        [[ ${TRADEWATCH_PLATFORM:?}:$folder == @(local:"${TRADEWATCH_HOME-}"*|compose:*compose*|systemd:/etc*) ]] || continue
        for file in "$folder"/*; do
            [[ ! -f $file ]] || printf '%s %s\n' "${file##*/}" "$file"
        done
    done
}

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
