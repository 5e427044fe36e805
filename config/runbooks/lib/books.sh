# shellcheck shell=bash
# Words that lay what the database holds beside what the exchange lists: where they differ, the difference is the finding.
# Uses account and database.

# books_compare_account: positions and open orders of the exchange beside the database's, and a finding for each that differs.
# What is on its way differs for a moment, so only what differs twice counts.
books_compare_account() {
    local first again what
    first=$(books__differences) || return 0
    if [[ -n $first ]]; then
        sleep 6
        again=$(books__differences) || return 0
        first=$(comm -12 <(sort <<<"$first") <(sort <<<"$again"))
    fi
    if [[ -z $first ]]; then
        echo "positions and orders there are those of the database"
        return 0
    fi
    while IFS= read -r what; do finding "$what"; done <<<"$first"
}

# books_compare_trades TRADES: a finding for each fill of which database and exchange tell different things.
books_compare_trades() {
    local found what
    found=$(sql "$(books__trades_sql)" "trades=$1") || {
        books__no_database
        return 0
    }
    if [[ -z $found ]]; then
        echo "every fill of the exchange's history is in the database as it was"
        return 0
    fi
    while IFS= read -r what; do finding "$what"; done <<<"$found"
}

# books_by_source TRADES: what was won and lost by the source of the signals, with fees. An order that closes belongs to
# the sources whose entries its position held then.
books_by_source() {
    books_rows "$(books__source_sql)" "trades=$1"
}

# A finding for each session that others wait for, by its number: who holds a lock is named, and not who waits.
books_blockers() {
    local held line
    held=$(sql "SELECT DISTINCT format('session %s of %s (%s, %s for %s) holds what %s wait for', b.pid,
            coalesce(nullif(b.application_name, ''), b.usename), coalesce(b.state, b.backend_type), substring(b.query FROM '^\s*(\w+)'),
            coalesce((now() - b.xact_start)::interval(0)::text, 'no transaction'), count(*) OVER (PARTITION BY b.pid))
        FROM pg_stat_activity w CROSS JOIN unnest(pg_blocking_pids(w.pid)) AS p JOIN pg_stat_activity b ON b.pid = p") || {
        finding "the database does not answer: runbooks/database_connection.sh"
        return 0
    }
    if [[ -z $held ]]; then
        echo "nobody waits for a lock"
        return 0
    fi
    while IFS= read -r line; do finding "$line: runbooks/database_performance.sh"; done <<<"$held"
}

# Whether somebody waits for a lock.
books_is_blocked() {
    [[ -n $(sql "SELECT 1 FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0 LIMIT 1") ]]
}

# books_rows TEXT [NAME=VALUE…]: rows of the database as a table.
books_rows() {
    sql_table "$@" || books__no_database
}

# Entries that rest at the exchange though their time was over a minute ago: our id, symbol, side, since when.
books_expired() {
    local expired listed id rest
    expired=$(sql "SELECT client_id || E'\t' || symbol || E'\t' || side || E'\t' || expires_at::timestamptz(0) FROM orders
        WHERE state IN ('pending', 'unknown') AND expires_at < now() - interval '60 s' ORDER BY expires_at") || {
        books__no_database
        return 1
    }
    [[ -n $expired ]] || return 0
    listed=$(account_orders) || return
    while IFS=$'\t' read -r id rest; do
        ! cut -f 11 <<<"$listed" | grep -qxF -- "$id" || printf '%s\t%s\n' "$id" "$rest"
    done <<<"$expired"
}

# Asks the exchange by its id for each order of which the database knows no outcome; a finding for each.
books_ask_unknown() {
    local unknown id symbol side age told rc
    unknown=$(sql "SELECT client_id || E'\t' || symbol || E'\t' || side || E'\t' || floor(extract(epoch FROM now() - created_at))
        FROM orders WHERE state IN ('intent', 'unknown') AND created_at < now() - interval '5 s' ORDER BY id LIMIT 20") || {
        books__no_database
        return 0
    }
    if [[ -z $unknown ]]; then
        echo "each order has its outcome"
        return 0
    fi
    while IFS=$'\t' read -r id symbol side age; do
        rc=0
        told=$(exchange_ask /openApi/swap/v2/trade/order "symbol=$symbol&clientOrderId=$id" 2>&1) || rc=$?
        case $rc in
            0) finding "$side $symbol ($id), unknown here for $age s, is $(json .data.order.status <<<"$told") at the exchange" ;;
            1) finding "$side $symbol ($id), unknown here for $age s: the exchange says ${told##*exchange: refused: }" ;;
            *) finding "$side $symbol ($id) is unknown for $age s, and the exchange does not tell: ${told##*exchange: }" ;;
        esac
    done <<<"$unknown"
}

