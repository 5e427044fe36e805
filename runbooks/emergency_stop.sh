#!/usr/bin/env bash
# Made from config/runbooks/emergency_stop.yaml by `make generate`; change that, not this.
# json PATH [FIELD…]: what stands at PATH of the JSON on standard input. POSIX sh and awk alone, for machines without jq.
#
#   json .data.serverTime           a value: text without its quotes, numbers as they were written, the rest as compact JSON
#   json '.data.orders[0].type'     one element; [] takes each element of an array, or each value of an object, a line each
#   json '.data.orders[]' .orderId .type     a line for each, its fields between tabs; "-" for one that is missing or empty
#
# A value is one line and no byte of it moves a cursor: control characters and backslashes stay escaped, so `printf %b`
# gives them back. Of a key that comes twice the last one counts. 1: nothing there. 2: not JSON, or no path; says so, but
# quotes nothing of the input, which may hold secrets.
#
# The input is cut into small pieces before anything looks at it: several awks copy what is left of a line at each look.
json() {
    LC_ALL=C awk '
    BEGIN {
        PIECE = 256; DEEPEST = 200
        QUOTE = "\042"; BACKSLASH = "\134"
        fields = ARGC - 2
        path[0] = ARGV[1]
        for (k = 1; k <= fields; k++) path[k] = ARGV[1] == "." ? ARGV[k + 1] : ARGV[1] ARGV[k + 1]
        for (k = 1; k <= fields; k++)
            if (ARGV[k + 1] !~ /^[.[]/ || index(ARGV[k + 1], "[]")) stop("no path of a field: " ARGV[k + 1])
        targets = fields
        if (fields < 1) { path[1] = path[0]; targets = 1 }
        for (k = 0; k <= targets; k++) read_path(k)
        for (k = 1; k < ARGC; k++) ARGV[k] = ""
        # Some awks make a character of a code, others a byte.
        by_code = sprintf("%c", 8364) == "\342\202\254"
        for (k = 0; k < 32; k++) control[k] = sprintf("%s0%03o", BACKSLASH, k)
        control[8] = "\\b"; control[9] = "\\t"; control[10] = "\\n"; control[12] = "\\f"; control[13] = "\\r"
        for (k = 0; k < 16; k++) { hex[substr("0123456789abcdef", k + 1, 1)] = k; hex[substr("0123456789ABCDEF", k + 1, 1)] = k }
        want = "value"; depth = 0; printed = 0
    }
    {
        size = length($0)
        for (from = 1; from <= size; from += PIECE) feed(substr($0, from, PIECE))
        if (in_text) stop("text without an end")
        end_word()
    }
    END {
        if (stopped) exit 2
        if (want != "nothing") stop("it ends too early")
        if (stopped) exit 2
        for (k = 0; k < printed; k++) printf "%s", out[k]
        exit printed ? 0 : 1
    }

    function stop(why) {
        if (stopped) return
        stopped = 1
        print "json: " (NR ? "not JSON, line " NR ": " : "") why > "/dev/stderr"
        exit 2
    }

    # ---- paths: steps[k], and for each step its kind and what it names
    function read_path(k,    rest, name) {
        rest = path[k]; steps[k] = 0
        if (rest == ".") return
        if (rest !~ /^[.[]/) stop("a path begins with a point: " path[k])
        while (rest != "") {
            if (match(rest, /^\.[^].[]+/)) { kind = "key"; name = substr(rest, 2, RLENGTH - 1) }
            else if (match(rest, /^\.?\[\]/)) { kind = "each"; name = "" }
            else if (match(rest, /^\.?\[[0-9]+\]/)) {
                kind = "index"; name = substr(rest, 1, RLENGTH); gsub(/[^0-9]/, "", name); name += 0
            }
            else stop("no path: " path[k])
            steps[k]++
            step_kind[k, steps[k]] = kind; step_name[k, steps[k]] = name
            rest = substr(rest, RLENGTH + 1)
        }
    }
    function leads(k, d) {
        if (d > steps[k]) return 0
        if (step_kind[k, d] == "each") return 1
        if (step_kind[k, d] == "key") return opened[d] == "{" && key[d] "" == step_name[k, d] ""
        return opened[d] == "[" && count[d] == step_name[k, d]
    }

    # ---- characters to words and signs
    function feed(piece,    sign) {
        while (piece != "") {
            if (in_text) piece = feed_text(piece)
            else if (match(piece, /^[ \t\r]+/)) { end_word(); piece = substr(piece, RLENGTH + 1) }
            else if (match(piece, /^[^][{}:, \t\r\042]+/)) {
                word = word substr(piece, 1, RLENGTH); piece = substr(piece, RLENGTH + 1)
            } else {
                end_word()
                sign = substr(piece, 1, 1); piece = substr(piece, 2)
                if (sign == QUOTE) begin_text()
                else structure(sign)
            }
        }
    }
    function end_word(    w) {
        if (word == "") return
        w = word; word = ""
        if (w !~ /^(true|false|null)$/ && w !~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/) stop("a word that is no value")
        begin_value(); keep(w, w); end_value()
    }
    function begin_text() {
        is_key = want == "key" || want == "key or end"
        if (is_key) key[depth] = ""
        else begin_value()
        in_text = 1; escaped = 0; digits = 0; high = 0
        keep(QUOTE, "")
    }
    function feed_text(piece,    sign) {
        if (digits) {
            sign = substr(piece, 1, 1)
            if (!(sign in hex)) stop("no hexadecimal digit")
            code = code * 16 + hex[sign]
            keep_text(sign, "")
            if (--digits == 0) end_code()
            return substr(piece, 2)
        }
        if (escaped) {
            sign = substr(piece, 1, 1); escaped = 0
            if (sign == "u") { digits = 4; code = 0; keep_text("u", ""); return substr(piece, 2) }
            end_high()
            if (sign == QUOTE || sign == "/") keep_text(sign, sign)
            else if (sign == BACKSLASH) keep_text(sign, BACKSLASH BACKSLASH)
            else if (index("bfnrt", sign)) keep_text(sign, BACKSLASH sign)
            else stop("no such escape")
            return substr(piece, 2)
        }
        if (!match(piece, /[\001-\037\042\\]/)) { end_high(); keep_text(piece, piece); return "" }
        sign = substr(piece, RSTART, 1)
        if (RSTART > 1) { end_high(); keep_text(substr(piece, 1, RSTART - 1), substr(piece, 1, RSTART - 1)) }
        piece = substr(piece, RSTART + 1)
        if (sign == BACKSLASH) { escaped = 1; keep_text(BACKSLASH, "") }
        else if (sign == QUOTE) { end_high(); end_text() }
        else stop("a control character in a text")
        return piece
    }
    # A code beyond 65535 is written as two halves; a half alone is no character.
    function end_code() {
        if (high && code >= 56320 && code < 57344) { keep_text("", utf8(65536 + (high - 55296) * 1024 + code - 56320)); high = 0; return }
        end_high()
        if (code >= 55296 && code < 56320) high = code
        else keep_text("", utf8(code >= 56320 && code < 57344 ? 65533 : code))
    }
    function end_high() {
        if (high) keep_text("", utf8(65533))
        high = 0
    }
    function utf8(c) {
        if (c < 32) return control[c]
        if (c == 92) return BACKSLASH BACKSLASH
        if (c == 127) return "\\0177"
        if (by_code || c < 128) return sprintf("%c", c)
        if (c < 2048) return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
        if (c < 65536) return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
        return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64, 128 + int(c / 64) % 64, 128 + c % 64)
    }
    function keep_text(raw, plain) {
        if (is_key) key[depth] = key[depth] plain
        keep(raw, plain)
    }
    function end_text() {
        in_text = 0
        keep(QUOTE, "")
        if (is_key) want = "colon"
        else end_value()
    }

    # ---- signs to values
    function structure(sign) {
        if (sign == "{" || sign == "[") {
            begin_value(); keep(sign, sign)
            if (++depth > DEEPEST) stop("nested too deep")
            opened[depth] = sign; count[depth] = 0; first_at[depth] = -1
            want = sign == "{" ? "key or end" : "value or end"
        } else if (sign == ":") {
            if (want != "colon") stop("a colon where none belongs")
            keep(sign, sign); want = "value"
        } else if (sign == ",") {
            if (want != "comma") stop("a comma where none belongs")
            keep(sign, sign); count[depth]++
            want = opened[depth] == "{" ? "key" : "value"
        } else {
            if (!depth || opened[depth] != (sign == "}" ? "{" : "[")) stop("a bracket where none belongs")
            if (want != "comma" && want != "key or end" && want != "value or end") stop("a bracket where none belongs")
            depth--
            keep(sign, sign); end_value()
        }
    }
    function begin_value(    k) {
        if (want != "value" && want != "value or end") stop(want == "nothing" ? "more than one value" : "a value where none belongs")
        for (k = 0; k <= targets; k++) on_path[k, depth] = depth == 0 || (on_path[k, depth - 1] && leads(k, depth))
        if (!on_path[0, depth] && depth <= steps[0]) return
        if (depth && depth <= steps[0] && opened[depth] == "{" && step_kind[0, depth] == "key") {
            if (first_at[depth] >= 0) printed = first_at[depth]
            first_at[depth] = printed
        }
        if (on_path[0, depth] && depth == steps[0]) {
            in_row = depth + 1
            for (k = 1; k <= targets; k++) pieces[k] = 0
        }
        for (k = 1; k <= targets; k++) if (on_path[k, depth] && depth == steps[k]) { inside[k] = depth + 1; pieces[k] = 0 }
    }
    # Of a text that is itself the value its plain form is kept, of one within an object or array the raw one.
    function keep(raw, plain,    k) {
        if (!in_row) return
        for (k = 1; k <= targets; k++)
            if (inside[k]) piece_of[k, pieces[k]++] = inside[k] == depth + 1 ? plain : raw
    }
    function end_value(    k, i, empty) {
        want = depth ? "comma" : "nothing"
        for (k = 1; k <= targets; k++) if (inside[k] == depth + 1) inside[k] = 0
        if (in_row != depth + 1) return
        in_row = 0
        for (k = 1; k <= targets; k++) {
            if (k > 1) out[printed++] = "\t"
            empty = 1
            for (i = 0; i < pieces[k]; i++) { if (piece_of[k, i] != "") empty = 0; out[printed++] = piece_of[k, i] }
            if (empty && fields > 0) out[printed++] = "-"
        }
        out[printed++] = "\n"
    }
    ' "$@"
}

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

# The emergency stop, a whole program. It needs a POSIX sh such as bash 3.2, curl, openssl, awk and od: no bot, no database, no
# Python, no room on a disk. So it has no array, no `local`, no here-document (some shells keep those in a file), and nothing
# else that came with bash 4. There is no errexit: whatever fails, the rest goes on, and the end says what holds.
#
# First the HALT file, then the running bot, then the exchange; then all of it is read again until it is proved. Who presses it
# twice has it proved once more; two at the same time do not hinder each other, and no lock holds it up.
#
# EMERGENCY_SECONDS is the time for the exchange (60); after it the stop says what is left. EMERGENCY_QUIET is how long nothing
# may come any more (5): an order that was signed longer ago than that is not taken by the exchange.

stop_help() {
    printf '%s\n' \
        "emergency_stop.sh: stops trading, now. Without arguments: no new entries. It never asks at levels 1 and 2." \
        "" \
        "  --level 1          no new entries; what rests may still be filled, positions keep their stops (the default)" \
        "  --level 2          and entries that rest are cancelled; stops and targets stay" \
        "  --level 3          and every position is closed at the market; it does level 2 at once, then wants the mode typed" \
        "  --confirm MODE     simulator, vst or live: typed beforehand, for level 3" \
        "  --reason TEXT      what others shall read" \
        "  --platform NAME    local, compose; kubernetes and systemd take everything from the environment" \
        "  --dry-run          only reads, and says what it would do" \
        "  --list, --plan     the steps; with their commands" \
        "  --yes              says nothing new: only level 3 asks, and only for the mode" \
        "" \
        "It ends with 0 when it is proved, 9 when it is done and not proved, 1 when nothing could be done, 2 for wrong" \
        "arguments, 4 when level 3 was not confirmed (level 2 is done then), 3 when a dry run could not read everything." \
        "Nothing here opens trading again: python -m bot resume does, by a person and with a reason."
}

stop_list() {
    printf '%s\n' \
        "latch     write HALT into the control directory" \
        "bot       tell the running bot" \
        "exchange  level 2: cancel entries; level 3: close positions, then cancel what is left" \
        "verify    read bot and exchange until it is proved"
}

stop_plan() {
    printf '%s\n' \
        "latch     \$CONTROL_DIR/HALT: '<level> <reason>', at once; a level that is higher stays; on a full disk the file is" \
        "          empty, which is level 1, and the level is tried again with each round" \
        "bot       POST /trading {\"level\": N, \"at_least\": true, ...}; nobody waits for the answer" \
        "exchange  GET /openApi/swap/v2/trade/openOrders and GET /openApi/swap/v2/user/positions, round after round" \
        "  level 2 DELETE /openApi/swap/v2/trade/order for each order that could make a position larger, one by one: what only" \
        "          makes one smaller stays. Can the orders not be read, from the third round: DELETE .../allOpenOrders?type=LIMIT" \
        "  level 3 POST /openApi/swap/v1/trade/closePosition for each position; if it is there in the next round POST" \
        "          /openApi/swap/v2/trade/order at the market against its own side, and so on by turns. Once nothing was held" \
        "          for ${EMERGENCY_QUIET:-5} s: DELETE .../order for each order that is left. A position that stays keeps its stop" \
        "verify    two reads and ${EMERGENCY_QUIET:-5} s after the latch: level 1 no order came that could make a position larger," \
        "          and none became larger; level 2 there is no such order, none became larger, and stops cover every position;" \
        "          level 3 no position and no order" \
        "          GET /status of the bot, if it answers, shows the level; else HALT is read back" \
        "Within ${EMERGENCY_SECONDS:-60} s; after that it says what is left, and ends with 9."
}

# ---- words

stop_say() {
    printf '%s %s\n' "$(date -u +%H:%M:%S)" "$1"
}

stop_warn() {
    printf '%s %s\n' "$(date -u +%H:%M:%S)" "$1" >&2
}

# The same trouble is told once in a row.
stop_trouble() {
    test "$1" = "$stop_told" || stop_warn "$1"
    stop_told=$1
}

stop_quoted() {
    printf '%s' "$1" | sed 's/[\\"]/\\&/g'
}

stop_secret() {
    if test -n "$1"; then tr -d ' \t\r\n' <"$1" 2>/dev/null; else printf '%s' "$2"; fi
}

# ---- what is asked

stop_arguments() {
    stop_level=1 stop_reason="" stop_platform="" stop_confirm="" stop_do=stop
    while test "$#" -gt 0; do
        stop_flag=$1
        shift
        case "$stop_flag" in
            --help | -h) stop_do=help ;;
            --list) stop_do=list ;;
            --plan) stop_do=plan ;;
            --dry-run) stop_do=look ;;
            --yes) ;;
            --level | --reason | --platform | --confirm)
                if test "$#" = 0; then
                    stop_usage "$stop_flag wants a value"
                    return 2
                fi
                case "$stop_flag" in
                    --level) stop_level=$1 ;;
                    --reason) stop_reason=$1 ;;
                    --platform) stop_platform=$1 ;;
                    *) stop_confirm=$1 ;;
                esac
                shift
                ;;
            *)
                stop_usage "no such argument: $stop_flag"
                return 2
                ;;
        esac
    done
    case "$stop_level" in
        1 | 2 | 3) ;;
        *)
            stop_usage "--level is 1, 2 or 3"
            return 2
            ;;
    esac
    case "$stop_platform" in
        "" | local | compose | kubernetes | systemd) ;;
        *)
            stop_usage "--platform is local, compose, kubernetes or systemd"
            return 2
            ;;
    esac
    stop_reason=$(printf '%s' "${stop_reason:-emergency stop}" | tr '\000-\037\177' ' ')
    # Longer ones the bot refuses; a letter that is cut in two would be refused as well.
    if test "${#stop_reason}" -gt 400; then stop_reason=$(printf '%.400s' "$stop_reason" | tr -c ' -~' '?'); fi
}

