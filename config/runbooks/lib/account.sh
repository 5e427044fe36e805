# shellcheck shell=bash
# Words that look at the trading account: what the bot says, and what the exchange itself lists. Uses bot and exchange.
#
# A word that prints lines and cannot has named why, as a finding, when it fails; the words that judge end with 0 then.

# Prints what the bot says of itself; if it says nothing, names that and fails.
account_bot() {
    local state
    bot_get /status 2>/dev/null && return
    state=$(service_state bot 2>/dev/null) || state="in a state that nobody knows"
    finding "the bot does not answer, its process is $state: runbooks/bot_down.sh"
    return 1
}

# account_health STATUS: makes a finding of each reason for which the bot by its own word does not trade, but the switch.
account_health() {
    local ok reason left said
    echo "the bot says: $(json .summary <<<"$1")"
    said=$(json '.health.checks[]' .ok .reason <<<"$1")
    while IFS=$'\t' read -r ok reason; do
        [[ $ok == true ]] || finding "the bot is not ready: $reason"
    done < <(sort -u <<<"$said")
    if reason=$(json .health.stopped <<<"$1"); then
        finding "the bot stopped trading until a person restarts it: $reason"
    fi
    left=$(json .ban_seconds <<<"$1") || left=0
    [[ $left == 0 || $left == 0.0 ]] || finding "the exchange refuses calls of the bot for another $left s: runbooks/exchange_ban.sh"
}

# account_frozen LEVEL: whether trading is closed so far, by the bot; by the HALT file if the bot does not answer.
account_frozen() {
    local level told
    if level=$(switch_level 2>/dev/null); then
        echo "the bot's switch is at level $level"
        ((level >= $1))
        return
    fi
    told=$(switch_latch) || return
    echo "the bot does not answer; $told"
    [[ $told =~ level\ ([123]): ]] && ((BASH_REMATCH[1] >= $1))
}

# account_held STATUS: the positions as the bot saw them last, and a finding for each that no stop covers whole.
account_held() {
    local symbol side quantity mark bare held
    held=$(account__lines '.positions[]' .symbol .side .quantity .mark_price .uncovered_quantity <<<"$1")
    if [[ -z $held ]]; then
        echo "the bot saw no position"
        return 0
    fi
    account_table "symbol side quantity mark uncovered" "$held"
    while IFS=$'\t' read -r symbol side quantity mark bare; do
        [[ $bare == 0 ]] || finding "no stop covers $bare of $quantity of the position $symbol $side, price $mark"
    done <<<"$held"
}

# account_log LINES: the latest warnings and errors of the bot's log, each cut to a line that can be read.
account_log() {
    local lines
    if ! lines=$(service_logs bot 3000 2>&1); then
        echo "the bot's log cannot be read: ${lines:0:200}"
        return 0
    fi
    lines=$(grep -aE '"level": "(error|warning|critical)"' <<<"$lines" | tail -n "$1" |
        sed -E 's/^\{"ts": "([^".]*)[^"]*", "level": "([a-z]*)"(, "mode": "[a-z]*")?, "event": /\1 \2: /; s/\}$//; s/\\?"//g' |
        cut -c 1-250) || lines="the log has neither warning nor error of late"
    printf '%s\n' "$lines"
}

# account_errors: the calls of the bot that failed since it started, the most frequent first.
account_errors() {
    local told
    told=$(bot_metric bingx_api_errors_total | awk '$2 + 0 { print $2 + 0, $1 }' | sort -rn | head -n 12)
    printf '%s\n' "${told:-no call of the bot has failed since it started}"
}

# account_ask PATH [QUERY]: asks the exchange with our key; what keeps it from answering is named.
account_ask() {
    local told rc=0
    told=$(exchange_ask "$@" 2>&1) || rc=$?
    case $rc in
        0)
            printf '%s\n' "$told"
            return 0
            ;;
        1) account__refused "$told" ;;
        2) finding "the exchange was not asked: ${told#exchange: }" ;;
        3) finding "the exchange refuses our calls, because there were too many: runbooks/exchange_ban.sh" ;;
        *) finding "the exchange does not answer this machine: runbooks/exchange_api_down.sh (${told##*exchange: })" ;;
    esac
    return 1
}

