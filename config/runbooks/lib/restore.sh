# shellcheck shell=bash
# Words that put a backup in the place of the database: restored beside it, looked at, and swapped by two renames in one
# transaction, so that either all of it happened or nothing. Uses database, backup, prove and bot.

restored_name() {
    printf 'restored_%s\n' "$(run_letters)"
}

# Where the database is kept that is replaced. What is longer the server cuts by itself.
bad_name() {
    printf '%.63s\n' "$(database_name)_bad_$(run_letters)"
}

# By the bot's own word, or by what it reads when it starts.
trading_is_closed() {
    [[ -n ${CONTROL_DIR:-} && -e $CONTROL_DIR/HALT ]] || switch_is_closed
}

# Ends the step unless the bot is stopped and nobody else writes: a bot that trades would lose what it remembers.
restore_allowed() {
    local state sessions
    state=$(service_state bot)
    [[ $state == stopped ]] || fail "the bot is $state: it has to be stopped"
    sessions=$(sql_in postgres "SELECT pid, usename, application_name, client_addr FROM pg_stat_activity
        WHERE datname = :'live' AND application_name = 'tradewatch-bot'" "live=$(database_name)")
    [[ -z $sessions ]] || fail "a bot is connected, on another machine perhaps: $sessions"
    [[ -z ${CONTROL_DIR:-} || -e $CONTROL_DIR/HALT ]] || fail "nothing would keep the bot from trading: there is no HALT in $CONTROL_DIR"
}

# The last word about a copy that was compared. Closes trading in it: its switch says what held when it was saved, which may
# be that trading is open. Then marks it, by which a resumed run knows it, whatever its name is then.
close_restored() {
    needs_action close_restored
    sql_change_in "$1" "INSERT INTO switch (level, reason, who)
        SELECT 1, 'restored from the backup ' || :'backup', 'runbook restore'
        WHERE coalesce((SELECT level FROM switch ORDER BY id DESC LIMIT 1), 0) = 0" "backup=$2"
    restored_is_closed "$1"
    sql_change_in postgres "COMMENT ON DATABASE :\"name\" IS :'mark'" "name=$1" "mark=$(_restored_mark), from the backup $2"
}

# Whether it is the copy that this run compared, closed as it was left. That trading is closed proves nothing: what is to be
# replaced is closed as well.
restored_is_whole() {
    local mark
    restored_is_closed "$1" || return
    mark=$(sql_in postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = :'name'" "name=$1") || return
    [[ $mark == "$(_restored_mark), "* ]]
}

_restored_mark() {
    printf 'restored and found whole by the run %s\n' "${RUNBOOK_RUN:?}"
}

restored_is_closed() {
    [[ $(sql_in "$1" 'SELECT level FROM switch ORDER BY id DESC LIMIT 1') == [123] ]]
}

# What a dump does not carry over without the database's own name: its owner, settings and rights.
restore_properties() {
    needs_action restore_properties
    local live lines
    live=$(database_name)
    lines=$(pg_tool read postgres pg_restore --create --section=pre-data --file=- <"$(backup_path "$1")/database.dump" |
        grep -E "^(ALTER DATABASE [^ ]+ (OWNER TO|SET) |(GRANT|REVOKE) .* ON DATABASE )") || return 0
    [[ $(manifest_value "$1" database) == "$live" ]] || {
        finding "the backup is of the database $(manifest_value "$1" database): owner, settings and rights were not carried over"
        return 0
    }
    sql_change_in postgres "$lines"
}

# swap_databases: the restored one gets the name of the live one, which is kept under another and takes no connections.
swap_databases() {
    needs_action swap_databases
    local live restored bad
    live=$(database_name) restored=$(restored_name) bad=$(bad_name)
    if ! database_exists "$restored"; then
        database_exists "$bad" || fail "there is no restored database $restored"
        printf 'it was swapped before\n'
        return 0
    fi
    if ! database_exists "$live"; then
        printf 'there is no database %s, so there is nothing to keep\n' "$live"
        _rename "$restored" "$live"
        return 0
    fi
    _exchange "$live" "$bad" "$restored"
    sql_change_in postgres "COMMENT ON DATABASE :\"bad\" IS 'what was live until a backup took its place'" "bad=$bad"
    printf 'what was live is kept as %s, and takes no connections\n' "$bad"
}

# The other way round; the copy that had been restored stays as well.
swap_back() {
    needs_action swap_back
    local live restored bad
    live=$(database_name) restored=$(restored_name) bad=$(bad_name)
    if database_exists "$bad"; then
        if database_exists "$live"; then _exchange "$live" "$restored" "$bad"; else _rename "$bad" "$live"; fi
    elif ! database_exists "$restored"; then
        # There was no database to keep.
        _rename "$live" "$restored"
        return 0
    fi
    ! database_exists "$live" || sql_change_in postgres 'ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS true' "live=$live"
}

# _exchange LIVE ASIDE NEW: LIVE becomes ASIDE and NEW becomes LIVE.
_exchange() {
    local left
    sql_change_in postgres 'ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS false' "live=$1"
    if left=$(_ended "$1" "$3") && [[ $left == 0 ]] && _rename "$1" "$2" "$3" "$1"; then
        return 0
    fi
    sql_change_in postgres 'ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS true' "live=$1"
    fail "sessions did not end, or the databases could not be renamed: nothing was changed"
}

# How many sessions of the two databases are left after all were told to end.
_ended() {
    sql_change_in postgres "SELECT count(*) FILTER (WHERE NOT pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname IN (:'one', :'other') AND pid <> pg_backend_pid()" "one=$1" "other=$2"
}

# _rename OLD NEW [OLD NEW]
_rename() {
    local text='BEGIN; ALTER DATABASE :"a" RENAME TO :"b";'
    [[ -z ${3:-} ]] || text+=' ALTER DATABASE :"c" RENAME TO :"d";'
    sql_change_in postgres "$text COMMIT;" "a=$1" "b=$2" "c=${3:-}" "d=${4:-}"
}