stop_usage() {
    printf 'NOTHING WAS STOPPED: %s; without arguments it stops new entries, --help tells more\n' "$1" >&2
}

# ---- where

stop_variables="CONTROL_DIR HTTP_HOST HTTP_PORT ADMIN_TOKEN ADMIN_TOKEN_FILE TRADING_MODE BINGX_BASE_URL SIMULATOR_HOST
    BINGX_API_KEY BINGX_API_KEY_FILE BINGX_SECRET_KEY BINGX_SECRET_KEY_FILE"

# Sets stop_found to the platforms that could be meant.
stop_find() {
    case "$0" in
        */*) stop_root=${0%/*}/.. ;;
        *) stop_root=.. ;;
    esac
    stop_root=$(cd "$stop_root" 2>/dev/null && pwd) || stop_root=.
    stop_home=${TRADEWATCH_HOME:-$stop_root/.local}
    stop_compose=$stop_root/.local/compose
    stop_found="" stop_elsewhere=""
    test "$stop_platform" != kubernetes || stop_elsewhere="; write it in the pod: kubectl exec POD -- sh -c 'echo $stop_level stop >\$CONTROL_DIR/HALT'"
    case "$stop_platform" in
        local | compose) stop_found=$stop_platform ;;
        kubernetes | systemd)
            stop_found=environment
            stop_say "platform $stop_platform: directory, keys and addresses are taken from the environment alone"
            ;;
        *)
            if test -n "${CONTROL_DIR:-}${BINGX_API_KEY:-}${BINGX_API_KEY_FILE:-}"; then
                stop_found=environment
            else
                test ! -f "$stop_home/env" || stop_found=local
                test ! -d "$stop_compose/secrets" || stop_found="$stop_found compose"
            fi
            ;;
    esac
    stop_found=${stop_found# }
    stop_found=${stop_found:-environment}
}

# Sets the variables to what holds on a platform. One platform's are never mixed with another's.
stop_take() {
    case "$1" in
        local)
            stop_values=$(
                for stop_name in $stop_variables; do unset "$stop_name"; done
                eval "$(cat "$stop_home/env")" >/dev/null 2>&1
                for stop_name in $stop_variables; do eval "printf '%s=%s\n' $stop_name \"\${$stop_name:-}\""; done
            )
            for stop_name in $stop_variables; do
                stop_value=$(printf '%s\n' "$stop_values" | sed -n "s/^$stop_name=//p")
                eval "$stop_name=\$stop_value"
            done
            ;;
        compose)
            for stop_name in $stop_variables; do eval "$stop_name="; done
            CONTROL_DIR=$stop_compose/control
            HTTP_PORT=$(stop_of_compose BOT_PORT 8080)
            ADMIN_TOKEN_FILE=$stop_compose/secrets/admin_token
            TRADING_MODE=simulator
            BINGX_BASE_URL=http://127.0.0.1:$(stop_of_compose SIMULATOR_PORT 8090)
            BINGX_API_KEY_FILE=$stop_compose/secrets/bingx_api_key
            BINGX_SECRET_KEY_FILE=$stop_compose/secrets/bingx_secret_key
            ;;
        *) CONTROL_DIR=${CONTROL_DIR:-$stop_root/.local/control} ;;
    esac
    TRADING_MODE=${TRADING_MODE:-simulator}
    export TRADING_MODE BINGX_BASE_URL SIMULATOR_HOST BINGX_API_KEY_FILE BINGX_SECRET_KEY_FILE
    stop_bot=${HTTP_HOST:-127.0.0.1}
    case "$stop_bot" in
        0.0.0.0) stop_bot=127.0.0.1 ;;
        ::) stop_bot='[::1]' ;;
        *:*) stop_bot="[$stop_bot]" ;;
        *) ;;
    esac
    stop_bot=http://$stop_bot:${HTTP_PORT:-8080}
}

# A port of docker-compose.yml: the shell's variable, else that of .env.
stop_of_compose() {
    eval "stop_value=\${$1:-}"
    test -n "$stop_value" || stop_value=$(sed -n "s/^$1=\([0-9]*\).*/\1/p" "$stop_root/.env" 2>/dev/null | tail -n 1)
    printf '%s' "${stop_value:-$2}"
}

