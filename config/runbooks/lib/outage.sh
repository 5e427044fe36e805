# shellcheck shell=bash
# Words that find out why calls to the exchange fail: the exchange, the network, the key, a limit, a clock, or the bot.
# Uses bot and exchange.

# By how many milliseconds the exchange's clock is ahead of this machine's, to some hundredths of a second.
outage_offset_ms() {
    local before there after
    before=$(date +%s%3N)
    there=$(exchange_public /openApi/swap/v2/server/time) || return
    after=$(date +%s%3N)
    there=$(json .data.serverTime <<<"$there") || return
    echo $((there - (before + after) / 2))
}

# The way from here to the exchange, phase by phase: so one sees where it ends.
outage_way() {
    local base=${BINGX_BASE_URL:?}
    local format='address %{remote_ip}\nname found after %{time_namelookup} s\nconnected after %{time_connect} s\n'
    [[ $base != https:* ]] || format+='encrypted after %{time_appconnect} s\n'
    format+='answered after %{time_starttransfer} s with HTTP %{http_code}\n'
    echo "$base"
    curl --silent --show-error --max-time "${EXCHANGE_TIMEOUT:-5}" --output /dev/null --write-out "$format" \
        "$base/openApi/swap/v2/server/time" 2>&1 | sed '/ with HTTP 000$/d' || echo "no answer: curl ended with $?"
}

# outage_bot_calls SECONDS: prints how many calls the bot makes meanwhile, and of these how many fail, by kind.
outage_bot_calls() {
    local before after
    before=$(bot_metric bingx_api_calls_total bingx_api_errors_total) || return
    sleep "$1"
    after=$(bot_metric bingx_api_calls_total bingx_api_errors_total) || return
    printf '%s\n' "$before" -- "$after" | awk '
        $1 == "--" { is_after = 1; next }
        !is_after { was[$1] = $2; next }
        $2 > was[$1] {
            new = $2 - was[$1]
            if ($1 ~ /^bingx_api_calls_total/) { calls += new; next }
            kind = $1; sub(/.*kind="/, "", kind); sub(/".*/, "", kind)
            count[kind] += new
        }
        END { printf "calls %d\n", calls; for (kind in count) printf "%s %d\n", kind, count[kind] }'
}

# outage_cause SECONDS ELSEWHERE: names one cause as a finding, or none if all is well. ELSEWHERE is an address in the
# internet that tells a fault of this machine's network from one of the exchange; `usual` for one that never fails.
outage_cause() {
    local seconds=$1 elsewhere=$2 said rc=0
    said=$(exchange_public /openApi/swap/v2/server/time 2>&1 >/dev/null) || rc=$?
    said=${said#exchange: }
    case $rc in
        0) outage__account "$seconds" ;;
        2) finding "nobody could ask the exchange from here: $said" ;;
        3) finding "cause: rate limit: the exchange refuses this address ($said)" ;;
        4) outage__unheard "$said" "$elsewhere" ;;
        *) finding "cause: the exchange refuses a question that everybody may ask ($said)" ;;
    esac
}

# Orders of which nobody knows what became, by the bot; by the database if the bot does not answer.
outage_unknown() {
    local told
    if told=$(bot_get /status 2>/dev/null); then
        json '.unknown[]' .symbol .side .quantity .age_seconds .client_id <<<"$told" |
            awk -F '\t' '{ printf "unknown: %s %s %s for %d s, %s\n", $2, $3, $1, $4, $5 }' || :
    else
        sql "SELECT 'unknown: ' || side || ' ' || quantity || ' ' || symbol || ' since ' || created_at::timestamptz(0) || ', ' || client_id
            FROM orders WHERE state IN ('intent', 'unknown') ORDER BY id"
    fi
}

# Positions and what of them has no stop, by the exchange; by the bot's last look if the exchange does not tell.
outage_covered() {
    local told
    told=$(gate_covered)
    if [[ $told != *"does not tell"* ]]; then
        echo "${told:-no position}"
        return 0
    fi
    told=$(bot_get /status) || fail "neither the exchange nor the bot tells of positions"
    echo "the exchange does not tell; at the bot's last look, $(json .reconciliation.read_at <<<"$told" || echo never):"
    json '.positions[]' .symbol .side .quantity .uncovered_quantity <<<"$told" |
        awk -F '\t' '{ printf "%s %s: %s%s\n", $1, $2, $3, $4 + 0 ? ", against: " $4 " has no stop" : "" }' || echo "no position"
}

