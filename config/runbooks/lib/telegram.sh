# shellcheck shell=bash
# Words about Telegram: the session that reads channels, and the bot of Telegram that tells of trades. No word prints a
# secret, and none is an argument of a program. Uses bot.

# telegram_setting NAME: the value with which the running bot was started, else this shell's; nothing, and 1, if it is not
# set. For settings that are no secrets.
telegram_setting() {
    local value
    case ${1:?a name} in
        *TOKEN | *HASH | *SESSION) fail "$1 is a secret: telegram_credential tells of it" ;;
        *) ;;
    esac
    value=$(telegram__given "$1")
    [[ -n $value ]] && printf '%s\n' "$value"
}

# telegram_credential NAME SHAPE EXAMPLE: says of a secret whether it is set, whether it looks like one, and a fingerprint
# that is keyed with this host's name: the same secret has the same one here, and nobody can look it up elsewhere.
# 1 if it is not set, 2 if it is set and no good.
telegram_credential() {
    local name=${1:?a name} shape=${2:?a shape} example=${3:?an example} value
    value=$(telegram__secret "$name" 2>/dev/null) || value=''
    if [[ -z $value ]]; then
        if [[ -n $(telegram__given "${name}_FILE") ]]; then
            echo "$name: its file cannot be read from here, or is empty"
            return 2
        fi
        echo "$name: not set"
        return 1
    fi
    if [[ ! $value =~ ^$shape$ ]]; then
        echo "$name: set, ${#value} characters, and no such thing looks like that: $example"
        return 2
    fi
    echo "$name: set, ${#value} characters, its shape is right, fingerprint $(telegram__fingerprint "$value")"
}

# telegram_call METHOD [QUERY]: what api.telegram.org (or what plays it) answers the bot's token, asked where the bot runs;
# 1 if there is no token or no answer. An answer that says no is an answer.
telegram_call() {
    local method=${1:?a method} query=${2-} token base rc=0
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes)
            in_place bot 8 python -c "$(telegram__program)" "$method${query:+?$query}"
            return
            ;;
        *) ;;
    esac
    token=$(telegram__secret TELEGRAM_BOT_TOKEN 2>/dev/null) || token=''
    base=$(telegram_setting TELEGRAM_API_URL) || base=https://api.telegram.org
    if [[ ! $token =~ ^[0-9]{1,20}:[A-Za-z0-9_-]{30,}$ ]]; then
        echo "there is no token that could be used" >&2
        return 1
    fi
    printf 'url = "%s/bot%s/%s"\n' "${base%/}" "$token" "$method${query:+?$query}" |
        curl --config - --silent --max-time 8 || rc=$?
    ((rc == 0)) || echo "no answer: $(telegram__curl_word "$rc")" >&2
    return "$rc"
}

# Whether Telegram can be reached from where the bot runs, without any credential. A finding if not.
telegram_reach() {
    local base rc=0 status
    # With the simulator, what it plays is all that the bot talks to.
    base=$(telegram_setting TELEGRAM_API_URL) || base=$(telegram_setting TELEGRAM_SIMULATOR_URL) || base=https://api.telegram.org
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes)
            status=$(in_place bot 8 python -c "$(telegram__program)" "") || rc=$?
            ;;
        *)
            status=$(printf 'url = "%s/"\n' "${base%/}" |
                curl --config - --silent --max-time 8 --output /dev/null --write-out '%{http_code}') || rc=$?
            ;;
    esac
    if ((rc == 0)); then
        echo "${base#*://} answers: HTTP $status"
    else
        finding "${base#*://} cannot be reached from here: $(telegram__curl_word "$rc"). It is the network of this machine, or Telegram is down; the bot tries again by itself"
    fi
}

# How the bot hears its channels: the session, then each channel. A finding for each cause.
telegram_hearing() {
    local told connected reason name chat read silent trouble
    if ! told=$(bot_get /status); then
        finding "the bot does not answer, so nobody hears Telegram: runbooks/bot_down.sh"
        return 0
    fi
    if ! connected=$(json .telegram.connected <<<"$told"); then
        echo "Telegram is off: the bot was started without a session"
        return 0
    fi
    echo "connected: $connected, for $(json .telegram.for_seconds <<<"$told") s"
    if [[ $connected != true ]]; then
        reason=$(json .telegram.reason <<<"$told")
        echo "$reason"
        finding "$(telegram__session_means "$reason")"
    fi
    printf '%-16s %18s %12s %20s  %s\n' channel chat "silent (h)" "read up to" trouble
    for name in $(telegram__channels "$told"); do
        IFS=$'\t' read -r chat read silent trouble < <(
            json ".telegram.channels.$name" .chat .read_up_to .silent_seconds .trouble <<<"$told"
        )
        printf '%-16s %18s %12s %20s  %s\n' "$name" "$chat" "$(awk -v s="$silent" 'BEGIN { printf "%.1f", s / 3600 }')" "$read" "${trouble/null/}"
        [[ $connected != true || $trouble == null || $trouble == - ]] || finding "the channel $name cannot be read: $(telegram__channel_means "$trouble")"
    done
}