# Of several the one whose exchange answers to its keys; else the first.
stop_choose() {
    stop_chosen=""
    for stop_one in $stop_found; do
        stop_take "$stop_one"
        if test "$stop_found" = "$stop_one" || exchange_ask /openApi/swap/v2/user/positions >/dev/null 2>&1; then
            stop_chosen=$stop_one
            break
        fi
    done
    if test -z "$stop_chosen"; then
        stop_chosen=${stop_found%% *}
        stop_take "$stop_chosen"
    fi
    case "$stop_found" in
        *" "*) stop_say "found $stop_found; going on with $stop_chosen, --platform says otherwise" ;;
        *) ;;
    esac
}

# ---- the latch

# Sets stop_held to the level that HALT in the directory says: by the rules of the bot whatever is there is a level.
stop_read_latch() {
    stop_held=0 stop_word=""
    if test ! -e "$1/HALT" && test ! -h "$1/HALT"; then return; fi
    if test -f "$1/HALT" && test ! -h "$1/HALT"; then { read -r stop_word _ <"$1/HALT"; } 2>/dev/null; fi
    while :; do
        case "$stop_word" in
            *[:,.\;]) stop_word=${stop_word%?} ;;
            *) break ;;
        esac
    done
    case "$stop_word" in
        1 | 2 | 3) stop_held=$stop_word ;;
        *) stop_held=1 ;;
    esac
}

