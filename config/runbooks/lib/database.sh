# shellcheck shell=bash
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
