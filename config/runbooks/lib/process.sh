# shellcheck shell=bash
# Words about the bot's process: whether it runs and answers, why it ended, what it takes, and how it is started. Uses bot.

# Whether it runs and answers; a finding for each way in which it does not.
process_state() {
    local state answered=yes
    state=$(service_state bot) || state="not known"
    bot_get /livez >/dev/null 2>&1 || answered=no
    echo "state of the process: $state; answers: $answered"
    case $state/$answered in
        running/yes) ;;
        frozen/*) finding "the bot's process is frozen: somebody or something has stopped it by a signal or a pause; it does nothing until it goes on" ;;
        running/no) finding "the bot's process runs and does not answer: it hangs, or is just starting, or listens at another address than ${BOT_URL-its usual one}" ;;
        restarting/*) finding "the bot ends and is started again: its log says why" ;;
        failed/*) finding "the bot ended by a fault again and again, and its manager gave up" ;;
        stopped/*) finding "the bot's process has ended, and nobody starts it" ;;
        */yes) echo "it answers, though its manager says: $state" ;;
        *) finding "nobody knows the state of the bot's process, and it does not answer" ;;
    esac
}

process_answers() {
    bot_get /livez >/dev/null 2>&1
}

process_is_ready() {
    local told
    told=$(bot_get /health 2>/dev/null) && [[ $(json .ready <<<"$told") == true ]]
}

process_has_stopped() {
    local told
    told=$(bot_get /health 2>/dev/null) && json .stopped <<<"$told" >/dev/null
}

process_is_live() {
    local told
    told=$(bot_get /status 2>/dev/null) && [[ $(json .mode <<<"$told") == live ]]
}

# Its checks, each with its reason and since when; a finding for each that fails, by the words of library signals.
process_checks() {
    local told name ok reason since
    if ! told=$(bot_get /health); then
        finding "the bot does not answer: runbooks/bot_down.sh"
        return 0
    fi
    echo "ready: $(json .ready <<<"$told")"
    for name in database lease exchange account money; do
        IFS=$'\t' read -r ok reason since < <(json ".checks.$name" .ok .reason .for_seconds <<<"$told")
        echo "$name: ${ok/true/well} for ${since%.*} s ${reason#-}"
        [[ $ok == true ]] || finding "$(bot_check_means "$name" "$reason")"
    done
    if reason=$(json .stopped <<<"$told"); then
        finding "the bot has stopped trading by itself, until a person restarts it: $reason"
    fi
}

# Its last lines, and what they say about its end.
process_said() {
    local lines last starts
    if ! lines=$(service_logs bot 2000); then
        finding "the bot's log cannot be read here"
        return 0
    fi
    tail -n 12 <<<"$lines" | cut -c 1-500
    # What is before its last start is over.
    last=$(awk '/"event": "listening"/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' <<<"$lines")
    process__end "$last"
    starts=$(awk -F '"' -v since="$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%S)" \
        '/"event": "listening"/ && $4 > since { count++ } END { print count + 0 }' <<<"$lines")
    echo "starts within the last hour, by the log: $starts"
    if ((starts > 3)); then
        finding "the bot was started $starts times within an hour"
        process__end "$(awk '/"event": "listening"/ { before = text; text = "" } { text = text $0 "\n" } END { printf "%s", before }' <<<"$lines")"
    fi
}

# process_errors NUMBER: what the log of the last hour has of errors and warnings; a finding for errors.
process_errors() {
    local lines recent errors
    if ! lines=$(service_logs bot 4000); then
        finding "the bot's log cannot be read here"
        return 0
    fi
    recent=$(awk -F '"' -v since="$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%S)" '!/^\{/ || $4 > since' <<<"$lines")
    errors=$(grep -ac '"level": "error"' <<<"$recent") || [[ $? == 1 ]]
    echo "within an hour: $errors errors, $(grep -ac '"level": "warning"' <<<"$recent" || [[ $? == 1 ]]) warnings"
    grep -aE '"level": "(error|warning)"|^Traceback' <<<"$recent" | tail -n "${1:?a number}" | cut -c 1-400 || [[ $? == 1 ]]
    ((errors == 0)) || finding "the log has $errors errors of the last hour, the last: $(grep -a '"level": "error"' <<<"$recent" | tail -n 1 | json . .event .reason .error | tr '\t' ' ')"
}

# Whether the kernel killed programs because memory ran out.
process_killed() {
    local told labels count
    if told=$(prometheus_query 'round(increase(node_vmstat_oom_kill[1h])) > 0' 2>/dev/null); then
        if [[ -z $told ]]; then
            echo "no program was killed for want of memory in the last hour"
        else
            while IFS=$'\t' read -r labels count; do
                finding "$count programs were killed for want of memory in the last hour: runbooks/performance.sh"
                echo "$labels"
            done <<<"$told"
        fi
    else
        echo "Prometheus does not answer; killed since this machine started: $(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)"
    fi
}

# Room on disks and in memory.
process_room() {
    local line left
    df -P -x tmpfs -x devtmpfs -x overlay -x squashfs 2>/dev/null | awk 'NR > 1 { print $6 ": " $5 " taken, " int($4 / 1024) " MiB left" }'
    line=$(df -P -x tmpfs -x devtmpfs -x overlay -x squashfs 2>/dev/null | awk 'NR > 1 && $4 < 65536 { print $6 }')
    [[ -z $line ]] || finding "no room is left on ${line//$'\n'/, }: runbooks/disk_full.sh"
    left=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
    echo "memory that programs can have: $left MiB"
    ((left >= 200)) || finding "only $left MiB of memory are left, and the bot wants 200: runbooks/performance.sh"
}