# Makes HALT in CONTROL_DIR say at least the level.
stop_latch() {
    if test ! -e "$CONTROL_DIR/tradewatch-control"; then
        stop_held=0
        stop_latch_trouble="NO LATCH: there is no control directory $CONTROL_DIR with a file tradewatch-control on this machine${stop_elsewhere}"
        return 1
    fi
    stop_read_latch "$CONTROL_DIR"
    test "$stop_held" -lt "$stop_level" || return 0
    stop_line="$stop_level $stop_reason, by $stop_who"
    stop_new=$CONTROL_DIR/.HALT.$$
    stop_back=""
    { printf '%s\n' "$stop_line" >"$stop_new" && IFS= read -r stop_back <"$stop_new"; } 2>/dev/null
    if test "$stop_back" = "$stop_line"; then
        # A link is made only where nothing is, so nobody's higher level is lowered by one that comes at the same time.
        if test "$stop_held" != 0 || ! ln "$stop_new" "$CONTROL_DIR/HALT" 2>/dev/null; then
            stop_read_latch "$CONTROL_DIR"
            if test "$stop_held" -lt "$stop_level" && test ! -d "$CONTROL_DIR/HALT"; then mv -f "$stop_new" "$CONTROL_DIR/HALT" 2>/dev/null; fi
        fi
    else
        # A full disk has often room for a name.
        (set -C && : >"$CONTROL_DIR/HALT") 2>/dev/null
    fi
    rm -f "$stop_new" 2>/dev/null
    stop_read_latch "$CONTROL_DIR"
    test "$stop_held" -lt "$stop_level" || return 0
    stop_latch_trouble="the latch says only level $stop_held: $CONTROL_DIR/HALT cannot be written"
    test "$stop_held" != 0 || stop_latch_trouble="NO LATCH: $CONTROL_DIR/HALT cannot be written"
    return 1
}

# Latches each platform that could be meant, before anything is asked of a network.
stop_latch_all() {
    for stop_one in $stop_found; do
        stop_take "$stop_one"
        if stop_latch; then
            stop_say "latch: $CONTROL_DIR/HALT says level $stop_held"
        else
            stop_warn "$stop_latch_trouble; the rest goes on"
        fi
    done
    stop_latched_at=$(date +%s)
    # So that it outlives a power cut; a disk that is ill may take minutes.
    (sync >/dev/null 2>&1 &)
}

# ---- the bot

