#!/bin/sh
: "${WORLD:?}"
# Plays each program that can change something or that asks somebody: writes down how it was called, and answers from a small
# table. WORLD is a folder that holds what the answers depend on, and what was changed.
name=${0##*/}
label=${RUNBOOK_FINDINGS:-}
label=${label##*/}
kept="$WORLD/calls/$$.$name"
said=''

# What a careless tool does: it tells on standard error what it was given.
careless='all is well' quoted='all is well'
case $name in sleep | sync | du) CARELESS='' ;; *) ;; esac
if test -n "${CARELESS:-}"; then
    printf 'debug: %s %s\n' "$name" "$*" >&2
    careless=$(
        for file in "$WORLD"/secrets/*; do
            eval "printf '%s ' \"\${${file##*/}:-}\""
            tr '\n' ' ' <"$file"
        done
    )
    printf 'debug: %s\n' "$careless" >&2
    # In JSON without the one that has backslashes: it would be none.
    quoted=$(printf '%s' "$careless" | sed 's/127[.]0[.]0[.]1:1:bot:bot:[^ ]*//')
fi

# Waits here if the test wants to cut the run off at this point.
stop_at() {
    test "${CRASH:-}" = "$1" || return 0
    echo "$1" >"$WORLD/reached"
    read -r _ <"$WORLD/go"
}

# act TEXT FILE VALUE: something changes, and the file of the world holds the value then.
act() {
    number=$(($(wc -l <"$WORLD/actions") + 1))
    stop_at "before:$number"
    printf '%s\t%s\n' "${label%.log.findings}" "$1" >>"$WORLD/actions"
    test -z "${2:-}" || printf '%s\n' "$3" >"$WORLD/state/$2"
    stop_at "after:$number"
}

state() {
    cat "$WORLD/state/$1" 2>/dev/null || echo running
}

# The service of a unit, a container or an object.
service() {
    case ${1##*/} in
        trading-bot* | bot | bot-id | python) echo bot ;;
        postgres | postgresql | db | db-id) echo db ;;
        prometheus-alertmanager | alertmanager | alertmanager-id) echo alertmanager ;;
        *) one=${1##*/} && echo "${one%-id}" ;;
    esac
}

order() {
    case $1 in
        start | restart | scale-1) act "$1 of $2" "$2" running ;;
        *) act "$1 of $2" "$2" stopped ;;
    esac
}

bot() {
    level=$(cat "$WORLD/state/level" 2>/dev/null || echo 0)
    test "$(state bot)" = running || return 7
    case $1 in
        */trading*)
            asked=$(printf '%s' "$all" | sed -n 's/.*"level": *\([0-9]\).*/\1/p' | head -n 1)
            act "level ${asked:-0}" level "${asked:-0}"
            printf '{"summary":"closed: %s","switch":{"level":%s}}' "$quoted" "${asked:-0}"
            ;;
        */metrics*)
            printf 'process_start_time_seconds %s\nprocess_resident_memory_bytes 9e7\nprocess_cpu_seconds_total 5\n' 1.7e9
            printf 'process_open_fds 20\nprocess_max_fds 1024\nbingx_api_calls_total{kind="%s"} 7\n' ok
            printf 'db_connections_active 1\ndb_connections_max 10\n'
            ;;
        */debug/signal*) printf '{"verdict":"accepted","order":null,"problems":[],"signal":{},"reason":"%s"}' "$quoted" ;;
        *)
            printf '{"summary":"%s","mode":"simulator","ready":true,"ban_seconds":0.0,"closed_because":null,' "$quoted"
            printf '"switch":{"level":%s,"reason":"%s","who":"%s"},"lease":{"held":true},' "$level" "$quoted" "$quoted"
            printf '"health":{"ready":true,"checks":[{"name":"database","ok":true,"reason":""}]},'
            printf '"positions":[],"unknown":[],"reconciliation":{"read_at":"2026-01-01T00:00:00Z"}}'
            ;;
    esac
}

exchange() {
    case $1 in
        *server/time*) data='{"serverTime":'$(date +%s)'500}' ;;
        *positions* | *income*) data='[]' ;;
        *balance*) data='[{"asset":"USDT","balance":"100","equity":"100","availableMargin":"100","usedMargin":"0"}]' ;;
        *) data='{"orders":[],"msg":"'$quoted'"}' ;;
    esac
    case $all in
        *POST* | *PUT* | *DELETE*) act "exchange ${1#*openApi}" ;;
        *) ;;
    esac
    printf '{"code":0,"msg":"","data":%s}' "$data"
}

alertmanager() {
    case $all in
        *POST*) act silence silences "runbook ${RUNBOOK_ID:-}" ;;
        *DELETE*) act 'silence ends' silences '' ;;
        *) ;;
    esac
    mark=$(cat "$WORLD/state/silences" 2>/dev/null)
    case $1/$all in
        *silences*POST*) printf '{"silenceID":"s1"}' ;;
        *silences*) test -z "$mark" && printf '[]' || printf '[{"id":"s1","status":{"state":"active"},"createdBy":"%s","endsAt":"x","comment":"%s"}]' "$mark" "$quoted" ;;
        *) printf '[]' ;;
    esac
}

