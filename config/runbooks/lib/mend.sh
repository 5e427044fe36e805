# shellcheck shell=bash
# Words that mend at the exchange what the bot cannot: only what makes a risk smaller. Uses account, books and exchange.

# Cancels at the exchange what books_expired finds. The bot reads what became of it.
mend_cancel_expired() {
    needs_action mend_cancel_expired
    local id symbol rc
    while IFS=$'\t' read -r id symbol _; do
        rc=0
        exchange_call DELETE /openApi/swap/v2/trade/order "symbol=$symbol&clientOrderId=$id" >/dev/null || rc=$?
        # Refused may mean that it was filled or cancelled meanwhile, which the next look tells.
        ((rc <= 1)) || fail "nobody knows whether $id was cancelled"
        if ((rc == 0)); then echo "cancelled $id"; else echo "the exchange does not cancel $id: it was filled or is gone"; fi
    done < <(books_expired)
}

# Places the stop that was meant, for what no stop covers of each position that our orders account for.
mend_place_stops() {
    needs_action mend_place_stops
    local positions orders symbol side quantity mark stop hedge query bare=''
    positions=$(account_positions) || fail "the exchange does not tell of positions"
    orders=$(account_orders) || fail "the exchange does not tell of orders"
    hedge=$(exchange_ask /openApi/swap/v1/positionSide/dual | json .data.dualSidePosition) ||
        fail "the exchange does not tell whether a symbol has two positions"
    while IFS=$'\t' read -r symbol side quantity mark; do
        stop=$(sql "SELECT stop FROM orders WHERE symbol = :'symbol' AND side = :'side' AND closed_at IS NULL
            AND filled_quantity > 0 ORDER BY id DESC LIMIT 1" "symbol=$symbol" "side=$([[ $side == long ]] && echo BUY || echo SELL)")
        if [[ -z $stop ]]; then
            finding "$symbol $side is no position of the bot's: no stop was meant for it"
            continue
        fi
        query="symbol=$symbol&side=$([[ $side == long ]] && echo SELL || echo BUY)&type=STOP_MARKET&quantity=$quantity"
        query+="&stopPrice=$stop&workingType=MARK_PRICE&positionSide="
        # With a position for each side its name says that it only reduces; the exchange does not take both.
        if [[ $hedge == true ]]; then query+=${side^^}; else query+="BOTH&reduceOnly=true"; fi
        if exchange_call POST /openApi/swap/v2/trade/order "$query" >/dev/null; then
            echo "a stop at $stop for $quantity of $symbol $side"
        else
            # The others must not wait for it.
            echo "the exchange took no stop at $stop for $quantity of $symbol $side, price $mark" >&2
            bare+=" $symbol/$side"
        fi
    done < <(account_uncovered "$positions" "$orders")
    [[ -z $bare ]] || fail "close, in their app or by runbooks/liquidation_near.sh --set close=…:$bare"
}

# mend_close SYMBOL/SIDE: closes that position at the market. Its stops are the bot's to cancel.
mend_close() {
    needs_action mend_close
    local told id symbol side amount
    told=$(exchange_ask /openApi/swap/v2/user/positions) || fail "the exchange does not tell of positions"
    id=$(account__lines '.data[]' .positionId .symbol .positionSide .positionAmt <<<"$told" |
        while IFS=$'\t' read -r id symbol side amount; do
            [[ $side != BOTH ]] || side=$([[ $amount == -* ]] && echo SHORT || echo LONG)
            [[ $symbol/${side,,} != "$1" ]] || echo "$id"
        done)
    [[ -n $id ]] || fail "there is no position $1"
    exchange_call POST /openApi/swap/v1/trade/closePosition "positionId=$id" >/dev/null || fail "nobody knows whether $1 was closed"
    echo "closed $1"
}