# Calls the bot: status code in stop_status, its JSON in stop_answer. The token is read from standard input by curl.
stop_call_bot() {
    stop_answer=$(
        {
            printf 'url = "%s%s"\nsilent\nnoproxy = "*"\nconnect-timeout = 1\nmax-time = %s\n' "$stop_bot" "$1" "$2"
            printf 'write-out = "\\n%%{http_code}"\n'
            if test -n "$3"; then
                printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "$(stop_quoted "$3")"
                printf 'header = "Authorization: Bearer %s"\n' "$stop_token"
            fi
        } | curl -q --config - 2>/dev/null
    ) || {
        stop_status=000
        return 1
    }
    stop_status=${stop_answer##*
}
    stop_answer=${stop_answer%
*}
}

# In the background: a bot that is frozen takes the call and never answers.
stop_tell_bot() {
    stop_token=$(stop_secret "${ADMIN_TOKEN_FILE:-}" "${ADMIN_TOKEN:-}")
    case "$stop_token" in
        "" | *[!!-~]* | *[\"\\]*)
            stop_warn "bot: no ADMIN_TOKEN to tell it by; it reads the latch"
            return
            ;;
        *) ;;
    esac
    stop_body="{\"level\": $stop_level, \"at_least\": true, \"reason\": \"$(stop_quoted "$stop_reason")\", \"who\": \"$(stop_quoted "$stop_who")\"}"
    if ! stop_call_bot /trading 4 "$stop_body"; then
        stop_warn "bot: does not answer at $stop_bot; the latch holds it when it wakes or starts"
        return
    fi
    case "$stop_status" in
        200) stop_say "bot: $(printf '%s' "$stop_answer" | json .summary 2>/dev/null)" ;;
        *) stop_warn "bot: HTTP $stop_status $(printf '%s' "$stop_answer" | json .error 2>/dev/null)" ;;
    esac
}

# Sets stop_bot_level to what the bot says, "" if it does not answer.
stop_ask_bot() {
    stop_bot_level=""
    if stop_call_bot /status 2 ""; then
        stop_bot_level=$(printf '%s' "$stop_answer" | json .switch.level 2>/dev/null) || stop_bot_level=""
    fi
    case "$stop_bot_level" in
        [0-3]) ;;
        *) stop_bot_level="" ;;
    esac
}

# ---- the exchange

# Makes a call; stop_answer has its JSON, or why there is none. Returns what exchange_call does.
stop_call() {
    stop_rc=0
    stop_answer=$(exchange_call "$@" 2>&1) || stop_rc=$?
    test "$stop_rc" != 0 || return 0
    stop_answer=${stop_answer##*exchange: }
    stop_until=""
    # The text of a ban says in milliseconds when it is over.
    test "$stop_rc" != 3 || stop_until=$(printf '%s .' "$stop_answer" | sed -n 's/.*[^0-9]\([0-9]\{10\}\)[0-9]\{3\}[^0-9].*/\1/p')
    return "$stop_rc"
}

# Prints the fields of each element of a list, and fails where that is no list.
stop_rows() {
    stop_path=$1
    shift
    if printf '%s' "$stop_answer" | json "${stop_path}[]" "$@" 2>/dev/null; then return; fi
    case "$(printf '%s' "$stop_answer" | json "$stop_path" 2>/dev/null)" in
        "[]" | null) ;;
        *) return 1 ;;
    esac
}

# Reads orders and positions, and sorts them into stop_book, a word for each:
#   E|id|symbol|what      an order that could make a position larger
#   G|id|symbol|what      one that can only make one smaller, and waits for its price: a stop or a target
#   R|id|symbol|what      one that can only make one smaller, and rests: it may keep the position from being closed
#   P|id|symbol|LONG or SHORT|quantity|mode     a position; in one-way mode the exchange calls its side BOTH
#   N|symbol|side|quantity      how much of a position no stop covers
stop_read_book() {
    stop_orders="" stop_positions="" stop_orders_read="" stop_positions_read=""
    if stop_call GET /openApi/swap/v2/user/positions; then
        if stop_positions=$(stop_rows .data .positionId .symbol .positionSide .positionAmt .onlyOnePosition); then stop_positions_read=yes; fi
    fi
    test -n "$stop_positions_read" || stop_unread positions
    test "$stop_rc" != 2 || return 2
    if stop_call GET /openApi/swap/v2/trade/openOrders; then
        if stop_orders=$(stop_rows .data.orders .orderId .symbol .side .positionSide .type .origQty .executedQty .reduceOnly .closePosition); then stop_orders_read=yes; fi
    fi
    test -n "$stop_orders_read" || stop_unread orders
    test -z "$stop_orders_read" || test -z "$stop_positions_read" || stop_refusals=0
    stop_book=$(
        {
            printf '%s\n' "$stop_positions" | sed 's/^/P	/'
            printf '%s\n' "$stop_orders" | sed 's/^/O	/'
        } | awk -F '\t' '
            function size(text) { sub(/^-/, "", text); return text }
            $1 == "P" && $5 + 0 != 0 {
                side = $4
                if (side == "BOTH") side = $5 + 0 < 0 ? "SHORT" : "LONG"
                mode = $6 == "true" || $4 == "BOTH" ? "one" : "hedge"
                held[$3, side] = size($5); order[++n] = $3 SUBSEP side
                printf "P|%s|%s|%s|%s|%s\n", $2, $3, side, size($5), mode
            }
            $1 == "O" && NF > 9 {
                against = $4 == "BUY" ? "SHORT" : "LONG"
                waits = $6 ~ /STOP|TAKE_PROFIT/
                closes = $5 == "LONG" || $5 == "SHORT" ? $5 == against : $9 == "true" || $10 == "true" || (waits && ($3, against) in held)
                printf "%s|%s|%s|%s-%s-%s\n", closes ? (waits ? "G" : "R") : "E", $2, $3, $4, $5, $6
                if (!closes || $6 !~ /^STOP/) next
                cover[$3, against] += $10 == "true" ? held[$3, against] : $7 - $8
            }
            END {
                for (i = 1; i <= n; i++) {
                    bare = held[order[i]] - cover[order[i]]
                    split(order[i], name, SUBSEP)
                    if (bare > held[order[i]] / 1000000) printf "N|%s|%s|%.10g\n", name[1], name[2], bare
                }
            }'
    )
}