# How many orders were committed over a minute ago and have no outcome.
books_waiting() {
    sql "SELECT count(*) FROM orders WHERE state IN ('intent', 'unknown') AND created_at < now() - interval '60 s'"
}

# Who else may trade: instances that are connected to our database, and who holds the lease.
books_instances() {
    local hosts
    books_rows "SELECT holder, epoch, until::timestamptz(0) FROM lease"
    hosts=$(sql "SELECT count(DISTINCT coalesce(host(client_addr), 'local')) FROM pg_stat_activity
        WHERE application_name = 'tradewatch-bot' AND datname = current_database()") || return 0
    echo "instances of the bot come from $hosts addresses"
    ((hosts <= 1)) || finding "bots on $hosts machines use this database: runbooks/second_instance.sh"
}

# What the database holds of money, as evidence.
evidence_orders() {
    sql_table "SELECT * FROM orders ORDER BY id DESC LIMIT 200"
    sql_table "SELECT * FROM account"
    sql_table "SELECT * FROM switch ORDER BY id DESC LIMIT 20"
    sql_table "SELECT * FROM lease"
}

# What follows is for the words above.

# A line for each; the lists themselves go to people.
books__differences() {
    local positions orders
    positions=$(account_positions) || return
    orders=$(account_orders) || return
    account_table "symbol side quantity entry mark liquidation leverage unrealised" "$positions" >&2
    account_table "symbol side of type left trigger price closes_all since_ms id our_id" "$orders" >&2
    sql "$(books__compare_sql)" "positions=$positions" "orders=$orders" || {
        books__no_database
        return 1
    }
}

books__no_database() { finding "the database does not answer: runbooks/database_connection.sh"; }

# What the exchange told, as rows for a statement.
books__rows() {
    cat <<'SQL'
held AS (
    SELECT f[1] AS symbol, f[2] AS side, f[3]::numeric AS quantity
    FROM (SELECT string_to_array(line, E'\t') AS f FROM unnest(string_to_array(:'positions', E'\n')) AS line WHERE line <> '') AS p
), listed AS (
    SELECT f[1] AS symbol, f[2] AS side, f[3] AS position_side, f[4] AS type, f[9]::numeric AS since, f[10] AS id, f[11] AS client_id
    FROM (SELECT string_to_array(line, E'\t') AS f FROM unnest(string_to_array(:'orders', E'\n')) AS line WHERE line <> '') AS o
), ours AS (
    SELECT symbol, CASE side WHEN 'BUY' THEN 'long' ELSE 'short' END AS side, sum(filled_quantity) AS quantity
    FROM orders WHERE closed_at IS NULL AND filled_quantity > 0 GROUP BY 1, 2
)
SQL
}

# A position may be smaller than its entries: targets close it in parts.
books__compare_sql() {
    printf 'WITH %s\n' "$(books__rows)"
    cat <<'SQL'
SELECT format('position %s %s of %s at the exchange: %s', symbol, held.side, trim_scale(held.quantity),
        CASE WHEN ours.quantity IS NULL THEN 'the database knows nothing of it'
            ELSE format('the database accounts for %s, so %s of it is somebody else''s', trim_scale(ours.quantity),
                trim_scale(held.quantity - ours.quantity)) END)
    FROM held LEFT JOIN ours USING (symbol, side) WHERE held.quantity > coalesce(ours.quantity, 0)
UNION ALL
SELECT format('position %s %s of %s in the database: the exchange has none', symbol, side, trim_scale(ours.quantity))
    FROM ours LEFT JOIN held USING (symbol, side) WHERE held.symbol IS NULL
UNION ALL
SELECT format('order %s %s (%s) rests in the database: the exchange does not list it', side, symbol, client_id)
    FROM orders WHERE state = 'pending' AND client_id NOT IN (SELECT client_id FROM listed)
UNION ALL
SELECT format('order %s %s %s at the exchange, id %s, since %s: not one of the bot''s', type, side, symbol, id,
        to_timestamp(since / 1000)::timestamptz(0))
    FROM listed
    WHERE NOT EXISTS (SELECT FROM orders WHERE orders.client_id = listed.client_id AND state IN ('intent', 'unknown', 'pending'))
        AND NOT (type ~ '^(STOP|TAKE_PROFIT)(_MARKET)?$' AND EXISTS (SELECT FROM orders
            WHERE orders.symbol = listed.symbol AND orders.side <> listed.side AND closed_at IS NULL
                AND (filled_quantity > 0 OR state IN ('intent', 'unknown', 'pending'))))
SQL
}

books__trade_rows() {
    cat <<'SQL'
trades AS (
    SELECT f[1] AS symbol, f[2] AS side, f[3] AS position_side, f[4] AS type, f[5]::numeric AS filled,
        f[6]::numeric AS price, nullif(f[7], '-')::numeric AS profit, nullif(f[8], '-')::numeric AS commission,
        to_timestamp(f[9]::numeric / 1000) AS at, f[10] AS id, f[11] AS client_id,
        f[2] <> CASE f[3] WHEN 'LONG' THEN 'BUY' WHEN 'SHORT' THEN 'SELL' ELSE CASE WHEN f[12] = 'true' THEN '' ELSE f[2] END END AS closes
    FROM (SELECT string_to_array(line, E'\t') AS f FROM unnest(string_to_array(:'trades', E'\n')) AS line WHERE line <> '') AS t
)
SQL
}

# A fill that is a moment old may not be written down yet.
books__trades_sql() {
    printf 'WITH %s\n' "$(books__trade_rows)"
    cat <<'SQL'
SELECT format('%s %s (%s): the exchange filled %s at %s, the database has %s at %s', t.side, t.symbol, t.client_id,
        trim_scale(t.filled), trim_scale(t.price), trim_scale(o.filled_quantity), coalesce(trim_scale(o.average_price)::text, 'no price'))
    FROM trades AS t JOIN orders AS o USING (client_id)
    WHERE t.at < now() - interval '5 s'
        AND (t.filled <> o.filled_quantity OR abs(t.price - coalesce(o.average_price, 0)) > t.price / 100000)
UNION ALL
SELECT format('%s %s of %s at %s opened a position at %s, id %s: no order of the database', t.type, t.side || ' ' || t.symbol,
        trim_scale(t.filled), trim_scale(t.price), t.at::timestamptz(0), t.id)
    FROM trades AS t LEFT JOIN orders AS o USING (client_id)
    WHERE NOT t.closes AND o.id IS NULL AND t.at < now() - interval '5 s'
UNION ALL
SELECT format('%s %s of %s at %s closed a position that the database does not have, at %s, id %s', t.type, t.side || ' ' || t.symbol,
        trim_scale(t.filled), trim_scale(t.price), t.at::timestamptz(0), t.id)
    FROM trades AS t
    WHERE t.closes AND t.at < now() - interval '5 s' AND NOT EXISTS (SELECT FROM orders AS o
        WHERE o.symbol = t.symbol AND o.side <> t.side AND o.filled_quantity > 0 AND o.created_at < t.at + interval '15 s')
SQL
}

books__source_sql() {
    printf 'WITH %s\n' "$(books__trade_rows)"
    cat <<'SQL'
, owned AS (
    SELECT t.*, coalesce(o.source, (SELECT string_agg(DISTINCT e.source, ' and ') FROM orders AS e
            WHERE t.closes AND e.symbol = t.symbol AND e.side <> t.side AND e.filled_quantity > 0
                AND e.created_at < t.at + interval '15 s' AND coalesce(e.closed_at, 'infinity') > t.at - interval '15 s'),
        'nobody we know') AS source
    FROM trades AS t LEFT JOIN orders AS o USING (client_id)
)
SELECT source, count(*) FILTER (WHERE NOT closes) AS entries, count(*) FILTER (WHERE closes) AS exits,
    round(sum(profit), 4) AS profit, round(-abs(sum(commission)), 4) AS fees,
    round(sum(coalesce(profit, 0)) - abs(sum(coalesce(commission, 0))), 4) AS result, max(at)::timestamptz(0) AS latest
FROM owned GROUP BY source ORDER BY result
SQL
}
