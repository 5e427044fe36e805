# shellcheck shell=bash
# Words that tell which part of the way from a signal to its order is slow. Uses bot, database and exchange.

# By the bot's own counters since it started: the whole way, the exchange's part of it, and the database's statements.
speed_of_orders() {
    local told
    told=$(bot_get /metrics 2>/dev/null | awk '
        $1 ~ /^(order_processing_seconds|bingx_order_execution_seconds)_(sum|count)$/ { value[$1] = $2 }
        END {
            orders = value["order_processing_seconds_count"]; sent = value["bingx_order_execution_seconds_count"]
            if (!orders) { print "no order since the bot started"; exit }
            whole = value["order_processing_seconds_sum"] / orders
            there = sent ? value["bingx_order_execution_seconds_sum"] / sent : 0
            printf "%d orders since the bot started: %.3f s each, of which the exchange took %.3f s\n", orders, whole, there
            if (whole > 1) print "slow: " (there > whole / 2 ? "most of it is the exchange" : "most of it is ours, the database or the machine")
        }')
    echo "$told"
    [[ $told != *"slow: "* ]] || finding "orders are slow, and ${told##*slow: }"
}

# speed_of_exchange TIMES SLOW: the slowest of so many calls to the exchange; a finding from SLOW milliseconds on for each.
speed_of_exchange() {
    local i before after all=() sorted
    for ((i = 0; i < $1; i++)); do
        before=$(date +%s%3N)
        exchange_public /openApi/swap/v2/server/time >/dev/null || {
            finding "the exchange does not answer from here: runbooks/exchange_api_down.sh"
            return 0
        }
        after=$(date +%s%3N)
        all+=("$((after - before))")
    done
    echo "the exchange answers after ${all[*]} ms"
    mapfile -t sorted < <(printf '%s\n' "${all[@]}" | sort -n)
    # The middle one, for a single hiccup is none.
    ((sorted[$1 / 2] < $2)) || finding "the exchange is slow from here: ${sorted[$1 / 2]} ms for a call that needs no work"
}

# speed_of_database SLOW: what the server takes for a question, and for the bot's statements.
speed_of_database() {
    local before after took empty
    before=$(date +%s%3N)
    sql "SELECT count(*) FROM orders WHERE created_at > now() - interval '1 day'" >/dev/null || {
        finding "the database does not answer: runbooks/database_connection.sh"
        return 0
    }
    after=$(date +%s%3N)
    took=$((after - before))
    before=$(date +%s%3N)
    pg_tool read "$(database_name)" psql --version >/dev/null
    after=$(date +%s%3N)
    empty=$((after - before))
    echo "a question to the database takes $took ms, of which starting psql is $empty ms"
    ((took - empty < $1)) || finding "the database is slow: $((took - empty)) ms for a small question: runbooks/database_performance.sh"
    bot_get /metrics 2>/dev/null | awk '$1 ~ /^db_query_duration_seconds_(sum|count)\{/ {
            operation = $1; sub(/.*operation="/, "", operation); sub(/".*/, "", operation)
            if ($1 ~ /_sum/) sum[operation] = $2; else count[operation] = $2
        }
        END { for (operation in count) if (count[operation]) printf "the bot: %s takes %.4f s, in %d\n", operation, sum[operation] / count[operation], count[operation] }' ||
        echo "the bot does not tell of its statements"
}

# speed_of_machine LOAD: load and memory where the bot runs; a finding above LOAD for each processor.
speed_of_machine() {
    local load processors free
    load=$(in_place bot 5 cat /proc/loadavg) || return
    processors=$(in_place bot 5 nproc) || return
    free=$(in_place bot 5 cat /proc/meminfo | awk '/^MemAvailable/ { print int($2 / 1024) }') || return
    echo "load ${load%% *} on $processors processors, $free MiB of memory to be had"
    awk -v load="${load%% *}" -v most="$((processors * $1))" 'BEGIN { exit load > most }' ||
        finding "the machine is busy: a load of ${load%% *} on $processors processors: runbooks/performance.sh"
    ((free > 64)) || finding "the machine has $free MiB of memory left: runbooks/performance.sh"
}