stop_unread() {
    stop_trouble "exchange: the $1 cannot be read: $stop_answer"
    stop_troubled=yes
    # What is wrong with the keys does not pass, and the exchange bans who asks on.
    if test "$stop_rc" = 1; then stop_refusals=$((stop_refusals + 1)); fi
    stop_wait_until "$stop_until"
}

stop_wait_until() {
    case "$1" in
        "") ;;
        *)
            stop_pause=$(($1 - $(date +%s) + 1))
            # It may be for one kind of call alone.
            test "$stop_pause" -lt 10 || stop_pause=10
            ;;
    esac
}

# Prints one kind of the book.
stop_of() {
    for stop_row in $stop_book; do
        case "$stop_row" in
            "$1|"*) printf '%s\n' "${stop_row#*|}" ;;
            *) ;;
        esac
    done
}

stop_fields() {
    stop_a=${1%%|*} stop_b=${1#*|} stop_c=""
    case "$stop_b" in
        *"|"*) stop_c=${stop_b#*|} stop_b=${stop_b%%|*} ;;
        *) ;;
    esac
}

# Cancels each order of a kind, one by one: no call that cancels many could tell a stop from an entry.
stop_cancel() {
    for stop_order in $(stop_of "$1"); do
        if stop_is_late; then return; fi
        stop_fields "$stop_order"
        if stop_call DELETE /openApi/swap/v2/trade/order "symbol=$stop_b&orderId=$stop_a"; then
            stop_say "exchange: cancelled $stop_b $stop_c"
        else
            stop_trouble "exchange: $stop_b $stop_c is not cancelled yet: $stop_answer"
            stop_wait_until "$stop_until"
            test "$stop_rc" != 3 || return
        fi
        stop_breathe
    done
}

# The exchange takes ten calls of a kind in a second.
stop_breathe() {
    sleep 0.1 2>/dev/null || sleep 1
}

# Closes each position by its own side, by turns in the two ways that the exchange has: one of them may be what is broken.
stop_close() {
    stop_turn=$((stop_turn + 1))
    for stop_position in $(stop_of P); do
        if stop_is_late; then return; fi
        stop_fields "$stop_position"
        stop_side=${stop_c%%|*} stop_quantity=${stop_c#*|}
        stop_mode=${stop_quantity#*|} stop_quantity=${stop_quantity%%|*}
        if test "$((stop_turn % 2))" = 1; then
            stop_call POST /openApi/swap/v1/trade/closePosition "positionId=$stop_a"
        else
            stop_way="side=SELL"
            test "$stop_side" = LONG || stop_way="side=BUY"
            if test "$stop_mode" = one; then stop_way="$stop_way&positionSide=BOTH&reduceOnly=true"; else stop_way="$stop_way&positionSide=$stop_side"; fi
            stop_call POST /openApi/swap/v2/trade/order "symbol=$stop_b&$stop_way&type=MARKET&quantity=$stop_quantity"
        fi
        if test "$stop_rc" = 0; then
            stop_say "exchange: closing $stop_b $stop_side $stop_quantity"
        else
            stop_trouble "exchange: $stop_b $stop_side $stop_quantity is not closed yet: $stop_answer"
            stop_wait_until "$stop_until"
            test "$stop_rc" != 3 || return
        fi
        stop_breathe
    done
}

# Not in the first round: everything is tried once, however long that takes.
stop_is_late() {
    test "$stop_rounds" -gt 0 && test "$(date +%s)" -ge "$stop_deadline"
}

# One round: read, do, and say in stop_clean whether it found nothing to do.
stop_round() {
    stop_clean="" stop_pause=1 stop_troubled=""
    stop_latch || stop_trouble "$stop_latch_trouble"
    stop_read_book || return
    stop_entries=$(stop_of E)
    stop_held_positions=$(stop_of P)
    stop_see_growth
    if test "$stop_level" = 1; then
        if test -n "$stop_orders_read"; then
            if test -n "$stop_before_read" && test -z "$stop_grew"; then stop_clean=yes; fi
            for stop_order in $stop_entries; do
                case " $stop_before " in
                    *" ${stop_order%%|*} "*) ;;
                    *) test -z "$stop_clean" || {
                        stop_clean=""
                        stop_warn "exchange: a new order came: $stop_order"
                    } ;;
                esac
            done
            stop_before=""
            for stop_order in $stop_entries; do stop_before="$stop_before ${stop_order%%|*}"; done
            stop_before_read=yes
        fi
        return
    fi
    stop_cancel E
    test "$stop_level" = 2 || stop_cancel R
    test -n "$stop_orders_read" || stop_do_blindly orders LIMIT DELETE /openApi/swap/v2/trade/allOpenOrders type=LIMIT
    if test "$stop_level" = 3; then
        stop_close
        test -n "$stop_positions_read" || stop_do_blindly positions "" POST /openApi/swap/v2/trade/closeAllPositions
        if test -z "$stop_positions_read" || test -n "$stop_held_positions"; then stop_flat_since=""; fi
        if test -n "$stop_positions_read" && test -z "$stop_held_positions"; then
            stop_flat_since=${stop_flat_since:-$(date +%s)}
            # A position may be there for a moment before it is listed, and its stop is listed at once.
            if test -z "$stop_entries" && test "$(($(date +%s) - stop_flat_since))" -gt "$stop_quiet"; then stop_cancel G; fi
        fi
    fi
    if test -n "$stop_orders_read" && test -n "$stop_positions_read" && test -z "$stop_entries"; then
        if test "$stop_level" = 2; then
            test -n "$stop_grew" || stop_clean=yes
        elif test -z "$stop_held_positions$(stop_of G)$(stop_of R)"; then
            stop_clean=yes
        fi
    fi
}

