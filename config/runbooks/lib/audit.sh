# shellcheck shell=bash
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