# Starts it if it has ended; starts it anew otherwise.
process_start() {
    needs_action process_start || return
    local state
    state=$(service_state bot) || state="not known"
    echo "state before: $state"
    case $state in
        stopped | failed) service_start bot ;;
        *) service_restart bot ;;
    esac
}

# process_stays SECONDS: looks whether it is the same process all that time, and answers.
process_stays() {
    local before after
    if ! before=$(bot_metric process_start_time_seconds); then
        finding "the bot does not answer, so it cannot be watched"
        return 0
    fi
    sleep "${1:?seconds}"
    if after=$(bot_metric process_start_time_seconds) && [[ $before == "$after" ]]; then
        echo "it stays up: it is the same process after $1 s, and answers"
    else
        finding "the bot does not stay up: it ended or was started anew within $1 s"
    fi
}

# Bots on this machine, of whatever stack: two may be meant to be there.
process_bots() {
    local told
    told=$(ps -eo pid=,lstart=,args= | awk '/ -m bot( run)?$/ && !/awk/')
    if [[ -z $told ]]; then
        echo "none is seen on this machine, or not from here"
        return 0
    fi
    printf '%s\n' "$told"
}

# The process number of the bot on this machine; fails if it is not seen from here, as in Kubernetes.
process_pid() {
    local pid='' id
    case ${TRADEWATCH_PLATFORM:?} in
        local) pid=$(ps -o pid=,args= --ppid "$(platform__supervisord || echo 0)" | awk '/ -m bot$/ { print $1; exit }') ;;
        compose)
            id=$(platform__container bot) || return
            pid=$(timeout --foreground -k 2 5 docker inspect --format '{{.State.Pid}}' "$id") || return
            ;;
        systemd) pid=$(timeout --foreground -k 2 5 systemctl show --property=MainPID --value "$(platform__unit bot)") || return ;;
        *) ;;
    esac
    [[ $pid =~ ^[1-9][0-9]*$ && -d /proc/$pid ]] && echo "$pid"
}

# process_samples NUMBER SECONDS: so many looks at what the bot takes, so many seconds apart. A finding for what is too much.
process_samples() {
    local number=${1:?a number} every=${2:?seconds} told at before_cpu='' before_at='' rss cpu fds most first='' i
    printf '%-10s %12s %10s %8s\n' time "memory (MiB)" "CPU (%)" files
    for ((i = 0; i < number; i++)); do
        ((i == 0)) || sleep "$every"
        if ! told=$(bot_metric process_resident_memory_bytes process_cpu_seconds_total process_open_fds process_max_fds); then
            finding "the bot does not answer: runbooks/bot_down.sh"
            return 0
        fi
        at=$(date +%s.%N)
        rss=$(awk '$1 == "process_resident_memory_bytes" { printf "%.1f", $2 / 1048576 }' <<<"$told")
        cpu=$(awk '$1 == "process_cpu_seconds_total" { print $2 }' <<<"$told")
        fds=$(awk '$1 == "process_open_fds" { printf "%d", $2 }' <<<"$told")
        most=$(awk '$1 == "process_max_fds" { printf "%d", $2 }' <<<"$told")
        [[ -n $first ]] || first=$rss
        told=-
        [[ -z $before_at ]] || told=$(awk -v c="$cpu" -v b="$before_cpu" -v t="$at" -v u="$before_at" 'BEGIN { printf "%.1f", 100 * (c - b) / (t - u) }')
        printf '%-10s %12s %10s %8s\n' "$(date -u +%H:%M:%S)" "$rss" "$told" "$fds of $most"
        before_cpu=$cpu before_at=$at
    done
    ((fds * 10 < most * 8)) || finding "the bot has $fds of $most files and sockets open: it soon can open none, not for an order either"
    [[ $told == - ]] || awk -v p="$told" 'BEGIN { exit !(p > 80) }' && finding "the bot keeps a processor busy: $told %"
    awk -v a="$first" -v b="$rss" 'BEGIN { exit !(b > a * 1.1 && b > a + 20) }' && finding "the bot's memory grew from $first to $rss MiB while this looked"
    return 0
}

# Whether the bot itself is short of files, or holds more than half of the machine's memory.
process_is_short() {
    local told total
    told=$(bot_metric process_resident_memory_bytes process_open_fds process_max_fds) || return
    total=$(awk '$1 == "MemTotal:" { print $2 * 1024 }' /proc/meminfo)
    awk -v total="$total" '
        $1 == "process_resident_memory_bytes" { rss = $2 }
        $1 == "process_open_fds" { fds = $2 }
        $1 == "process_max_fds" { most = $2 }
        END { exit !(fds > most * 0.8 || rss > total / 2) }' <<<"$told"
}

# What follows is for the words above.

# What the lines after the last start say of an end.
process__end() {
    case $1 in
        *'"event": "a bug ended the bot"'*) finding "a bug ended the bot: keep its log for whoever mends it; going back to the version before is the way on" ;;
        *'"event": "cannot start"'*) finding "the bot cannot start: $(grep -a '"event": "cannot start"' <<<"$1" | tail -n 1 | json .reason)" ;;
        *'"event": "stopped"'*) echo "it was told to stop, and did so" ;;
        *) process__problem "$1" ;;
    esac
}

# Problems with settings are plain lines, as they come before the log is open.
process__problem() {
    local plain
    plain=$(grep -av '^{' <<<"$1" | grep -aE '^[A-Z][A-Z_]+|^[a-z_]+\.yaml' | tail -n 5) || plain=''
    if [[ -n $plain ]]; then
        finding "the bot refuses its settings: ${plain//$'\n'/; }"
    elif [[ $1 == *Traceback* ]]; then
        finding "the bot ended by a fault of its program: $(grep -aE '^[A-Za-z.]+(Error|Exception)' <<<"$1" | tail -n 1)"
    fi
}