# Sets stop_grew to what became larger since the last round, for an order at the market is in no list of orders; and to
# something where nobody saw it.
stop_see_growth() {
    stop_grew=unseen
    test -n "$stop_positions_read" || return 0
    stop_grew=""
    if test -n "$stop_held_read"; then
        stop_grew=$(
            printf '%s\n--\n%s\n' "$stop_held_before" "$stop_held_positions" | awk -F '|' '
                $0 == "--" { now = 1 }
                NF < 4 { next }
                now { held[$2 " " $3] += $4; next }
                { was[$2 " " $3] += $4 }
                END { for (key in held) if (held[key] > was[key] * 1.000001) printf "%s, %.10g before, %.10g now\n", key, was[key], held[key] }'
        )
        test -z "$stop_grew" || stop_warn "exchange: a position became larger: $stop_grew"
    fi
    stop_held_before=$stop_held_positions stop_held_read=yes
}

# What cannot be read is done for all at once, from the third round on, until the exchange says that nothing of it failed.
# Stops and targets that wait for their price are not LIMIT.
stop_do_blindly() {
    test "$stop_rounds" -ge 2 || return 0
    case "$stop_ended" in *"$1"*) return 0 ;; *) ;; esac
    stop_name=$1
    stop_what="all ${2:+$2 }$1 at once"
    shift 2
    if ! stop_call "$@"; then
        stop_trouble "exchange: not even $stop_what can be ended: $stop_answer"
        return 0
    fi
    # HTTP 200 and code 0 say only that it was tried.
    stop_failed=$(printf '%s' "$stop_answer" | json '.data.failed[]' 2>/dev/null | grep -c .)
    if test "$stop_failed" = 0; then
        stop_ended="$stop_ended $stop_name"
        stop_say "exchange: asked for the end of $stop_what, for they cannot be read"
    else
        stop_trouble "exchange: of $stop_what, $stop_failed could not be ended"
    fi
}

stop_begin() {
    stop_deadline=$(($(date +%s) + ${EMERGENCY_SECONDS:-60}))
    stop_before="" stop_before_read="" stop_held_before="" stop_held_read="" stop_calm=0 stop_flat_since="" stop_turn=0 stop_refusals=0 stop_unheld=0
    stop_backoff=1 stop_proved="" stop_rounds=0 stop_rc=0 stop_book="" stop_ended=""
}

# Goes on until it is proved, or the time is over, or there is nothing that could be asked.
stop_work() {
    while :; do
        stop_round
        test "$stop_rc" != 2 && test "$stop_refusals" -lt 12 || return
        if test -n "$stop_clean"; then stop_calm=$((stop_calm + 1)); else stop_calm=0; fi
        if test "$stop_calm" -ge 2 && test "$(($(date +%s) - stop_latched_at))" -gt "$stop_quiet"; then
            if stop_is_held; then
                stop_proved=yes
                return
            fi
            # The exchange is quiet; who is not held now will not be by waiting.
            stop_unheld=$((stop_unheld + 1))
            test "$stop_unheld" -lt 5 || return
        fi
        # Not by the clock alone: somebody may set it back.
        stop_rounds=$((stop_rounds + 1))
        if stop_is_late || test "$stop_rounds" -gt 90; then return; fi
        stop_rest
    done
}

stop_rest() {
    if test -n "$stop_troubled" && test "$stop_pause" = 1; then
        stop_pause=$stop_backoff
        test "$stop_backoff" -ge 8 || stop_backoff=$((stop_backoff * 2))
    elif test -z "$stop_troubled"; then
        stop_backoff=1
    fi
    stop_left=$((stop_deadline - $(date +%s)))
    test "$stop_pause" -le "$stop_left" || stop_pause=$stop_left
    test "$stop_pause" -gt 0 || stop_pause=1
    sleep "$stop_pause"
}

# Whether whoever places orders is held: the bot says so, or does not answer and the latch waits for it.
stop_is_held() {
    stop_ask_bot
    if test -n "$stop_bot_level"; then
        test "$stop_bot_level" -ge "$stop_level" && return
        stop_trouble "bot: it answers, and is at level $stop_bot_level: $CONTROL_DIR is perhaps not its own CONTROL_DIR"
        return 1
    fi
    stop_read_latch "$CONTROL_DIR"
    test -e "$CONTROL_DIR/tradewatch-control" && test "$stop_held" -ge "$stop_level"
}

# ---- level 3 is confirmed by a person

# Returns 0 if positions may be closed.
stop_confirmed() {
    if test -z "$stop_confirm" && test -t 0; then
        printf 'LEVEL 3 CLOSES EVERY POSITION of this account, at the market: %s\n' \
            "$(stop_of P | awk -F '|' '{ printf "%s%s %s %s", (NR > 1 ? ", " : ""), $2, $3, $4 }')" >&2
        printf 'Level 2 is under way. Type the mode, which is %s, to close them; anything else stays at level 2: ' "$TRADING_MODE" >&2
        read -r stop_confirm || stop_confirm=""
    fi
    test "$stop_confirm" = "$TRADING_MODE"
}

# ---- what is told at the end

stop_by_hand() {
    printf '%s\n' "What has to be done by hand, in the exchange's app or on its site, with the account of the bot:" \
        "  1. Futures, Open Orders: look whether orders come that nobody placed." >&2
    if test "$stop_level" -ge 2; then
        printf '%s\n' "  2. Cancel each limit or trigger order that OPENS a position. Leave stop loss and take profit alone." >&2
    fi
    if test "$stop_level" = 3; then
        printf '%s\n' "  3. Futures, Positions: close each at the market; then cancel what is left of stops." >&2
    fi
    printf '%s\n' "  If orders still come: API Management, delete the bot's key. That cancels nothing that rests." >&2
}

stop_tell_rest() {
    for stop_row in $stop_book; do
        stop_plain=$(printf '%s' "${stop_row#*|}" | tr '|' ' ')
        case "$stop_level$stop_row" in
            1E*) stop_say "rests, may still be filled: $stop_plain" ;;
            [23]E*) stop_warn "LEFT: the entry $stop_plain" ;;
            3P*) stop_warn "LEFT: the position $stop_plain" ;;
            3[GR]*) stop_warn "LEFT: the order $stop_plain" ;;
            [12]N*) stop_warn "WITHOUT A STOP: $stop_plain" ;;
            *) ;;
        esac
    done
}

