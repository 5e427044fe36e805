# shellcheck shell=bash
# Words that ask the bot, and that close and open its switch.

# bot_get PATH: prints what the bot answers; fails if it does not answer, or answers no to the question.
# What it says with 503, as /health does while it is not ready, is an answer.
bot_get() {
    bot__call GET "${1:?a path}" '' | bot__body '200|503'
}

# bot_post PATH JSON: prints the answer; fails unless it is 200. Then what the bot said against it is printed as well.
bot_post() {
    needs_action bot_post || return
    bot__call POST "${1:?a path}" "${2:?JSON}" | bot__body 200
}

# Prints the level that holds.
switch_level() {
    local told
    told=$(bot_get /status) || return
    json .switch.level <<<"$told"
}

# What the control directory says, whether the bot lives or not.
switch_latch() {
    local file=${CONTROL_DIR:?the control directory is not known here}/HALT
    if [[ -e $file || -L $file ]]; then
        echo "the HALT file closes at level $(bot__halt_level "$file"): $(head -c 500 -- "$file" 2>/dev/null | tr '[:cntrl:]' ' ')"
    else
        echo "there is no HALT file"
    fi
}

# switch_close LEVEL REASON: closes at least so far, and opens nothing. The HALT file comes first, because it works with
# the bot dead, too. Prints what holds; fails if nothing does.
switch_close() {
    needs_action switch_close || return
    local level=${1:?a level} reason=${2:?a reason} body told held by_file=0
    [[ $level == [123] ]] || { echo "a level is 1, 2 or 3, and not $level" >&2 && return 1; }
    bot__halt "$level" "$reason" && by_file=1
    body='{"level": '$level', "at_least": true, "reason": '$(bot__text "$reason")', "who": '$(bot__text "$(bot__who)")'}'
    if told=$(bot_post /trading "$body"); then
        json .summary <<<"$told"
        return 0
    fi
    if told=$(bot_get /status 2>/dev/null) && held=$(json .switch.level <<<"$told"); then
        if ((held >= level)); then
            echo "closed at level $held: $(json .switch.reason <<<"$told")"
            return 0
        fi
        echo "NOT HALTED: the bot answers, and its switch is at level $held; is ${CONTROL_DIR-the control directory} its own?" >&2
        return 1
    fi
    if ((by_file)); then
        echo "closed at level $level by the HALT file; the bot does not answer, and reads the file before every order and when it starts"
        return 0
    fi
    echo "NOT HALTED: neither the HALT file nor the bot took it; stop the bot's process (what rests at the exchange stays there)" >&2
    return 1
}

