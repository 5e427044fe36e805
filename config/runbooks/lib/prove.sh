# shellcheck shell=bash
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