# Fails until the exchange has answered GOOD times in a row here, and the bot's calls too, without a failure between.
outage_wait() {
    local good=$1 patience=$2 row=0 end
    end=$(($(date +%s) + patience))
    while (($(date +%s) < end)); do
        if outage_is_well; then row=$((row + 1)); else row=0; fi
        echo "good looks in a row: $row of $good"
        ((row < good)) || return 0
        sleep 1
    done
    return 1
}

# One look: the exchange takes a signed question, and no call of the bot fails for a second.
outage_is_well() {
    local told
    exchange_ask /openApi/swap/v2/user/positions >/dev/null || return
    told=$(outage_bot_calls 1) || return
    ! grep -E '^(transport|http|rate_limited) ' <<<"$told"
}

# What follows is for the words above.

outage__unheard() {
    local said=$1 elsewhere=$2
    if [[ $said == *"HTTP "* ]]; then
        finding "cause: the exchange is down: what stands before it answers for it ($said)"
    elif ! outage__leads_outside "$elsewhere"; then
        finding "cause: the exchange is down: it does not answer ($said)"
    elif outage__reaches "$elsewhere"; then
        finding "cause: the exchange is down: other addresses answer this machine, and it does not ($said)"
    else
        finding "cause: the network of this machine: the exchange does not answer, and neither does anything else ($said)"
    fi
}

# An exchange that is played on this machine is reached without any network.
outage__leads_outside() {
    [[ $1 != usual || ! ${BINGX_BASE_URL-} =~ ^https?://(127\.|localhost|\[::1\]) ]]
}

outage__reaches() {
    local address=$1
    [[ $address != usual ]] || address=https://www.cloudflare.com/cdn-cgi/trace
    curl --silent --max-time 3 --output /dev/null "$address"
}

# Makes a finding if the exchange tells no prices; fails if it does.
outage__prices() {
    local said
    ! said=$(exchange_public /openApi/swap/v1/ticker/price 2>&1 >/dev/null) || return
    finding "cause: the exchange is down in part: it tells the time and the account, and no prices (${said##*exchange: })"
}

# The exchange answers what everybody may ask: now with the key, and what does the bot see?
outage__account() {
    local seconds=$1 said rc=0 offset
    if offset=$(outage_offset_ms) && ((${offset#-} > 1000)); then
        finding "cause: clock: this machine's and the exchange's differ by ${offset} ms"
    fi
    said=$(exchange_ask /openApi/swap/v2/user/positions 2>&1 >/dev/null) || rc=$?
    said=${said##*exchange: }
    case $rc/$said in
        0/*) outage__prices || outage__bot "$seconds" ;;
        1/*10000[14]* | 1/*10041[2349]*) finding "cause: the key: the exchange does not take it ($said)" ;;
        1/*) finding "cause: the exchange refuses a question about the account ($said)" ;;
        2/*)
            echo "not asked with the key: $said"
            outage__bot "$seconds"
            ;;
        3/*) finding "cause: rate limit: the exchange takes no more calls of this key now ($said)" ;;
        *) finding "cause: the exchange is down in part: it tells the time and nothing of the account ($said)" ;;
    esac
}

outage__bot() {
    local told stopped ban calls
    if ! told=$(bot_get /status 2>/dev/null); then
        finding "cause: the bot: the exchange answers here, and the bot does not answer (runbooks/bot_down.sh)"
        return
    fi
    stopped=$(json .health.stopped <<<"$told") || stopped=''
    ban=$(json .ban_seconds <<<"$told") || ban=0
    if [[ $stopped =~ 1000(01|04)|10041[2349] ]]; then
        finding "cause: the key: the bot stopped as it was refused ($stopped); it is taken here, so once it is the bot's too, restart the bot"
    elif [[ -n $stopped ]]; then
        finding "cause: the bot stopped by itself, until it is restarted: $stopped"
    elif awk -v ban="$ban" 'BEGIN { exit !(ban > 0) }'; then
        finding "cause: rate limit: the exchange refuses some calls of the bot for another $ban s"
    elif calls=$(outage_bot_calls "$1"); then
        echo "$calls"
        case $calls in
            *rate_limited*) finding "cause: rate limit: the exchange answers here, and the bot calls too often" ;;
            *transport* | *http*) finding "cause: the bot's way to the exchange: it answers here with the same key, and the bot's calls fail" ;;
            'calls 0') finding "cause: the bot: the exchange answers here, and the bot calls nobody" ;;
            *) echo "the exchange answers here, and no call of the bot fails now" ;;
        esac
    fi
}