# Each position at the exchange: symbol, long or short, quantity, entry, mark, liquidation, leverage, profit not yet taken.
account_positions() {
    local told
    told=$(account_ask /openApi/swap/v2/user/positions) || return
    account__lines '.data[]' .symbol .positionSide .positionAmt .avgPrice .markPrice .liquidationPrice .leverage \
        .unrealizedProfit <<<"$told" | awk -F '\t' -v OFS='\t' '
        $3 + 0 == 0 { next }
        # In one-way mode the side is BOTH: a short has a minus, or is liquidated above its entry.
        { short = $2 == "SHORT" || $2 == "BOTH" && ($3 < 0 || $6 + 0 > $4 + 0); sub(/^-/, "", $3); $2 = short ? "short" : "long"; print }'
}

# Each open order there: symbol, BUY or SELL, position side, type, quantity left, trigger, price, whether it closes all, when
# (in ms), id, and our id or -.
account_orders() {
    local told
    told=$(account_ask /openApi/swap/v2/trade/openOrders) || return
    account__lines '.data.orders[]' .symbol .side .positionSide .type .origQty .executedQty .stopPrice .price .closePosition \
        .time .orderId .clientOrderId <<<"$told" | awk -F '\t' -v OFS='\t' '
        { print $1, $2, $3, $4, $5 - $6, $7, $8, $9, $10, $11, $12 }'
}

# account_uncovered POSITIONS ORDERS: each position whose stops do not cover all of it: symbol, side, what is uncovered, mark.
account_uncovered() {
    printf '%s\n--\n%s\n' "$1" "$2" | awk -F '\t' -v OFS='\t' '
        $0 == "--" { listed = 1; next }
        !listed && NF { key = $1 " " $2; held[key] = $3; mark[key] = $5; next }
        $4 ~ /^STOP(_MARKET)?$/ {
            key = $1 " " ($2 == "SELL" ? "long" : "short")
            if (!(key in held) || $3 != "BOTH" && tolower($3) != substr(key, length($1) + 2)) next
            stopped[key] += $8 == "true" ? held[key] : $5
        }
        # It is the quantity of an order: never 1e-05, nor with the noise of a subtraction.
        function plain(number,    text) { text = sprintf("%.8f", number); sub(/[.]?0+$/, "", text); return text }
        END {
            for (key in held)
                if (held[key] - stopped[key] > held[key] / 1e9) {
                    split(key, part, " ")
                    printf "%s\t%s\t%s\t%s\n", part[1], part[2], plain(held[key] - stopped[key]), mark[key]
                }
        }'
}

# account_covered: makes a finding of each position whose stops at the exchange do not cover all of it.
account_covered() {
    local positions orders bare symbol side quantity mark
    positions=$(account_positions) || return 0
    orders=$(account_orders) || return 0
    if [[ -z $positions ]]; then
        echo "there is no position at the exchange"
        return 0
    fi
    account_table "symbol side quantity entry mark liquidation leverage unrealised" "$positions"
    bare=$(account_uncovered "$positions" "$orders")
    if [[ -z $bare ]]; then
        echo "stops at the exchange cover all of it"
        return 0
    fi
    while IFS=$'\t' read -r symbol side quantity mark; do
        finding "no stop covers $quantity of the position $symbol $side, price $mark"
    done <<<"$bare"
}

