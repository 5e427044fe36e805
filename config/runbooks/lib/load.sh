# shellcheck shell=bash
# Words that put load on the stack while nothing is at stake. Uses bot, exchange, database and prove.

# Ends the step unless trading is closed, and the exchange has neither order nor position of ours.
load_is_idle() {
    local told orders positions
    switch_is_closed || fail "trading is open, or the bot does not answer: close it by the runbook emergency_stop first"
    sql 'SELECT 1' >/dev/null || fail "the database does not answer"
    told=$(exchange_call GET /openApi/swap/v2/trade/openOrders) || fail "the exchange does not tell of open orders"
    orders=$(json '.data.orders[]' .orderId <<<"$told" | wc -l || [[ ${PIPESTATUS[0]} == 1 ]])
    told=$(exchange_call GET /openApi/swap/v2/user/positions) || fail "the exchange does not tell of positions"
    positions=$(json '.data[]' .positionAmt <<<"$told" | grep -cv '^-\?0*\.\?0*$' || [[ $? == 1 ]])
    ((orders + positions == 0)) || fail "$orders orders and $positions positions are open: a test must not delay what protects them"
    echo "trading is closed, and nothing is open at the exchange"
}

# load_http REQUESTS CONNECTIONS: by wrk where there is one, else by many curl.
load_http() {
    needs_action load_http
    local requests=$1 connections=$2 each seconds
    [[ -n ${BOT_URL-} ]] || fail "the bot has no address here: kubectl port-forward deployment/trading-bot 8080, and export BOT_URL"
    if [[ -n $(type -P wrk || :) ]]; then
        seconds=$(left_seconds)
        wrk --threads "$((connections > 4 ? 4 : connections))" --connections "$connections" \
            --duration "$((seconds > 40 ? 30 : seconds / 2))s" --latency "$BOT_URL/health"
        return
    fi
    # Each curl asks several times over one connection, as wrk does.
    each=$(((requests + connections - 1) / connections))
    seq "$connections" |
        xargs -P "$connections" -I{} curl --silent --noproxy '*' --max-time 10 --output /dev/null \
            --write-out '%{http_code} %{time_total}\n' "$BOT_URL/health?{}-[1-$each]" | load__told
}

# load_database CLIENTS TRANSACTIONS: pgbench in a database of its own, which goes whatever happens.
load_database() {
    needs_action load_database
    local name
    name=$(scratch_name)
    (
        trap 'scratch_drop "$name"' EXIT
        sql_change_in postgres 'CREATE DATABASE :"name"' "name=$name"
        sql_change_in postgres "COMMENT ON DATABASE :\"name\" IS 'made by a runbook, which takes it away'" "name=$name"
        pg_tool write "$name" pgbench --initialize --quiet --scale=1 "$name" 2>&1
        pg_tool write "$name" pgbench --client="$1" --jobs=2 --transactions="$2" "$name" 2>&1 | grep -v '^pgbench (\|^starting vacuum'
    )
}

# Lines `STATUS SECONDS` as a summary; a finding for each answer that is not 200.
load__told() {
    local told wrong
    told=$(sort -k 2,2n | awk '
        { seconds[NR] = $2; sum += $2; if ($1 != 200) wrong++ }
        END {
            if (!NR) exit 1
            printf "%d answers: median %.1f ms, 99 of 100 within %.1f ms, slowest %.1f ms\n", NR,
                1000 * seconds[int((NR + 1) / 2)], 1000 * seconds[int(NR * 0.99 + 0.999)], 1000 * seconds[NR]
            printf "wrong %d\n", wrong
        }') || fail "the bot gave no answer"
    wrong=${told##*wrong }
    printf '%s\n' "${told%$'\n'*}"
    ((wrong == 0)) || finding "$wrong answers of the bot were not 200"
}