# How the notices fare. A finding for each thing that fails.
telegram_notices() {
    local told what said found=''
    if ! told=$(bot_get /status); then
        finding "the bot does not answer, so nobody tells of trades: runbooks/bot_down.sh"
        return 0
    fi
    echo "told: $(json .notices.told <<<"$told")"
    echo "waiting: $(json .notices.waiting <<<"$told")"
    for what in sending commands; do
        said=$(json ".notices.failing.$what" <<<"$told" 2>/dev/null) || continue
        found=yes
        echo "$what: $said"
        finding "${what/sending/notices} in Telegram fail: $(telegram__api_means "$said")"
    done
    if [[ -z $found ]]; then
        said=$(json .notices.failing <<<"$told")
        [[ $said == '{}' ]] || finding "notices fail: $said"
    fi
}

# Whether a restart of the bot brings the session back: it has given up, and since it started somebody has logged in anew;
# what the simulator plays needs no log-in.
telegram_wants_restart() {
    local told started file written
    told=$(bot_get /status) || return
    [[ $(json .telegram.reason <<<"$told") == *"gave up"* ]] || return
    [[ -z $(telegram__given TELEGRAM_SIMULATOR_URL) ]] || return 0
    file=$(telegram__given TELEGRAM_SESSION_FILE)
    started=$(bot_metric process_start_time_seconds | awk '{ printf "%.0f", $2 }') || return
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes) written=$(in_place bot 5 stat -c %Y "$file") || return ;;
        *) written=$(stat -c %Y "$file") || return ;;
    esac
    ((written > started))
}

# Whether the session is connected, by the bot's own word.
telegram_is_connected() {
    local told
    told=$(bot_get /status | json .telegram.connected) && [[ $told == true ]]
}

# telegram_said LINES: what the bot's log says of Telegram.
telegram_said() {
    local lines
    lines=$(service_logs bot 4000) || return
    grep -av '"event": "signal"' <<<"$lines" | grep -aiE 'telegram|channel|message (came late|waits|goes on)|notices|commands' | tail -n "${1:?lines}" ||
        echo "the last 4000 lines do not mention it"
}

# Each credential by presence, shape and fingerprint. A finding for what is half there or cannot be right.
telegram_credentials() {
    local line rc user=0
    local -a missing=()
    if line=$(telegram_setting TELEGRAM_SIMULATOR_URL); then
        echo "the simulator plays the channels, at $line: they need no credentials"
    else
        if line=$(telegram_setting TELEGRAM_API_ID); then
            user=$((user + 1))
            echo "TELEGRAM_API_ID: set, ${#line} characters"
            [[ $line =~ ^[0-9]{1,12}$ ]] || finding "TELEGRAM_API_ID is no number: the bot does not start with it"
        else
            missing+=(TELEGRAM_API_ID)
        fi
        telegram__judged TELEGRAM_API_HASH '[0-9a-f]{32}' "32 hexadecimal digits" && user=$((user + 1)) || missing+=(TELEGRAM_API_HASH)
        telegram__judged TELEGRAM_SESSION '1[A-Za-z0-9_=-]{200,}' "what python -m bot login wrote" && user=$((user + 1)) ||
            missing+=(TELEGRAM_SESSION)
        ((user == 0 || user == 3)) || finding "the session is only half set: ${missing[*]} is missing, and the bot does not start so"
        ((user > 0)) || echo "no session is set: the bot reads no channels"
    fi
    rc=0
    line=$(telegram_setting TELEGRAM_NOTICE_CHAT) || line=''
    telegram__judged TELEGRAM_BOT_TOKEN '[0-9]{1,20}:[A-Za-z0-9_-]{30,}' "digits, a colon, and 30 or more letters" || rc=1
    if ((rc == 0)) && [[ -z $line ]]; then
        finding "TELEGRAM_NOTICE_CHAT is not set, and the bot does not start with a token alone"
    elif ((rc == 0)) && [[ ! $line =~ ^-?[0-9]+$ ]]; then
        finding "TELEGRAM_NOTICE_CHAT is no number of a chat"
    elif ((rc)) && [[ -n $line ]]; then
        finding "TELEGRAM_NOTICE_CHAT is set, and there is no token to write there with"
    elif ((rc)); then
        echo "no token is set: the bot tells nobody of trades"
    fi
}