# account_stops_ended HOURS: stops of the exchange's history that ended without trading, the latest last.
account_stops_ended() {
    local told found at rest
    told=$(account_ask /openApi/swap/v2/trade/allOrders "limit=1000&$(account__span "$1")") || return 0
    found=$(account__lines '.data.orders[]' .updateTime .status .symbol .side .type .origQty .stopPrice .orderId <<<"$told" |
        awk -F '\t' -v OFS='\t' '$5 ~ /^STOP/ && $2 !~ /^(NEW|FILLED|PENDING|WORKING|PARTIALLY_FILLED)$/ { $1 = int($1 / 1000); print }' | sort -n | tail -n 10 |
        while IFS=$'\t' read -r at rest; do TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T\t%s\n' "$at" "$rest"; done)
    if [[ -z $found ]]; then
        echo "no stop ended without trading in the last $1 hours"
        return 0
    fi
    account_table "at status symbol side type quantity trigger id" "$found"
}

# account_trades HOURS: each order of the exchange's own history that traded: symbol, BUY or SELL, position side, type, filled,
# average price, profit, commission, when (in ms), id, our id or -, whether it only reduces.
account_trades() {
    local told
    told=$(account_ask /openApi/swap/v2/trade/allOrders "limit=1000&$(account__span "$1")") || return
    told=$(account__lines '.data.orders[]' .symbol .side .positionSide .type .executedQty .avgPrice .profit .commission .updateTime \
        .orderId .clientOrderId .reduceOnly <<<"$told") || return
    account__whole orders "$told"
    awk -F '\t' '$5 + 0' <<<"$told"
}

# account_income HOURS: each movement of money of which the exchange tells: kind, amount, symbol or -, when (in ms).
account_income() {
    local told
    told=$(account_ask /openApi/swap/v2/user/income "limit=1000&$(account__span "$1")") || return
    told=$(account__lines '.data[]' .incomeType .income .symbol .time <<<"$told") || return
    account__whole "movements of money" "$told"
    [[ -z $told ]] || printf '%s\n' "$told"
}

# account_income_told INCOME: the sum of each kind; a finding for what is neither trading, fee nor funding.
account_income_told() {
    local kind sum
    if [[ -z $1 ]]; then
        echo "the exchange tells of no movement of money"
        return 0
    fi
    awk -F '\t' '{ sum[$1] += $2; count[$1]++ } END { for (kind in sum) printf "%-20s %14.4f  in %d\n", kind, sum[kind], count[kind] }' <<<"$1" | sort
    while read -r kind sum; do
        finding "money moved that was not traded: $kind of $sum"
    done < <(awk -F '\t' '$1 !~ /^(REALIZED_PNL|TRADING_FEE|FUNDING_FEE|INSURANCE_CLEAR)$/ { sum[$1] += $2 }
        END { for (kind in sum) printf "%s %.4f\n", kind, sum[kind] }' <<<"$1")
    ! grep -q '^INSURANCE_CLEAR' <<<"$1" || finding "a position was liquidated"
}

# account_balance: what the account holds by the exchange: asset, balance, equity, free margin, margin in use.
account_balance() {
    local told
    told=$(account_ask /openApi/swap/v3/user/balance) || return
    account__lines '.data[]' .asset .balance .equity .availableMargin .usedMargin <<<"$told" | awk -F '\t' '$1 ~ /^(USDT|VST)$/'
}

# account_ages SECONDS: how long ago each number was read that comes from outside; a finding for each that is older than SECONDS.
account_ages() {
    local told name age
    told=$(bot_get /metrics 2>/dev/null) || return 0
    while read -r name age; do
        printf '%-40s %6d s ago\n' "$name" "$age"
        ((age <= $1)) || finding "$name was last read $age s ago"
    done < <(awk -v now="$(date +%s)" '/^[a-z_]+_updated_timestamp_seconds[ {]/ && $2 + 0 {
        name = $1; sub(/_updated_timestamp_seconds.*/, "", name); printf "%s %d\n", name, now - $2 }' <<<"$told")
}

# account_table HEADER LINES: lines with tabs as a table.
account_table() {
    [[ -n $2 ]] || return 0
    printf '%s\n%s\n' "${1// /$'\t'}" "$2" | awk -F '\t' '
        { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } columns = NF }
        END { for (row = 1; row <= NR; row++) { line = ""; for (i = 1; i <= columns; i++) line = line sprintf("%-" width[i] + 2 "s", cell[row, i]); sub(/ +$/, "", line); print line } }'
}

# The exchange's own history and what it tells of money, as evidence.
evidence_history() {
    exchange_ask /openApi/swap/v2/user/income "limit=1000&$(account__span 48)" || true
    exchange_ask /openApi/swap/v2/trade/allOrders "limit=200&$(account__span 48)" || true
}

# What follows is for the words above.

# json, where an empty list is an answer.
account__lines() {
    json "$@" || [[ $? == 1 ]]
}

# A list that is as long as the exchange makes it was cut.
account__whole() {
    (($(wc -l <<<"$2") < 1000)) ||
        finding "the exchange tells of 1000 $1 at once, and there were more: some were not looked at; look at fewer hours"
}

account__span() {
    local now
    now=$(date +%s)
    echo "startTime=$(((now - $1 * 3600) * 1000))&endTime=$(((now + 60) * 1000))"
}

account__refused() {
    local said=${1##*exchange: refused: }
    case $said in
        10041[2349]* | 100001* | 100004*) finding "the exchange does not take our key: $said" ;;
        *) finding "the exchange refuses what it was asked: $said" ;;
    esac
}