# Says what holds, and sets stop_code.
stop_end() {
    stop_tell_rest
    stop_bare=""
    test "$stop_level" != 2 || stop_bare=$(stop_of N)
    if test -n "$stop_proved" && test -n "$stop_bot_level"; then
        stop_verdict="STOPPED at level $stop_level, proved at the exchange; the bot is at level $stop_bot_level"
    elif test -n "$stop_proved"; then
        stop_verdict="STOPPED at level $stop_level, proved at the exchange; the bot does not answer, and the latch holds it when it wakes or starts"
    fi
    stop_code=0
    stop_latch
    if test -z "$stop_proved"; then
        stop_ask_bot
        stop_seen="not seen quiet"
        test "$stop_calm" -lt 2 || stop_seen=quiet
        stop_verdict="NOT PROVED at level $stop_level: latch at level $stop_held, bot ${stop_bot_level:+at level }${stop_bot_level:-silent}, exchange ${stop_seen}"
        stop_code=9
        if test "$stop_held" = 0 && test "${stop_bot_level:-0}" = 0 && test -z "$stop_orders_read$stop_positions_read"; then
            stop_verdict="NOT STOPPED: no latch, no bot, no exchange could be reached; stop the bot's process or machine"
            stop_code=1
        fi
        stop_by_hand
    elif test "$stop_held" -lt "$stop_level"; then
        stop_verdict="$stop_verdict; BUT $stop_latch_trouble"
        stop_code=9
    elif test -n "$stop_bare"; then
        stop_verdict="$stop_verdict; BUT positions are without a stop, see above; --level 3 closes them"
        stop_code=9
    fi
    if test "$stop_code" = 0 && test -n "$stop_refused"; then
        stop_verdict="$stop_verdict; level 3 was NOT CONFIRMED, positions stay: --level 3 --confirm $TRADING_MODE"
        stop_code=4
    fi
    if test "$stop_code" = 0; then stop_say "$stop_verdict"; else stop_warn "$stop_verdict"; fi
}

# A line of the journal; where nothing can be written it goes to standard error.
stop_journal() {
    stop_entry=$(
        printf '{"time": "%s", "runbook": "emergency_stop", "event": "%s", "level": %s, "platform": "%s", "mode": "%s", "who": "%s", "reason": "%s", "result": "%s"}' \
            "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$stop_level" "$stop_chosen" "$(stop_quoted "$TRADING_MODE")" "$(stop_quoted "$stop_who")" \
            "$(stop_quoted "$stop_reason")" "$(stop_quoted "$2")"
    )
    stop_runs=$stop_root/.local/runs
    if test -d "$stop_root/.local"; then mkdir -p "$stop_runs" 2>/dev/null; fi
    { printf '%s\n' "$stop_entry" >>"$stop_runs/emergency_stop.jsonl"; } 2>/dev/null && return
    printf 'journal: %s\n' "$stop_entry" >&2
}

# ---- the two ways to run it

# Only reads.
stop_look() {
    stop_choose
    stop_begin
    stop_read_latch "$CONTROL_DIR"
    stop_say "latch: $CONTROL_DIR/HALT says level $stop_held; would make it at least $stop_level"
    stop_ask_bot
    stop_say "bot: ${stop_bot_level:+at level }${stop_bot_level:-does not answer} at $stop_bot"
    stop_read_book
    if test "$stop_level" -ge 2; then
        for stop_order in $(stop_of E); do stop_say "would cancel: $stop_order"; done
    fi
    if test "$stop_level" = 3; then
        for stop_order in $(stop_of P); do stop_say "would close: $stop_order"; done
        for stop_order in $(stop_of R); do stop_say "would cancel: $stop_order"; done
        for stop_order in $(stop_of G); do stop_say "would cancel, once nothing is held: $stop_order"; done
    fi
    for stop_order in $(stop_of N); do stop_say "without a stop: $stop_order"; done
    test -e "$CONTROL_DIR/tradewatch-control" && test -n "$stop_bot_level" && test -n "$stop_orders_read" && test -n "$stop_positions_read" || return 3
}

stop_press() {
    stop_asked=$stop_level stop_refused=""
    if test "$stop_level" = 3; then stop_level=2; fi
    stop_latch_all
    stop_choose
    if test "$stop_asked" = 3 && test -n "$stop_confirm" && stop_confirmed; then
        stop_level=3
        stop_latch || stop_trouble "$stop_latch_trouble"
    fi
    stop_tell_bot &
    stop_journal begin ""
    EXCHANGE_AHEAD_MS=$(exchange_ahead_ms 2>/dev/null) || EXCHANGE_AHEAD_MS=0
    export EXCHANGE_AHEAD_MS
    stop_begin
    if test "$stop_asked" = 3 && test "$stop_level" = 2; then
        stop_round
        if stop_confirmed; then
            stop_level=3
            stop_latch || stop_trouble "$stop_latch_trouble"
            stop_tell_bot &
        else
            stop_refused=yes
        fi
        stop_begin
    fi
    stop_work
    wait
    stop_end
    stop_journal end "$stop_verdict"
    return "$stop_code"
}

stop_main() {
    # A trace of the shell would show the token.
    { set +x; } 2>/dev/null
    set -uf
    unset CDPATH
    IFS=' 	
'
    export LC_ALL=C
    umask 022
    # Whoever reads along may go away; the stop goes on.
    trap '' PIPE
    stop_arguments "$@" || return
    case "$stop_do" in
        help) stop_help && return ;;
        list) stop_list && return ;;
        plan) stop_plan && return ;;
        *) ;;
    esac
    stop_told="" stop_pause=1 stop_chosen="" stop_bot_level="" stop_quiet=${EMERGENCY_QUIET:-5}
    stop_who=$(printf '%.64s' "${SUDO_USER:-${USER:-$(id -un 2>/dev/null)}}@$(hostname 2>/dev/null)" | tr -c ' -~' '?')
    stop_find
    stop_half="INTERRUPTED: the latch stays as it is, the exchange may be half done; press again to go on"
    trap 'stop_warn "$stop_half"; exit 130' INT
    trap 'stop_warn "$stop_half"; exit 143' TERM
    if test "$stop_do" = look; then stop_look; else stop_press; fi
}

# Nothing is read of this file after it began: it may be made anew meanwhile.
main() {
    stop_main "$@"
    exit "$?"
}

main "$@"
