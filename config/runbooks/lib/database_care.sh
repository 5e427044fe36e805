# shellcheck shell=bash
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
