# shellcheck shell=bash
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
