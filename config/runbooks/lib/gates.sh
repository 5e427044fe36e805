# shellcheck shell=bash
# What speaks against trading. Each gate prints a line `against: why` for each thing; what is not known speaks against it, too.
# Uses bot and exchange.

# gate NAME…: makes a finding of each thing that speaks against trading.
gate() {
    local name line
    for name in "$@"; do
        while IFS= read -r line; do
            echo "$line"
            [[ $line != "against: "* ]] || finding "${line#against: }"
        done < <("gate_$name" || echo "against: nobody could look at: $name")
    done
}

# gates_hold NAME…: prints what speaks against trading, and fails if there is anything.
gates_hold() {
    local name told=''
    for name in "$@"; do
        told+=$("gate_$name" || echo "against: nobody could look at: $name")$'\n'
    done
    ! grep '^against: ' <<<"$told"
}

# What the bot finds: itself, the last look at the account, money.
gate_account() {
    local told
    told=$(bot_get /status 2>/dev/null) || {
        gate__against "the bot does not answer"
        return 0
    }
    gate__health "$told"
    gate__numbers "$told"
    gate__positions "$told"
}

# There is no order of which nobody knows what became, for longer than GATE_PATIENCE seconds.
gate_unknown() {
    local told symbol side age longest=${GATE_PATIENCE:-0}
    told=$(bot_get /status 2>/dev/null) || {
        gate__against "the bot does not answer"
        return 0
    }
    json '.unknown[]' .symbol .side .age_seconds <<<"$told" | while IFS=$'\t' read -r symbol side age; do
        ((${age%.*} < longest)) || gate__against "nobody knows what became of an order for ${age%.*} s: $side $symbol"
    done || :
}

gate_database() {
    local told
    told=$(bot_get /status 2>/dev/null | json .health.checks.database.ok) || told=
    [[ $told == true ]] || gate__against "the bot does not reach the database"
    sql "SELECT 1" >/dev/null 2>&1 || gate__against "the database does not answer from here"
}

