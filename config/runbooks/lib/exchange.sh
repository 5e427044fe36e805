# shellcheck shell=sh
# Calls the exchange with curl and openssl alone, in POSIX sh, so that it also works in bash 3.2 and where bot, Python and
# database are gone. It does not depend on IFS.
#
#   exchange_public PATH [QUERY]         a call that everybody may make; always a GET
#   exchange_ask PATH [QUERY]            a signed one that only asks: a GET; QUERY is a=b&c=d, its values as they are, not encoded
#   exchange_call METHOD PATH [QUERY]    a signed one; what is no GET needs an action
#
# The answer's JSON goes to standard output, what is wrong to standard error. What comes back:
#   0  done: the exchange said code 0
#   1  refused, with a code; nothing was done
#   2  not sent: no keys, a host that this mode does not allow, or a call that cannot be
#   3  too many calls: not done, and the answer may say until when
#   4  no answer, or none that says anything: what was asked may have been done
#
# Settings are the bot's: TRADING_MODE, BINGX_BASE_URL, SIMULATOR_HOST, BINGX_API_KEY, BINGX_SECRET_KEY, or both keys with _FILE.
# EXCHANGE_TIMEOUT is how many seconds a call may take (5). EXCHANGE_AHEAD_MS is by how much the exchange's clock is ahead, as
# exchange_ahead_ms prints it; without it a call that is refused for its time asks for the clock and is made once more.
#
# No secret is in the arguments of a program: printf is part of the shell, and curl reads address and header from its input.

exchange_public() (
    { set +x; } 2>/dev/null
    exchange_settings || exit 2
    exchange_query "${2-}" || exit 2
    exchange_send GET "${1}${query:+?$query}" ""
)

exchange_ask() (
    { set +x; } 2>/dev/null
    exchange_once_more GET "$1" "${2-}"
)

exchange_call() (
    { set +x; } 2>/dev/null
    case "$1" in
        GET) ;;
        POST | PUT | DELETE)
            if command -v needs_action >/dev/null 2>&1; then needs_action exchange_call || exit 2; fi
            ;;
        *)
            exchange_say "no such method: $1"
            exit 2
            ;;
    esac
    exchange_once_more "$1" "$2" "${3-}"
)

# By how many milliseconds the exchange's clock is ahead of this machine's.
exchange_ahead_ms() (
    answer=$(exchange_public /openApi/swap/v2/server/time) || exit
    there=$(printf '%s\n' "$answer" | json .data.serverTime) || exit 4
    case "$there" in
        "" | *[!0-9]*) exit 4 ;;
        *) ;;
    esac
    here=$(date +%s)
    printf '%s\n' "$((there - here * 1000 - 500))"
)

# Positions and open orders, as evidence.
evidence_exchange() {
    exchange_ask /openApi/swap/v2/user/positions || true
    exchange_ask /openApi/swap/v2/trade/openOrders || true
}

exchange_say() {
    printf 'exchange: %s\n' "$1" >&2
}

# ---- settings: base, key, secret; all that follows runs in the subshell of a call, so nothing of it stays

exchange_settings() {
    key="" secret="" mode=${TRADING_MODE:-simulator}
    case "$mode" in
        simulator) base=http://127.0.0.1:8090 ;;
        vst) base=https://open-api-vst.bingx.com ;;
        live) base=https://open-api.bingx.com ;;
        *)
            exchange_say "TRADING_MODE is none of simulator, vst, live"
            return 2
            ;;
    esac
    base=${BINGX_BASE_URL:-$base}
    base=${base%/}
    if ! exchange_is_allowed; then
        exchange_say "BINGX_BASE_URL: mode $mode does not allow this address; no key is sent there"
        return 2
    fi
}