# switch_open SIZE_FACTOR SYMBOLS REASON: opens trading for so much of each quantity and these symbols alone, with
# commas between; '' for all. As `python -m bot resume`: the HALT file is away while the bot decides, and back unless it opens.
switch_open() {
    needs_action switch_open || return
    local factor=${1:?a size factor} symbols=${2?symbols} reason=${3:?a reason} body told
    body='{"level": 0, "reason": '$(bot__text "$reason")', "who": '$(bot__text "$(bot__who)")', "size_factor": '$(bot__text "$factor")
    [[ -z $symbols ]] || body+=', "symbols": ["'${symbols//,/'", "'}'"]'
    body+='}'
    if [[ -z ${CONTROL_DIR-} ]]; then
        in_place bot 15 python -m bot resume --reason "$reason" --size-factor "$factor" ${symbols:+--symbols="$symbols"}
        return
    fi
    bot_get /livez >/dev/null || return
    told=$(bot__without_halt "$body") || return
    json .summary <<<"$told"
    told=$(json .closed_because <<<"$told") || return 0
    [[ $told == null ]] || echo "but it places no orders yet: $told"
}

# bot_metric NAME…: the series of these metrics, as the bot exports them: name, labels and value.
bot_metric() {
    local page IFS=' '
    page=$(bot_get /metrics) || return
    awk -v names="$*" '
        BEGIN { count = split(names, each, " "); for (k = 1; k <= count; k++) wanted[each[k]] = 1 }
        /^[^#]/ { name = $1; sub(/\{.*/, "", name); if (name in wanted) { print; found = 1 } }
        END { exit !found }' <<<"$page"
}

# Whether trading is closed at a level above 0, by the bot's own word.
switch_is_closed() {
    local level
    level=$(switch_level) && [[ $level == [123] ]]
}

evidence_status() { bot_get /status; }
evidence_metrics() { bot_get /metrics; }
evidence_logs() { service_logs bot 400; }

# What fires, by Alertmanager; by Prometheus if that is gone.
evidence_alerts() {
    bot__curl "${ALERTMANAGER_URL:?}/api/v2/alerts?active=true" || bot__curl "${PROMETHEUS_URL:?}/api/v1/alerts"
}

evidence_disk() {
    df -P -k
    df -P -i
}

# What follows is for the words above.

bot__who() {
    echo "${SUDO_USER:-$(id -un)}@$(hostname) by the runbook ${RUNBOOK_ID:-of nobody}" | cut -c 1-64
}

# A text as JSON. Control characters have no place in a reason.
bot__text() {
    local text=${1//[[:cntrl:]]/ }
    text=${text//\\/\\\\}
    printf '"%s"\n' "${text//\"/\\\"}"
}

bot__curl() {
    curl --silent --show-error --fail --noproxy '*' --max-time 4 "$@"
}

# METHOD PATH BODY: prints the body, and in a last line the status. The token goes over standard input: never an argument.
bot__call() {
    local method=$1 path=$2 body=$3 token
    if [[ ${TRADEWATCH_PLATFORM:?} == kubernetes && -z ${BOT_URL-} ]]; then
        in_place bot 8 python -c "$(bot__program)" "$method" "$path" "$body"
        return
    fi
    if [[ $method == GET ]]; then
        curl --silent --show-error --noproxy '*' --max-time 4 --write-out '\n%{http_code}' "${BOT_URL:?}$path"
        return
    fi
    token=${ADMIN_TOKEN-}
    [[ -n $token ]] || token=$(cat "${ADMIN_TOKEN_FILE:?ADMIN_TOKEN_FILE is not set}") || return
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl --config - --silent --show-error --noproxy '*' --max-time 4 --write-out '\n%{http_code}' \
            --header 'Content-Type: application/json' --request "$method" --data-binary "$body" "${BOT_URL:?}$path"
}

# In the bot's own place, with the token that lies there.
bot__program() {
    cat <<'PYTHON'
import os, pathlib, sys, urllib.error, urllib.request
method, path, body = sys.argv[1:]
request = urllib.request.Request(f"http://127.0.0.1:{os.environ.get('HTTP_PORT', 8080)}{path}", method=method)
if method == "POST":
    file = os.environ.get("ADMIN_TOKEN_FILE")
    token = pathlib.Path(file).read_text().strip() if file else os.environ.get("ADMIN_TOKEN", "")
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    request.data = body.encode()
try:
    answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    sys.exit(f"the bot does not answer: {error}")
print(answer.read().decode(), answer.status, sep="\n", end="")
PYTHON
}

# Of what bot__call printed the body; fails unless the status is one of GOOD.
bot__body() {
    local good=$1 told status
    told=$(cat)
    status=${told##*$'\n'}
    if [[ ! $status =~ ^[0-9]{3}$ || $status == 000 ]]; then
        echo "the bot does not answer" >&2
        return 1
    fi
    told=${told%$'\n'*}
    if [[ ! $status =~ ^($good)$ ]]; then
        echo "the bot says $status: $(json .error <<<"$told" 2>/dev/null || echo "$told" | head -c 300)" >&2
        json '.against[]' <<<"$told" 2>/dev/null | sed 's/^/  - /' >&2 || true
        return 1
    fi
    printf '%s\n' "$told"
}

# Writes HALT, unless what is there closes as far or further. Whole or not at all, as the bot writes it.
bot__halt() {
    local level=$1 reason=${2//[[:cntrl:]]/ } folder=${CONTROL_DIR-} there
    if [[ -z $folder ]]; then
        in_place bot 8 python -m bot halt --level "$level" --reason "$reason"
        return
    fi
    if [[ ! -e $folder/tradewatch-control ]]; then
        echo "the HALT file was not written: $folder is no control directory" >&2
        return 1
    fi
    there=$(bot__halt_level "$folder/HALT")
    if ((there >= level)); then
        echo "the HALT file is there: level $there"
        return 0
    fi
    bot__write "$folder" "$level $reason, by $(bot__who)" && echo "wrote the HALT file: level $level"
}

bot__write() {
    local new="$1/.HALT.runbook.$BASHPID"
    if ! { printf '%s\n' "$2" >"$new" && chmod 644 "$new" && sync "$new" && mv -fT "$new" "$1/HALT" && sync "$1"; }; then
        rm -f "$new"
        echo "the HALT file could not be written in $1" >&2
        return 1
    fi
}

# 0 if there is none. Whatever has the name closes, and what cannot be read closes at 1.
bot__halt_level() {
    local word=''
    [[ -e $1 || -L $1 ]] || { echo 0 && return; }
    if [[ -f $1 && ! -L $1 && -r $1 ]]; then
        word=$(head -c 1000 "$1" | tr '[:cntrl:]' ' ' | awk '{ sub(/[:,.;]+$/, "", $1); print $1 }')
    fi
    case $word in
        2 | 3) echo "$word" ;;
        *) echo 1 ;;
    esac
}

# Asks the bot to open while the HALT file is away. It is back unless the bot opened, also if this is stopped meanwhile.
bot__without_halt() (
    local body=$1 file="${CONTROL_DIR:?}/HALT" away="${CONTROL_DIR:?}/.HALT.away.$BASHPID"
    if [[ ! -e $file && ! -L $file ]]; then
        bot_post /trading "$body"
        exit
    fi
    if [[ -d $file ]]; then
        echo "not opened: $file is a folder, take it away by hand" >&2
        exit 1
    fi
    put_back() {
        # Somebody may have halted further meanwhile.
        (($(bot__halt_level "$file") < $(bot__halt_level "$away"))) || { rm -f -- "$away" && return; }
        mv -f -- "$away" "$file" && echo "the HALT file is back" >&2
    }
    trap put_back EXIT
    trap 'exit 143' TERM
    trap 'exit 130' INT
    mv -f -- "$file" "$away" || exit 1
    bot_post /trading "$body" || exit 1
    trap - EXIT
    rm -f -- "$away"
)
