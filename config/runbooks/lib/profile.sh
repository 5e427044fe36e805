# shellcheck shell=bash
# Words that look into the bot's running process. Nothing is installed, restarted or written. Uses bot and process.

# Threads, memory, waits and sockets by /proc.
profile_kernel() {
    local pid
    if ! pid=$(process_pid); then
        echo "the process is not seen from here; /metrics tells what is known"
        return 0
    fi
    echo "process: $pid, running for $(ps -o etime= -p "$pid" | tr -d ' ')"
    awk '/^(VmPeak|VmRSS|VmSwap|RssAnon|RssFile|Threads|voluntary_ctxt_switches|nonvoluntary_ctxt_switches):/' "/proc/$pid/status"
    echo "threads by state and time:"
    ps -L -o lwp=,stat=,time=,comm= -p "$pid" | sort -k 3 -r | head -n 8
    if [[ -r /proc/$pid/smaps_rollup ]]; then
        awk '/^(Rss|Pss|Private_Dirty|Swap):/ { printf "%s %d MiB\n", $1, $2 / 1024 }' "/proc/$pid/smaps_rollup"
        echo "open: $(find "/proc/$pid/fd" -mindepth 1 -lname 'socket:*' | wc -l) sockets, $(find "/proc/$pid/fd" -mindepth 1 ! -lname 'socket:*' | wc -l) other files"
    else
        echo "this user may not see more: it is another's process"
    fi
    [[ $(awk '$1 == "VmSwap:" { print $2 }' "/proc/$pid/status") -lt 51200 ]] ||
        finding "parts of the bot are in swap, so it is slow: the machine has too little memory, runbooks/performance.sh"
}

# Its stacks, three times.
profile_stacks() {
    local pid i
    if ! pid=$(process_pid); then
        echo "the process is not seen from here"
        profile__how py-spy
        return 0
    fi
    if ! command -v py-spy >/dev/null; then
        profile__how py-spy
        return 0
    fi
    for i in 1 2 3; do
        echo "look $i"
        py-spy dump --pid "$pid" 2>&1 | head -n 40
        sleep 1
    done
    echo "a flame graph of half a minute: py-spy record --pid $pid --duration 30 --output profile.svg"
}

# Percentiles of the last half hour, and a finding for what is slow.
profile_histograms() {
    local name bound told value
    while read -r name bound; do
        if ! told=$(prometheus_query "histogram_quantile(0.99, sum by (le) (rate(${name}_bucket[30m])))" 2>/dev/null); then
            profile__means
            return 0
        fi
        [[ -n $told ]] || continue
        while IFS=$'\t' read -r _ value; do
            [[ $value != NaN ]] || {
                echo "$name: none in half an hour"
                continue
            }
            echo "$name: 99 of 100 within $value s"
            awk -v v="$value" -v b="$bound" 'BEGIN { exit !(v > b) }' && finding "$name: one in a hundred takes longer than $value s"
        done <<<"$told"
    done <<'TABLE'
order_processing_seconds 5
bingx_order_execution_seconds 2.5
db_query_duration_seconds 0.5
TABLE
    return 0
}

# Memory over time beside what came in, by Prometheus.
profile_trend() {
    local back told
    for back in 24h 12h 6h 3h 1h 0s; do
        told=$(prometheus_query "process_resident_memory_bytes{job=\"bot\"} offset $back" 2>/dev/null) || {
            echo "Prometheus does not answer"
            return 0
        }
        told=${told##*$'\t'}
        [[ -z $told ]] || echo "$back ago: $(awk -v b="$told" 'BEGIN { printf "%.1f", b / 1048576 }') MiB"
    done
    told=$(prometheus_query 'max(predict_linear(process_resident_memory_bytes{job="bot"}[1d], 259200)) and max(time() - process_start_time_seconds{job="bot"}) > 86400')
    [[ -z $told ]] || echo "in three days at that pace: $(awk -v b="${told##*$'\t'}" 'BEGIN { printf "%.1f", b / 1048576 }') MiB"
    told=$(prometheus_query 'max(deriv(process_resident_memory_bytes{job="bot"}[6h])) * 86400 > 104857600 and max(time() - process_start_time_seconds{job="bot"}) > 21600')
    [[ -z $told ]] || finding "the bot's memory grows by $(awk -v b="${told##*$'\t'}" 'BEGIN { printf "%d", b / 1048576 }') MiB a day: a leak, or a store that has no bound"
}

profile_memray() {
    if ! command -v memray >/dev/null; then
        profile__how memray
        return 0
    fi
    echo "memray is here: memray attach $(process_pid || echo PID) shows live what allocates; it puts code of its own into the bot, so choose a quiet minute"
}

# What follows is for the words above.

# Means since the start, where there is no Prometheus.
profile__means() {
    bot_get /metrics | awk '
        /^(order_processing_seconds|bingx_order_execution_seconds|db_query_duration_seconds)_(sum|count)/ {
            name = $1; sub(/_(sum|count)(\{.*)?$/, "", name)
            if ($1 ~ /_sum/) sum[name] += $2; else count[name] += $2
        }
        END { for (name in sum) if (count[name]) printf "%s: %d times, %.4f s in the mean since the start\n", name, count[name], sum[name] / count[name] }'
}

profile__how() {
    echo "$1 is not on this machine. Get it on the host, in an environment of its own: python3 -m venv ~/profile && ~/profile/bin/pip install $1"
    case $1 in
        py-spy) echo "then, as root: ~/profile/bin/py-spy dump --pid $(process_pid 2>/dev/null || echo PID)" ;;
        *) echo "it attaches only to a Python that has it as well: build an image of the bot with it for that, and never install into a container that runs" ;;
    esac
}