exchange_is_allowed() {
    host=${base#*://}
    case "$host" in
        "" | *[!]a-zA-Z0-9.:[-]*) return 1 ;;
        *) ;;
    esac
    case "$mode:$base" in
        vst:https://open-api-vst.bingx.com | vst:https://open-api-vst.bingx.pro) return 0 ;;
        live:https://open-api.bingx.com | live:https://open-api.bingx.pro) return 0 ;;
        simulator:http://* | simulator:https://*) ;;
        *) return 1 ;;
    esac
    case "$host" in
        '[::1]' | '[::1]:'*) return 0 ;;
        *) host=${host%:*} ;;
    esac
    case "$host" in
        localhost) return 0 ;;
        *[!0-9.]*) ;;
        127.*) return 0 ;;
        *) ;;
    esac
    # A name without a dot, as containers have: no exchange in the internet has one.
    case "${SIMULATOR_HOST:-}" in
        "" | [!a-z]* | *[!a-z0-9-]*) return 1 ;;
        *) test "$host" = "$SIMULATOR_HOST" ;;
    esac
}

exchange_keys() {
    key=$(exchange_secret "${BINGX_API_KEY_FILE:-}" "${BINGX_API_KEY:-}" BINGX_API_KEY) || return 2
    secret=$(exchange_secret "${BINGX_SECRET_KEY_FILE:-}" "${BINGX_SECRET_KEY:-}" BINGX_SECRET_KEY) || return 2
}

exchange_secret() {
    found=$2
    if test -n "$1"; then found=$(tr -d ' \t\r\n' 2>/dev/null <"$1") || found=""; fi 2>/dev/null
    case "$found" in
        "")
            exchange_say "$3 is not set, or its file cannot be read"
            return 2
            ;;
        *[!!-~]* | *[\"\\]*)
            exchange_say "$3 has a letter that no key has"
            return 2
            ;;
        *) printf '%s' "$found" ;;
    esac
}

# ---- a call

# Sets query to what goes on the wire: everything but plain letters is encoded, and a line break is no value.
exchange_query() {
    query=$1
    case "$query" in
        *[!A-Za-z0-9.,_~=\&-]*)
            query=$(
                printf '%s' "$query" | od -An -v -tu1 | LC_ALL=C awk '
                    { for (i = 1; i <= NF; i++) {
                        if ($i < 32 || $i == 35 || $i == 63) exit 1
                        plain = index("&=-._~", c = sprintf("%c", $i + 0)) || c ~ /[A-Za-z0-9]/
                        printf "%s", ($i < 128 && plain) ? c : sprintf("%%%02X", $i)
                    } }'
            ) || {
                exchange_say "a value has a letter that no value may have"
                return 2
            }
            ;;
        *) ;;
    esac
}

# Makes a signed call. Refused for its time it was not done, and is made once more by the exchange's clock.
exchange_once_more() {
    exchange_settings || exit 2
    exchange_keys || exit 2
    rc=0
    exchange_signed "$1" "$2" "$3" "${EXCHANGE_AHEAD_MS:-0}" || rc=$?
    test "$rc" = 5 || exit "$rc"
    ahead=$(exchange_ahead_ms) || exit 4
    rc=0
    exchange_signed "$1" "$2" "$3" "$ahead" || rc=$?
    test "$rc" = 5 || exit "$rc"
    exchange_refused
    exit 1
}

exchange_signed() {
    stamp=$(date +%s) || return 4
    # The middle of the second, for the clock here tells no more.
    raw="${3:+$3&}timestamp=$((stamp * 1000 + 500 + $4))"
    exchange_query "$raw" || return 2
    signature=$(exchange_hmac "$raw") || signature=""
    if test "${#signature}" != 64; then
        exchange_say "openssl made no signature"
        return 2
    fi
    exchange_send "$1" "$2?$query&signature=$signature" "header = \"X-BX-APIKEY: $key\""
}