web() {
    case $1 in
        */openApi/*) exchange "$1" ;;
        */api/v2/*) alertmanager "$1" ;;
        */api/v1/query*) printf '{"status":"success","data":{"resultType":"vector","result":[]}}' ;;
        */api/v1/*) printf '{"status":"success","data":{"activeTargets":[],"groups":[],"alerts":[],"why":"%s"}}' "$quoted" ;;
        */-/*) printf '%s\n' "$careless" ;;
        *) bot "$1" ;;
    esac
}

# What psql is told on standard input; who holds a snapshot waits for answers between the statements.
session() {
    while IFS= read -r line; do
        said="$said$line
"
        case $line in
            *pg_export_snapshot*) echo 00000003-1 ;;
            *"'counted'"*) echo counted ;;
            *) ;;
        esac
    done
}

rows() {
    case $1 in
        *pg_export_snapshot*) ;;
        *server_version_num*) echo 16 ;;
        *data_directory*) echo "$WORLD" ;;
        *'SELECT 1'* | *'count(*)'*) echo 1 ;;
        *) test -z "${CARELESS:-}" || printf '%s\n' "$careless" ;;
    esac
}

database() {
    if test "$(state db)" != running; then
        echo "$name: error: connection refused" >&2
        exit 2
    fi
    case "$* ${PGOPTIONS:-}" in
        *--version*) echo "$name (PostgreSQL) 16.4" ;;
        *default_transaction_read_only=on* | *' -c SELECT'*) rows "$said $*" ;;
        *) act "$name $* $said" && rows "$said $*" ;;
    esac
}

case $name in
    psql) case " $* " in *' -f - '*) session ;; *) ;; esac ;;
    curl) case " $* " in *' --config - '* | *' --data-binary @- '* | *' -K - '*) said=$(cat) ;; *) ;; esac ;;
    *) ;;
esac
all="$* $said"
printf '%s\0' "$name" "${label%.log.findings}" "${PGOPTIONS:-}" "$said" "$@" >"$kept"

case $name in
    sync)
        case ${2:-} in
            */journal.jsonl) stop_at "event:$(wc -l <"$2")" ;;
            *) ;;
        esac
        ;;
    # Nobody has to wait for the time to pass.
    sleep) ;;
    # The true one reads the whole disk.
    du) echo 4 "$WORLD" ;;
    psql | pg_dump | pg_dumpall | pg_restore | pg_amcheck | pgbench | createdb | dropdb | vacuumdb | reindexdb) database "$@" ;;
    curl)
        rc=0
        web "$(printf '%s' "$all" | tr ' "' '\n' | grep -m 1 '://')" || rc=$?
        test "$rc" = 0 || exit "$rc"
        case $all in *http_code*) printf '\n200' ;; *) ;; esac
        ;;
    systemctl)
        case $1 in
            show)
                for one in "$@"; do unit=$one; done
                case $* in
                    *LoadState*) echo loaded ;;
                    *--value*) echo 1 ;;
                    *)
                        case $(state "$(service "$unit")") in running) echo ActiveState=active ;; *) echo ActiveState=inactive ;; esac
                        echo MainPID=1
                        ;;
                esac
                ;;
            start | stop | restart) order "$1" "$(service "$2")" ;;
            is-active | status | is-enabled | list-units | list-timers) echo active ;;
            *) act "systemctl $*" ;;
        esac
        ;;
    supervisorctl)
        shift 2
        case $1 in
            status)
                shift
                for one in "${@:-bot}"; do
                    case $(state "$(service "$one")") in
                        running) echo "$one RUNNING pid 1, uptime 1:00:00" ;;
                        *) echo "$one STOPPED Not started" ;;
                    esac
                done
                ;;
            *) order "$1" "$(service "$2")" ;;
        esac
        ;;
    docker)
        case $1 in
            ps)
                case $* in
                    *--quiet*) echo bot-id ;;
                    *) for one in bot db prometheus alertmanager grafana; do printf '%s\t%s-id\t%s\t\n' "$one" "$one" "$(state "$one")"; done ;;
                esac
                ;;
            inspect)
                for one in "$@"; do id=$one; done
                case $* in
                    *Env*) echo TRADING_MODE=simulator && env ;;
                    *Pid*) echo 1 ;;
                    *Paused*) echo false ;;
                    *) state "$(service "$id")" ;;
                esac
                ;;
            top) printf 'PID STAT\n1 S\n' ;;
            logs | stats) printf '%s\n' "$careless" ;;
            exec)
                shift
                while case $1 in -*) true ;; *) false ;; esac do shift; done
                shift
                exec "$@"
                ;;
            start | stop | restart) order "$1" "$(service "$2")" ;;
            *) act "docker $*" ;;
        esac
        ;;
    kubectl)
        while case $1 in --*) true ;; *) false ;; esac do shift; done
        case $1 in
            get)
                case $* in
                    *jsonpath*) case $(state "$(service "$2")") in running) echo 1 1 ;; *) echo 0 0 ;; esac ;;
                    *) echo "$2" ;;
                esac
                ;;
            exec)
                while test "$1" != --; do shift; done
                shift
                exec "$@"
                ;;
            logs | config | top) printf '%s\n' "$careless" ;;
            scale) order "$(echo "$2" | tr -d -c 01 | sed 's/0/stop/; s/1/start/')" "$(service "$3")" ;;
            rollout) order restart "$(service "$3")" ;;
            *) act "kubectl $*" ;;
        esac
        ;;
    python | python3)
        case $1/$2 in
            -m/*) case $3 in status) printf '%s\n' "$careless" ;; *) act "python $*" ;; esac ;;
            *) bot "$4" && printf '\n200' ;;
        esac
        ;;
    journalctl | py-spy) printf '%s\n' "$careless" ;;
    timedatectl | chronyc | ntpq)
        case $* in
            *set-*) act "$name $*" ;;
            *) printf '%s\n' "$careless" ;;
        esac
        ;;
    ps)
        case $* in
            *supervisord* | *args=\ -p*) echo "supervisord --configuration ${TRADEWATCH_HOME:-}/supervisord.conf" ;;
            *state*) echo S ;;
            *) ;;
        esac
        ;;
    kill) case $1 in -0) ;; *) act "kill $*" ;; esac ;;
    *) act "$name $*" ;;
esac