# What Telegram says of the token.
telegram_token() {
    local told
    if ! told=$(telegram__asked getMe); then
        return 0
    fi
    echo "the token is that of @$(json .result.username <<<"$told")"
}

# What the bot of Telegram may do in the chat of the notices.
telegram_chat() {
    local told chat me kind status may
    if ! chat=$(telegram_setting TELEGRAM_NOTICE_CHAT) || [[ ! $chat =~ ^-?[0-9]+$ ]]; then
        echo "no chat is set"
        return 0
    fi
    told=$(telegram__asked "getChat?chat_id=$chat") || return 0
    kind=$(json .result.type <<<"$told")
    echo "the chat is there: $kind"
    [[ $kind != private ]] || return 0
    told=$(telegram__asked getMe) || return 0
    me=$(json .result.id <<<"$told")
    told=$(telegram__asked "getChatMember?chat_id=$chat&user_id=$me") || return 0
    status=$(json .result.status <<<"$told")
    may=$(json .result.can_send_messages <<<"$told") || may=''
    echo "the bot is there as: $status"
    case $kind/$status/$may in
        */left/* | */kicked/*) finding "the bot is not in the chat of the notices any more: let it in again" ;;
        */restricted/false) finding "the bot may not write in the chat of the notices: give it the right" ;;
        channel/member/*) finding "the chat of the notices is a channel, and only its administrators write there: make the bot one" ;;
        *) ;;
    esac
}

# Whether commands go somewhere else.
telegram_webhook() {
    local told url waiting
    told=$(telegram__asked getWebhookInfo) || return 0
    url=$(json .result.url <<<"$told") || url=''
    waiting=$(json .result.pending_update_count <<<"$told") || waiting=0
    echo "updates that wait: $waiting"
    # Where it leads may hold a secret of whoever set it.
    if [[ -n $url ]]; then
        finding "a webhook takes the commands of this token: another program uses it, or did; give each its own token, or delete the webhook"
    fi
    ((waiting < 100)) || finding "$waiting updates wait: nobody asks for commands"
}

# What follows is for the words above.

# The value of a variable with which the running bot was started, else this shell's.
telegram__given() {
    local name=$1 told='' pid=''
    case ${TRADEWATCH_PLATFORM:?} in
        compose | kubernetes) told=$(in_place bot 5 printenv "$name" 2>/dev/null) || told='' ;;
        local) pid=$(ps -o pid=,args= --ppid "$(platform__supervisord || echo 0)" | awk '/ -m bot$/ { print $1; exit }') ;;
        *) pid=$(timeout --foreground -k 2 5 systemctl show --property=MainPID --value "$(platform__unit bot)" 2>/dev/null) || pid='' ;;
    esac
    if [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/environ ]]; then
        told=$({ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | sed -n "s/^$name=//p") || told=''
    fi
    printf '%s' "${told:-${!name-}}"
}

# The secret itself, for a pipe or a variable and never for the screen: from its file if there is one.
telegram__secret() {
    local file
    file=$(telegram__given "$1_FILE")
    if [[ -z $file ]]; then
        telegram__given "$1"
    elif [[ ${TRADEWATCH_PLATFORM:?} == compose || $TRADEWATCH_PLATFORM == kubernetes ]]; then
        in_place bot 5 cat "$file" | tr -d ' \t\r\n'
    else
        tr -d ' \t\r\n' <"$file"
    fi
}

# As telegram_credential, with a finding for what is no good; fails if it cannot be used.
telegram__judged() {
    local line rc=0
    line=$(telegram_credential "$@") || rc=$?
    echo "$line"
    ((rc != 2)) || finding "$line"
    return "$rc"
}

# The answer to a method, if it is a yes; a finding says what it means if it is none.
telegram__asked() {
    local told why
    if [[ -z $(telegram__given TELEGRAM_BOT_TOKEN_FILE)$(telegram__given TELEGRAM_BOT_TOKEN) ]]; then
        echo "no token is set" >&2
        return 1
    fi
    if ! told=$(telegram_call "${1%%\?*}" "$([[ $1 != *\?* ]] || echo "${1#*\?}")" 2>&1); then
        finding "Telegram does not answer ${1%%\?*}: ${told:-nobody knows why}"
        return 1
    fi
    if [[ $(json .ok <<<"$told" 2>/dev/null || :) != true ]]; then
        why=$(json .description <<<"$told" 2>/dev/null) || why="what it says is no JSON"
        finding "Telegram refuses ${1%%\?*} ($why): $(telegram__api_means "$why")"
        return 1
    fi
    printf '%s\n' "$told"
}

telegram__fingerprint() {
    local sum
    sum=$(printf '%s' "$1" | openssl dgst -sha256 -hmac "tradewatch on $(hostname)" 2>/dev/null) || sum='not made, as there is no openssl'
    sum=${sum##* }
    printf '%.8s\n' "$sum"
}

# In the bot's own place, with the token that lies there. Without a method it only says which HTTP status comes.
telegram__program() {
    cat <<'PYTHON'
import os, pathlib, sys, urllib.error, urllib.request
method = sys.argv[1]
told = [os.environ.get(name, "").strip() for name in ("TELEGRAM_API_URL", *(() if method else ("TELEGRAM_SIMULATOR_URL",)))]
base = next(filter(None, told), "https://api.telegram.org")
file = os.environ.get("TELEGRAM_BOT_TOKEN_FILE", "").strip()
token = pathlib.Path(file).read_text().strip() if file else os.environ.get("TELEGRAM_BOT_TOKEN", "").strip()
if method and not token:
    sys.exit("there is no token that could be used")
try:
    answer = urllib.request.urlopen(f"{base.rstrip('/')}/" + (f"bot{token}/{method}" if method else ""), timeout=7)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    # Its text may name the address, and with it the token.
    print("no answer:", type(getattr(error, "reason", error)).__name__, file=sys.stderr)
    sys.exit(7)
print(answer.read().decode() if method else answer.status)
PYTHON
}

telegram__curl_word() {
    case $1 in
        5) echo "the name of the proxy is not found" ;;
        6) echo "the name of the host is not found" ;;
        7) echo "nobody listens there, or a firewall refuses it" ;;
        28 | 124) echo "no answer within 8 s" ;;
        35 | 51 | 58 | 60) echo "no trusted connection: is this machine's clock right, and does a proxy stand between?" ;;
        52 | 56) echo "the connection was cut" ;;
        127) echo "there is no curl" ;;
        *) echo "the attempt ended with $1" ;;
    esac
}

# Names of the channels in /status, one a line.
telegram__channels() {
    json .telegram.channels <<<"$1" | awk '
        { text = $0
          while (match(text, /"[^"]*":\{"chat"/)) { print substr(text, RSTART + 1, RLENGTH - 10); text = substr(text, RSTART + RLENGTH) } }'
}

telegram__session_means() {
    case $1 in
        *"gave up"*"two places"*)
            echo "the session was used from two places at once, and Telegram ended it: see that one bot alone uses it, log in anew, restart the bot"
            ;;
        *"gave up"*) echo "Telegram has ended the session, and no new attempt mends that: log in anew, restart the bot" ;;
        *"asks to wait"*) echo "Telegram told the bot to wait: let it, and do not restart it, which begins anew" ;;
        *) echo "there is no connection to Telegram; the bot tries again by itself: ${1#telegram is not connected: }" ;;
    esac
}

telegram__channel_means() {
    case $1 in
        *"is in no chat"*) echo "$1, or take it out of telegram.channels there" ;;
        *"asks to wait"*) echo "$1; let it wait, and do not restart it" ;;
        *) echo "$1; the bot tries again by itself" ;;
    esac
}

telegram__api_means() {
    case $1 in
        *401* | *Unauthorized* | *"Not Found"*) echo "the token is revoked or wrong: get one from @BotFather, write it into the file that TELEGRAM_BOT_TOKEN_FILE names, restart the bot" ;;
        *"chat not found"*) echo "TELEGRAM_NOTICE_CHAT is wrong, or nobody wrote to the bot there yet" ;;
        *403* | *Forbidden*) echo "the bot was blocked by the person, or removed from the group: let it in again" ;;
        *409* | *Conflict*) echo "another process reads commands with this token: give each bot its own" ;;
        *429* | *"Too Many Requests"*) echo "Telegram told the bot to wait: what waits is delivered by itself" ;;
        *"did not answer"*) echo "Telegram is not reached or is down: what waits is delivered by itself" ;;
        *) echo "$1" ;;
    esac
}
