# shellcheck shell=bash
# Words for what becomes of backups that were made: which are kept, and a copy elsewhere. Uses backup.

# retention DAILY WEEKLY: of lines `EPOCH NAME yes|no` (restored and found whole or not) prints the names that may go.
# What was never found whole is no backup: it goes once a later one was, and counts for no day. The last one that was
# found whole stays whatever the numbers are. And all of the two days before the newest stay: who has just lost rows, and makes
# a backup at once, must not lose the one before it by that.
retention() {
    local daily=$1 weekly=$2 epoch name verified day week newest="" last_day="" last_week="" found="" keep
    while IFS=' ' read -r epoch name verified; do
        keep="" newest=${newest:-$epoch}
        ((newest - epoch >= 2 * 86400)) || keep=yes
        if [[ $verified != yes ]]; then
            [[ -z $found || -n $keep ]] || printf '%s\n' "$name"
            continue
        fi
        day=$((epoch / 86400))
        week=$(((day + 3) / 7)) # the epoch began on a Thursday, weeks begin on Monday
        [[ -n $found ]] || keep=yes
        found=yes
        if [[ $day != "$last_day" ]] && ((daily > 0)); then
            keep=yes
            daily=$((daily - 1))
        fi
        if [[ $week != "$last_week" ]] && ((weekly > 0)); then
            keep=yes
            weekly=$((weekly - 1))
        fi
        last_day=$day last_week=$week
        [[ -n $keep ]] || printf '%s\n' "$name"
    done < <(sort -t ' ' -k 1,1nr -k 2,2r)
}

# backup_thin DAILY WEEKLY
backup_thin() {
    needs_action backup_thin
    local name
    while read -r name; do
        # First out of sight, so that what is half removed has no name of a backup.
        mv -T -- "${BACKUP_DIR:?}/${name:?}" "$BACKUP_DIR/.gone-$name"
        rm -rf -- "$BACKUP_DIR/.gone-${name:?}"
        printf 'removed %s\n' "$name"
    done < <(_backup_lines | retention "$1" "$2")
}

_backup_lines() {
    local name verified
    while read -r name; do
        verified=no
        [[ ! -f $BACKUP_DIR/$name/verified ]] || verified=yes
        printf '%s %s %s\n' "$(manifest_value "$name" epoch)" "$name" "$verified"
    done < <(backup_names)
}

# Whether a copy is asked for, and is off this disk; says what is not as it should be.
copy_doubts() {
    case ${COPY_TO:?} in
        none) printf 'there is no copy of this backup off this host: if its disk breaks, database and backups are gone; set copy_to\n' ;;
        *:*) ;;
        *)
            [[ $(stat -c %d "$COPY_TO") != "$(stat -c %d "${BACKUP_DIR:?}")" ]] ||
                printf '%s is on the same file system as %s: a broken disk takes both\n' "$COPY_TO" "$BACKUP_DIR"
            ;;
    esac
}

# backup_copy NAME: one file elsewhere, compared with what was sent before it gets its name.
backup_copy() {
    needs_action backup_copy
    local sealed=$BACKUP_DIR/.sealed-${1:?}
    rm -rf -- "$sealed"
    mkdir -- "$sealed"
    (
        trap 'rm -rf -- "$sealed"' EXIT
        local file sum
        file=$1$(_sealed_ending)
        _seal "$1" "$sealed/$file"
        sum=$(sha256sum <"$sealed/$file")
        if [[ $COPY_TO == *:* ]]; then
            _send "$sealed/$file" "${sum%% *}"
        else
            _put "$sealed/$file" "$sum"
        fi
        printf '%s is in %s\n' "$file" "$COPY_TO"
    )
}

# Whether the copy is there.
backup_is_copied() {
    local file
    file=$1$(_sealed_ending)
    case ${COPY_TO:?} in
        *:*) ssh -o BatchMode=yes -o ConnectTimeout=10 -- "${COPY_TO%%:*}" "test -s ${COPY_TO#*:}/$file" ;;
        *) [[ -s $COPY_TO/$file ]] ;;
    esac
}

_sealed_ending() {
    case ${ENCRYPT_TO:?} in
        none) printf '.tar\n' ;;
        age1*) printf '.tar.age\n' ;;
        *) printf '.tar.enc\n' ;;
    esac
}

# ENCRYPT_TO is a recipient of age, or a file whose first line is the key for openssl.
_seal() {
    local tar=(tar -C "$BACKUP_DIR" --sort=name -c -- "$1") plain back
    local openssl=(openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -pass "file:${ENCRYPT_TO:?}")
    case ${ENCRYPT_TO:?} in
        none)
            printf 'the copy is not encrypted: encrypt_to is not set\n'
            "${tar[@]}" >"$2"
            ;;
        age1*)
            "${tar[@]}" | age --encrypt --recipient "$ENCRYPT_TO" >"$2"
            printf 'encrypted by age, for who has the key of %s\n' "$ENCRYPT_TO"
            ;;
        *)
            [[ -s $ENCRYPT_TO ]] || fail "there is no key in $ENCRYPT_TO"
            plain=$("${tar[@]}" | sha256sum)
            "${tar[@]}" | "${openssl[@]}" -e -salt -out "$2"
            # Reading it back proves that the key opens it.
            back=$("${openssl[@]}" -d -in "$2" | sha256sum)
            [[ $plain == "$back" ]] || fail "what was encrypted cannot be decrypted"
            printf 'encrypted by openssl (aes-256-cbc) with the key in %s, and decrypted again\n' "$ENCRYPT_TO"
            ;;
    esac
}

_put() {
    local part
    [[ -d $COPY_TO ]] || fail "there is no folder $COPY_TO"
    part=$COPY_TO/.${1##*/}.partial
    cp -- "$1" "$part"
    sync "$part"
    [[ $(sha256sum <"$part") == "$2" ]] || fail "the copy differs from what was copied"
    mv -T -- "$part" "$COPY_TO/${1##*/}"
}

# COPY_TO is [USER@]HOST:FOLDER, of harmless letters alone.
_send() {
    local host=${COPY_TO%%:*} folder=${COPY_TO#*:} name=${1##*/}
    local part=.$name.partial
    if command -v rsync >/dev/null; then
        rsync --rsh='ssh -o BatchMode=yes -o ConnectTimeout=10' --partial --times -- "$1" "$host:$folder/$part"
    else
        scp -q -o BatchMode=yes -o ConnectTimeout=10 -- "$1" "$host:$folder/$part"
    fi
    printf '%s  %s\n' "$2" "$part" | ssh -o BatchMode=yes -o ConnectTimeout=10 -- "$host" \
        "cd $folder && sha256sum --check --strict --quiet && mv $part $name"
}