# The exchange from here: it answers, it takes the key, and its clock is ours.
gate_exchange() {
    local offset rc=0
    if ! offset=$(outage_offset_ms); then
        gate__against "the exchange does not answer from here"
        return 0
    fi
    ((${offset#-} <= 1000)) || gate__against "this machine's clock is $(gate__seconds "$offset") off the exchange's"
    exchange_ask /openApi/swap/v3/user/balance >/dev/null 2>&1 || rc=$?
    ((rc == 0)) || gate__against "the exchange does not answer a question about the account ($rc)"
}

# By the exchange's own lists, not by the bot's memory.
gate_covered() {
    local positions orders
    if ! positions=$(exchange_ask /openApi/swap/v2/user/positions 2>/dev/null) ||
        ! orders=$(exchange_ask /openApi/swap/v2/trade/openOrders 2>/dev/null); then
        gate__against "the exchange does not tell of positions and their stops"
        return 0
    fi
    {
        json '.data[]' .symbol .positionSide .positionAmt <<<"$positions" | sed 's/^/position\t/' || :
        json '.data.orders[]' .symbol .positionSide .type .origQty .closePosition .executedQty .side <<<"$orders" | sed 's/^/order\t/' || :
    } | awk -F '\t' '
        $1 == "position" && $4 + 0 { key = $2 " " $3; held[key] = $4 < 0 ? -$4 : $4 + 0 }
        # One that waits to make the position larger covers nothing.
        $1 == "order" && $4 ~ /^(STOP|STOP_MARKET|TRAILING_STOP_MARKET)$/ && $3 " " $8 !~ /^(LONG BUY|SHORT SELL)$/ {
            key = $2 " " $3
            if ($6 == "true") whole[key] = 1
            stopped[key] += $5 - $7
        }
        END {
            for (key in held) {
                short = held[key] - (whole[key] ? held[key] : stopped[key])
                if (short > held[key] / 1e6)
                    printf "against: %s: %.8g of %.8g has no stop at the exchange\n", key, short, held[key]
                else
                    printf "%s: %.8g, and stops for all of it\n", key, held[key]
            }
        }'
}

# Alerts that page somebody.
gate_alerts() {
    local told name
    if ! told=$(prometheus_query 'ALERTS{alertstate="firing", severity="critical"}' 2>/dev/null); then
        gate__against "Prometheus does not answer, so nobody knows what fires"
        return 0
    fi
    [[ -z $told ]] || while IFS=$'\t' read -r told _; do
        name=$(json .alertname <<<"$told")
        gate__against "the alert $name fires"
    done <<<"$told"
}

# Whether trading is open for at least so much of each quantity, and for all symbols or these alone.
switch_is_open() {
    local told level factor symbols
    told=$(bot_get /status) || return
    IFS=$'\t' read -r level factor symbols < <(json .switch .level .size_factor .symbols <<<"$told")
    symbols=${symbols//[\[\]\"]/}
    [[ $level == 0 && (-z $symbols || $symbols == "${2-}") ]] || return
    awk -v held="$factor" -v wanted="$1" 'BEGIN { exit !(held + 0 >= wanted + 0) }'
}

# open_and_watch FACTOR SYMBOLS REASON SECONDS: opens trading if nothing speaks against it, looks for so long, and closes it
# again at what it sees twice in a row; also if the step is stopped meanwhile, for nobody would watch. The last word of a step.
open_and_watch() {
    needs_action open_and_watch || return
    local factor=$1 symbols=$2 reason=$3 seconds=$4 end every=5 bad=0 failed told
    if ! gates_hold database exchange account unknown covered alerts; then
        echo "not opened" >&2
        return 1
    fi
    failed=$(gate__failed)
    ((seconds > 30)) || every=1
    # Of the step's own bash: a subshell would be left behind when that is told to end.
    GATE_WHY="it could not be opened"
    trap gate__close_again EXIT
    trap 'exit 143' TERM
    trap 'exit 130' INT
    switch_open "$factor" "$symbols" "$reason" || exit 1
    GATE_WHY="nobody watched any more"
    end=$(($(date +%s) + seconds))
    while (($(date +%s) < end || bad > 0)); do
        sleep "$every"
        told=$(GATE_PATIENCE=30 gates_hold account unknown alerts) && told=$(gate__since "$factor" "$symbols" "$failed") && bad=0 && continue
        echo "$told"
        bad=$((bad + 1)) GATE_WHY=${told//$'\n'/; } GATE_WHY=${GATE_WHY//against: /}
        ((bad < 2)) || exit 1
    done
    trap - EXIT TERM INT
    echo "open for $factor of each quantity, and nothing spoke against it for $seconds s"
}

gate__close_again() {
    # Whoever read what this prints may be gone.
    trap '' PIPE INT TERM
    switch_close 1 "opening in steps was taken back: ${GATE_WHY:?}"
}

# What follows is for the words above.

gate__against() { printf 'against: %s\n' "$*"; }

# Latest orders that failed one after the other. A bot that has just started has not counted them yet.
gate__failed() {
    local told
    told=$(bot_metric orders_failed_in_a_row) || told="none 0"
    awk '{ print int($2) }' <<<"$told"
}

# What happened since trading was opened: fails, and prints it.
gate__since() {
    local failed
    if ! switch_is_open "$1" "${2-}" 2>/dev/null; then
        gate__against "somebody closed trading, or the bot does not answer"
        return 1
    fi
    failed=$(gate__failed)
    ((failed < 3 || failed <= $3)) || {
        gate__against "the last $failed orders failed"
        return 1
    }
}

gate__seconds() { awk -v ms="$1" 'BEGIN { printf "%.1f s", ms / 1000 }'; }

gate__health() {
    local ok reason
    json '.health.checks[]' .ok .reason <<<"$1" | while IFS=$'\t' read -r ok reason; do
        [[ $ok == true ]] || gate__against "the bot is not well: $reason"
    done
}

# Numbers that /status has once; `-` and `null` are none.
gate__numbers() {
    local stopped enabled ban age missing foreign size bare money lost limit
    IFS=$'\t' read -r stopped enabled ban age missing foreign size bare money lost limit < <(
        json . .health.stopped .switch.trading_enabled .ban_seconds .reconciliation.age_seconds \
            .reconciliation.differences.order_missing .reconciliation.differences.order_foreign \
            .reconciliation.differences.position_size .reconciliation.differences.stop_missing \
            .money.age_seconds .money.loss_today_usdt .money.loss_limit_usdt <<<"$1"
    )
    [[ $stopped == - ]] || gate__against "the bot stopped trading until a person restarts it: $stopped"
    [[ $enabled == true ]] || gate__against "TRADING_ENABLED is not true"
    [[ $ban =~ ^0(\.0*)?$ ]] || gate__against "the exchange refuses calls of the bot for $ban s"
    if gate__is_older "$age" 30; then
        gate__against "the bot has not looked at the account lately (age: $age s)"
    elif [[ $missing/$foreign/$size/$bare != 0/0/0/0 ]]; then
        gate__against "database and exchange differ: order_missing $missing, order_foreign $foreign, position_size $size, stop_missing $bare"
    fi
    if gate__is_older "$money" 60; then
        gate__against "the money was not read lately (age: $money s)"
    elif awk -v lost="$lost" -v limit="$limit" 'BEGIN { exit !(lost + 0 >= limit + 0) }'; then
        gate__against "the loss of today, $lost USDT, is at its limit of $limit"
    fi
}

# What was never read is older than anything.
gate__is_older() {
    [[ ! $1 =~ ^[0-9] ]] || ((${1%.*} > $2))
}

gate__positions() {
    local symbol side bare
    json '.positions[]' .symbol .side .uncovered_quantity <<<"$1" | while IFS=$'\t' read -r symbol side bare; do
        [[ $bare == 0 || $bare =~ ^0\.0+$ ]] || gate__against "$symbol $side: $bare has no stop"
    done || :
}