# HMAC-SHA256 by its definition: openssl would want the key as an argument.
exchange_hmac() {
    blocks=$(
        {
            if test "${#secret}" -gt 64; then printf '%s' "$secret" | openssl dgst -sha256 -binary; else printf '%s' "$secret"; fi
        } | od -An -v -tu1 | LC_ALL=C awk '
            function octal(n) { return sprintf("\\0%d%d%d", int(n / 64), int(n / 8) % 8, n % 8) }
            function differ(a, b,    bit, sum) {
                for (bit = 1; bit < 256; bit *= 2) if (int(a / bit) % 2 != int(b / bit) % 2) sum += bit
                return sum + 0
            }
            { for (i = 1; i <= NF; i++) byte[n++] = $i }
            END {
                for (i = 0; i < 64; i++) { inner = inner octal(differ(byte[i], 54)); outer = outer octal(differ(byte[i], 92)) }
                print inner, outer
            }'
    ) || return
    {
        printf '%b' "${blocks#* }"
        {
            printf '%b' "${blocks% *}"
            printf '%s' "$1"
        } | openssl dgst -sha256 -binary
    } | openssl dgst -sha256 -binary | od -An -v -tx1 | tr -d ' \n'
}

exchange_send() {
    rc=0
    answer=$(exchange_curl "$1" "$2" "$3") || rc=$?
    if test "$rc" != 0; then
        exchange_say "no answer: $(exchange_curl_word "$rc")"
        return 4
    fi
    status=${answer##*
}
    answer=${answer%
*}
    exchange_judge
}

exchange_curl() {
    {
        printf 'url = "%s%s"\nrequest = "%s"\n%s\n' "$base" "$2" "$1" "$3"
        printf 'silent\ngloboff\nmax-time = %s\nwrite-out = "\\n%%{http_code}"\n' "${EXCHANGE_TIMEOUT:-5}"
        case "$1" in
            POST | PUT) printf 'data = ""\n' ;;
            *) ;;
        esac
        # A proxy is for what is out there, and would be shown the keys where nothing is encrypted.
        case "$base" in
            http://*) printf 'noproxy = "*"\n' ;;
            *) ;;
        esac
    } | curl -q --config - 2>/dev/null
}

exchange_curl_word() {
    case "$1" in
        6) echo "the name of the host is not found" ;;
        7) echo "nobody listens there" ;;
        28) echo "it took more than ${EXCHANGE_TIMEOUT:-5} s" ;;
        35 | 51 | 58 | 60) echo "no trusted connection" ;;
        52 | 56) echo "the connection was cut" ;;
        127) echo "there is no curl" ;;
        *) echo "curl ended with $1" ;;
    esac
}

# What an answer means. Below 500 the JSON decides, if there is any.
exchange_judge() {
    exchange_hide "${key:-}"
    exchange_hide "${secret:-}"
    exchange_hide "${signature:-}"
    code="" said=""
    if test "$status" -lt 500 && said=$(printf '%s\n' "$answer" | json . .code .msg 2>/dev/null); then
        code=${said%%"	"*}
        said=$(printf '%.200s' "${said#*"	"}")
        test "$code" != - || code=""
    fi
    case "$status:$code:$said" in
        *:0:*)
            printf '%s\n' "$answer"
            return 0
            ;;
        429:* | 418:* | 403::* | *:100409:* | *:100410:* | *:109429:*)
            test -z "$code" || printf '%s\n' "$answer"
            exchange_say "too many calls: ${code:-HTTP $status} $said"
            return 3
            ;;
        *:100421:* | *:*:*"timestamp is invalid"*) return 5 ;;
        *:80012:* | *:80019:* | *:100500:* | *:100503:* | *:101500:* | *:109423:* | *:109424:* | *:109500:* | *:109701:* | *:110500:*)
            exchange_say "perhaps done: $code $said"
            return 4
            ;;
        400::* | 401::* | 404::*)
            exchange_say "refused: HTTP $status"
            return 1
            ;;
        *:[0-9]*:*)
            exchange_refused
            return 1
            ;;
        *)
            exchange_say "no answer: HTTP $status without its JSON"
            return 4
            ;;
    esac
}

exchange_refused() {
    printf '%s\n' "$answer"
    exchange_say "refused: $code $said"
}

# Takes what is secret out of the answer: who plays the exchange may repeat what it was told.
exchange_hide() {
    test -n "$1" || return 0
    while :; do
        case "$answer" in
            *"$1"*) answer="${answer%%"$1"*}(hidden)${answer#*"$1"}" ;;
            *) return 0 ;;
        esac
    done
}
