# shellcheck shell=bash
# What every runbook script does: flags, confirmation, steps in their own bash, journal, evidence, lock, resume.
# docs/runbooks.md says it for people. Functions and variables of this part begin with engine_ and ENGINE_; the others are
# words of steps.

# ---- what stands above: data of this runbook. Declared here so that what a runbook does not have is empty.
declare -r RUNBOOK_ID RUNBOOK_TITLE RUNBOOK_HASH RUNBOOK_LOCK RUNBOOK_NAMESPACE
declare -ra RUNBOOK_PLATFORMS RUNBOOK_ALERTS RUNBOOK_EVIDENCE RUNBOOK_SECRETS RUNBOOK_STEPS RUNBOOK_PARAMETERS
declare -rA STEP_TITLE STEP_KIND STEP_WHY STEP_TIMEOUT STEP_MATCHES STEP_LACKS STEP_FINDING STEP_DANGER STEP_CONFIRM
declare -rA STEP_ON_FAILURE STEP_REPEATABLE STEP_UNDO_NOT STEP_VERIFY_TIMEOUT STEP_VERIFY_ATTEMPTS STEP_VERIFY_EVERY
declare -rA STEP_INSTRUCTIONS STEP_BECAUSE PARAMETER_ABOUT PARAMETER_PATTERN PARAMETER_DEFAULT

# ---- state of this run
ENGINE_MODE=act                              # act, help, list, plan, dry-run or only-probes
ENGINE_YES=''                                # yes: no question before actions of low danger
ENGINE_JSON=''                               # yes: events on standard output
ENGINE_RESUME=''                             # yes, with ENGINE_RESUMED naming a run or not
ENGINE_RESUMED=''                            # the run to go on with
declare -A ENGINE_OPTION=() ENGINE_SET=()    # values of flags, and of --set by parameter
declare -a ENGINE_CONFIRM=() ENGINE_WRONG=() # --confirm; what is wrong about the arguments
ENGINE_PLATFORM='' ENGINE_TERMINAL=''
declare -a ENGINE_KNOWN_SECRETS=()
ENGINE_RUN='' ENGINE_DIR='' ENGINE_JOURNAL='' ENGINE_PREVIOUS='' ENGINE_FILES=0
ENGINE_LOCK=''  # the folder, once it is ours
ENGINE_CHILD='' # the process that is running a step
ENGINE_STEP='' ENGINE_STEP_KIND=''
ENGINE_PREPARED=''                           # yes: who and where was shown, and actions may run
declare -A ENGINE_STATE=() ENGINE_ATTEMPT=() # by step: how it ended, how often it began
declare -a ENGINE_WORDS=() ENGINE_SELECTED=() ENGINE_DONE=() ENGINE_FOUND=() ENGINE_KEPT=() ENGINE_FAILED=() ENGINE_LATE=() ENGINE_LEFT=()
ENGINE_OVER='' ENGINE_ROLLED_BACK=''
ENGINE_QUIET=''
ENGINE_NOW='' ENGINE_SUM='' # what was asked for last
declare -a ENGINE_SUMS=(sha256sum)
readonly ENGINE_CAP=262144 ENGINE_END="end of output $RANDOM$RANDOM$RANDOM"

# ---- words of steps
finding() {
    local text="$*"
    printf '%s\n' "${text//$'\n'/ }" >>"${RUNBOOK_FINDINGS:?}"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

needs_action() {
    case ${RUNBOOK_STEP_KIND-} in
        action | undo) ;;
        *) fail "$1 changes something: only an action may use it" ;;
    esac
}

left_seconds() {
    local left now
    printf -v now '%(%s)T' -1
    left=$((${RUNBOOK_DEADLINE:?} - now))
    # Not 0: many commands take that for no limit.
    echo "$((left > 0 ? left : 1))"
}

# The address goes by standard input, because it may hold a password.
prometheus_query() {
    local answer
    if ! answer=$(printf 'url = "%s/api/v1/query"\n' "${PROMETHEUS_URL:?}" |
        curl --silent --show-error --max-time "$(left_seconds)" --get --data-urlencode "query=$1" --config -); then
        fail "Prometheus does not answer"
    fi
    case $(json .status <<<"$answer" || :)/$(json .data.resultType <<<"$answer" || :) in
        success/vector) json '.data.result[]' .metric '.value[1]' <<<"$answer" || : ;;
        success/scalar) printf '{}\t%s\n' "$(json '.data.result[1]' <<<"$answer")" ;;
        *) fail "Prometheus does not answer the query: $(json .error <<<"$answer" || :)" ;;
    esac
}

alert_is_over() {
    local series
    series=$(prometheus_query "$3")
    [[ -z $series ]] || while IFS=$'\t' read -r labels value; do
        finding "$1 ($2) is still true: $labels is $value"
    done <<<"$series"
}

# ---- what people read. Nobody who closes a pipe ends a run by that.
engine_say() {
    printf '%s\n' "$*" 2>/dev/null || :
}

engine_warn() {
    printf '%s\n' "${RUNBOOK_ID}: $*" >&2 || :
}

engine_refuse() {
    local code=$1
    shift
    engine_warn "$*"
    exit "$code"
}

engine_colours() {
    BOLD='' RED='' YELLOW='' GREEN='' PLAIN=''
    if [[ -t 1 && -z ${NO_COLOR-} && ${TERM-dumb} != dumb && -z ${ENGINE_OPTION[no_color]-} ]]; then
        BOLD=$'\e[1m' RED=$'\e[31m' YELLOW=$'\e[33m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
    fi
}

# ---- arguments
engine_usage() {
    local name
    cat <<TEXT
$RUNBOOK_TITLE

  ${0##*/}                 asks before each action
  ${0##*/} --only-probes   looks, and changes nothing

  --list               the steps, a line each
  --plan               every step with its commands; runs nothing
  --dry-run            runs the probes, prints the actions
  --only-probes        runs the probes alone
  --yes                does not ask before actions of low danger
  --confirm TARGET     the typed target of an action of high danger
  --step ID            that step alone
  --from ID            from that step on
  --resume [RUN]       goes on with a run that was interrupted
  --set NAME=VALUE     a parameter
  --platform NAME      where the stack runs: ${RUNBOOK_PLATFORMS[*]}
  --reason TEXT        why it is run; kept in the journal
  --run-dir DIR        where journal and evidence go
  --json               events on standard output
  --no-color           no colours
TEXT
    ((${#RUNBOOK_PARAMETERS[@]} == 0)) || printf '\nParameters:\n'
    for name in "${RUNBOOK_PARAMETERS[@]}"; do
        printf '  %-20s %s (%s)\n' "$name" "${PARAMETER_ABOUT[$name]-}" \
            "${PARAMETER_DEFAULT[$name]-must be given}"
    done
    printf '\nExit codes: 0 done or well, 1 failed, 2 usage, 3 a finding, 4 not confirmed, 5 cannot run here, 6 locked,\n'
    printf '7 undone, 8 undoing failed, 9 the alert is not over, 124 too long, 130 and 143 interrupted.\n'
}

engine_wrong() {
    ENGINE_WRONG+=("$*")
}

engine_parse() {
    local flag key
    while (($# > 0)); do
        flag=$1
        shift
        [[ $flag != --*=* ]] || { set -- "${flag#*=}" "$@" && flag=${flag%%=*}; }
        case $flag in
            --help | -h) ENGINE_MODE=help ;;
            --list | --plan | --dry-run | --only-probes)
                [[ $ENGINE_MODE == act ]] || engine_wrong "$flag cannot go with --$ENGINE_MODE"
                [[ $ENGINE_MODE == help ]] || ENGINE_MODE=${flag#--}
                ;;
            --yes) ENGINE_YES=yes ;;
            --json) ENGINE_JSON=yes ;;
            --no-color) ENGINE_OPTION[no_color]=yes ;;
            --resume)
                ENGINE_RESUME=yes
                if (($# > 0)) && [[ $1 != -* ]]; then
                    ENGINE_RESUMED=$1
                    shift
                fi
                ;;
            --confirm | --set | --step | --from | --platform | --reason | --run-dir)
                if (($# == 0)); then
                    engine_wrong "$flag needs a value"
                    break
                fi
                engine_option "$flag" "$1"
                shift
                ;;
            *) engine_wrong "no such flag: $flag" ;;
        esac
    done
    [[ $ENGINE_MODE != help ]] || return 0
    for key in step from; do
        [[ -z ${ENGINE_OPTION[$key]+given} || -n ${STEP_KIND[${ENGINE_OPTION[$key]:-.}]-} ]] ||
            engine_wrong "--$key: no such step: ${ENGINE_OPTION[$key]} (${RUNBOOK_STEPS[*]})"
        [[ -z $ENGINE_RESUME || -z ${ENGINE_OPTION[$key]+given} ]] || engine_wrong "--resume cannot go with --$key"
    done
    [[ -z ${ENGINE_OPTION[step]+given} || -z ${ENGINE_OPTION[from]+given} ]] || engine_wrong "--step cannot go with --from"
    if [[ -n $ENGINE_RESUME ]]; then
        [[ $ENGINE_MODE == act ]] || engine_wrong "--resume cannot go with --$ENGINE_MODE"
        ((${#ENGINE_SET[@]} == 0)) || engine_wrong "--resume takes the parameters of the run: no --set"
        [[ -z ${ENGINE_OPTION[platform]-} ]] || engine_wrong "--resume takes the platform of the run: no --platform"
    else
        engine_parameters
    fi
    ((${#ENGINE_WRONG[@]} == 0)) || {
        printf '%s\n' "${ENGINE_WRONG[@]}" "--help tells more" >&2
        exit 2
    }
}

engine_option() {
    local name=${2%%=*} key=${1#--}
    key=${key//-/_}
    case $1 in
        --confirm) ENGINE_CONFIRM+=("$2") ;;
        --set)
            if [[ $2 != *=* ]]; then
                engine_wrong "--set needs NAME=VALUE: $2"
            elif [[ -z ${PARAMETER_ABOUT[${name:-.}]+known} ]]; then
                engine_wrong "--set: no such parameter: $name"
            else
                ENGINE_SET[$name]=${2#*=}
            fi
            ;;
        *)
            [[ -z ${ENGINE_OPTION[$key]+given} ]] || engine_wrong "$1 stands twice"
            ENGINE_OPTION[$key]=$2
            ;;
    esac
}

# Sets the variables of the parameters.
engine_parameters() {
    local name value
    for name in "${RUNBOOK_PARAMETERS[@]}"; do
        value=${ENGINE_SET[$name]-${PARAMETER_DEFAULT[$name]-}}
        if [[ -z ${ENGINE_SET[$name]+given} && -z ${PARAMETER_DEFAULT[$name]+given} ]]; then
            [[ $ENGINE_MODE == list || $ENGINE_MODE == plan ]] || engine_wrong "--set $name=… must be given: ${PARAMETER_ABOUT[$name]-}"
        elif [[ ! $value =~ ^(${PARAMETER_PATTERN[$name]-.*})$ ]]; then
            engine_wrong "--set $name (${PARAMETER_ABOUT[$name]-}): must match ${PARAMETER_PATTERN[$name]}"
        fi
        export "${name^^}=$value"
    done
}

# The text with the values of $PARAMETERS; everything else that looks like a variable stays.
engine_filled() {
    local rest=$1 name
    REPLY=''
    while [[ $rest =~ ^([^$]*)(\$\{?([A-Z][A-Z0-9_]*)\}?)(.*)$ ]]; do
        name=${BASH_REMATCH[3]}
        REPLY+=${BASH_REMATCH[1]}
        rest=${BASH_REMATCH[4]}
        if [[ -n ${PARAMETER_ABOUT[${name,,}]+known} ]]; then
            REPLY+=${!name-}
        else
            REPLY+=${BASH_REMATCH[2]}
        fi
    done
    REPLY+=$rest
}

# ---- secrets: kept in the memory of this process; every line that is shown or kept goes through engine_redacted
engine_add_secret() {
    local line
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%$'\r'}
        # Shorter ones would take words out of every output and protect nothing.
        ((${#line} < 6)) || ENGINE_KNOWN_SECRETS+=("$line")
    done <<<"$1"
}

engine_decoded() {
    local text=${1//\\/\\\\}
    printf -v REPLY '%b' "${text//%/\\x}"
}

engine_secrets() {
    local name file value rest part i
    for name in "${RUNBOOK_SECRETS[@]}"; do
        file="${name}_FILE"
        value=${!name-}
        [[ -z ${!file-} || ! -r ${!file} ]] || value+=$'\n'$(tr -d '\0' <"${!file}")
        while IFS= read -r rest; do
            ((${#rest} == 0 || ${#rest} > 5)) ||
                engine_warn "a value of $name is shorter than 6 characters: it is not taken out of outputs"
            engine_add_secret "$rest"
            for part in '://[^:/@]*:([^@]*)@' '://[^:/@]*:(.*)@' 'password=([^&[:space:]]+)'; do
                [[ $rest =~ $part ]] || continue
                engine_add_secret "${BASH_REMATCH[1]}"
                engine_decoded "${BASH_REMATCH[1]}"
                engine_add_secret "$REPLY"
            done
        done <<<"$value"
    done
    if [[ -n ${PGPASSFILE-} && -r ${PGPASSFILE-} ]]; then
        while IFS= read -r rest || [[ -n $rest ]]; do
            for i in 1 2 3 4; do
                [[ $rest =~ ^(([^:\\]|\\.)*):(.*)$ ]] || continue 2
                rest=${BASH_REMATCH[3]}
            done
            engine_add_secret "$rest"
            rest=${rest//\\:/:}
            engine_add_secret "${rest//\\\\/\\}"
        done <"$PGPASSFILE"
    fi
    # The longest first: one may be part of another.
    mapfile -t ENGINE_KNOWN_SECRETS < <(
        for value in "${ENGINE_KNOWN_SECRETS[@]}"; do printf '%06d %s\n' "${#value}" "$value"; done | sort -ru | cut -c 8-
    )
}

# Sets REPLY to the text without them. A step may have cut its text within one: what is left of it at the end goes, too, from
# a third of it on. Less is no use to anybody, and may be a word.
engine_redacted() {
    local secret head tail
    REPLY=$1
    for secret in "${ENGINE_KNOWN_SECRETS[@]}"; do
        REPLY=${REPLY//"$secret"/[redacted]}
        head=${secret:0:${#secret}/3>8?${#secret}/3:8}
        [[ $REPLY == *"$head"* ]] || continue
        tail=$head${REPLY##*"$head"}
        [[ $secret != "$tail"* ]] || REPLY="${REPLY%"$tail"}[redacted]"
    done
}

# Standard input to the file and, indented, to the screen, line by line, until the line ENGINE_END: a step may leave a
# process behind that keeps its output open.
engine_filter() {
    local file=$1 left=$ENGINE_CAP line text longest=${ENGINE_KNOWN_SECRETS[0]-} ended=''
    trap '' PIPE INT TERM HUP
    while [[ -z $ended ]] && { IFS= read -r -n "$((left + 100))" line || [[ -n $line ]]; }; do
        text=${line%"$ENGINE_END"}
        [[ $text == "$line" ]] || ended=yes
        [[ -z $ended || -n $text ]] || break
        engine_redacted "$text"
        text=$REPLY
        if ((${#line} >= left)); then
            # The head of a secret may stand at the end of what was read.
            text="${text:0:${#text}>${#longest}?${#text}-${#longest}:0} (cut at $((ENGINE_CAP / 1024)) KiB)"
            [[ -n $ended ]] || ended=full
        fi
        left=$((left - ${#line} - 1))
        ((left > 0)) || left=1
        printf '%s\n' "$text" >>"$file" || :
        [[ -n $ENGINE_QUIET ]] || printf '    %s\n' "${text//[^[:print:]$'\t'$'\x80'-$'\xff']/?}" || :
    done 2>/dev/null
    [[ $ended != full ]] || grep -aqF -- "$ENGINE_END" || :
}

# ---- journal
# Sets ENGINE_NOW. Without another process, as every event has its time; bash before 5 does not know parts of a second.
engine_time() {
    local at=${EPOCHREALTIME-}
    if [[ -n $at ]]; then
        TZ=UTC printf -v ENGINE_NOW '%(%Y-%m-%dT%H:%M:%S)T' "${at%.*}"
        at=${at#*.}
        ENGINE_NOW+=.${at:0:3}Z
    else
        ENGINE_NOW=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
    fi
}

# Sets ENGINE_SUM to the sum of the text.
engine_sha256() {
    ENGINE_SUM=$(printf '%s' "$1" | "${ENGINE_SUMS[@]}")
    ENGINE_SUM=${ENGINE_SUM%% *}
}

# Sets REPLY to the JSON string of the bytes. What is no UTF-8 becomes U+FFFD.
engine_quoted() {
    local text=$1 byte code i
    local wide=$'^([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]'
    wide+=$'|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})'
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    if [[ $text != *[^[:print:]]* ]]; then
        REPLY="\"$text\""
        return 0
    fi
    REPLY='"'
    for ((i = 0; i < ${#text}; i++)); do
        byte=${text:i:1}
        if [[ $byte == [[:print:]] ]]; then
            REPLY+=$byte
        elif [[ $byte == [$'\x01'-$'\x1f'$'\x7f'] ]]; then
            printf -v code '\\u%04x' "'$byte"
            REPLY+=$code
        elif [[ ${text:i:4} =~ $wide ]]; then
            REPLY+=${BASH_REMATCH[0]}
            i=$((i + ${#BASH_REMATCH[0]} - 1))
        else
            REPLY+='\ufffd'
        fi
    done
    REPLY+='"'
}

# engine_event NAME [KEY VALUE]…: KEY= takes the value as it is, for numbers and true.
engine_event() {
    local line
    [[ -n $ENGINE_JOURNAL ]] || return 0
    engine_time
    line="{\"run\":\"$ENGINE_RUN\",\"time\":\"$ENGINE_NOW\",\"event\":\"$1\""
    shift
    while (($# > 0)); do
        if [[ $1 == *= ]]; then
            line+=",\"${1%=}\":$2"
        else
            engine_redacted "$2"
            engine_quoted "$REPLY"
            line+=",\"$1\":$REPLY"
        fi
        shift 2
    done
    line+=",\"prev\":\"$ENGINE_PREVIOUS\"}"
    engine_sha256 "$line"
    ENGINE_PREVIOUS=$ENGINE_SUM
    printf '%s\n' "$line" 2>/dev/null >>"$ENGINE_JOURNAL" || engine_warn "cannot write the journal: $line"
    sync -- "$ENGINE_JOURNAL" 2>/dev/null || :
    [[ -z $ENGINE_JSON ]] || printf '%s\n' "$line" 2>/dev/null >&3 || :
}

# ---- where the run is kept
# The folders in which runs may stand, the best first.
engine_folders() {
    local root
    [[ -z ${ENGINE_OPTION[run_dir]-} ]] || echo "${ENGINE_OPTION[run_dir]}"
    root=$(engine_root)
    [[ ! -e $root/docker-compose.yml ]] || echo "$root/.local/runs"
    [[ -z ${XDG_STATE_HOME-} ]] || echo "$XDG_STATE_HOME/$RUNBOOK_NAMESPACE/runs"
    [[ -z ${HOME-} ]] || echo "$HOME/.local/state/$RUNBOOK_NAMESPACE/runs"
    echo "/dev/shm/$RUNBOOK_NAMESPACE-$UID/runs"
    echo "${TMPDIR:-/tmp}/$RUNBOOK_NAMESPACE-$UID/runs"
}

# The folder above that of this script.
engine_root() {
    cd -P -- "$(dirname -- "$0")/.." && pwd
}

# Whether a run fits there: the folder is ours, and takes 1 MiB.
engine_usable() {
    mkdir -p -- "$1" && [[ -O $1 && ! -L ${1%/runs} ]] &&
        head -c 1048576 /dev/zero >"$1/.$ENGINE_RUN" && rm -f -- "$1/.$ENGINE_RUN"
} 2>/dev/null

engine_new_run() {
    local folder
    local -a folders
    ENGINE_RUN="$(date -u +%Y%m%dT%H%M%SZ)-$RUNBOOK_ID-$$"
    mapfile -t folders < <(engine_folders)
    for folder in "${folders[@]}"; do
        if engine_usable "$folder" && mkdir -- "$folder/$ENGINE_RUN"; then
            ENGINE_DIR=$(cd -P -- "$folder/$ENGINE_RUN" && pwd)
            break
        fi
        rm -f -- "$folder/.$ENGINE_RUN" 2>/dev/null || :
        engine_warn "cannot keep this run in $folder"
    done
    [[ -n $ENGINE_DIR ]] || engine_refuse 5 "found no folder that takes the journal: --run-dir names one"
    ENGINE_JOURNAL=$ENGINE_DIR/journal.jsonl
}

engine_begin() {
    local name mode=$ENGINE_MODE
    local -a parameters=()
    for name in "${RUNBOOK_PARAMETERS[@]}"; do parameters+=("parameter_$name" "$(printenv "${name^^}" || :)"); done
    engine_event "$1" mode "$mode" dry_run= "$([[ $mode == act ]] && echo false || echo true)" \
        runbook "$RUNBOOK_ID" hash "$RUNBOOK_HASH" alerts "${RUNBOOK_ALERTS[*]-}" platform "$ENGINE_PLATFORM" \
        operator "$(engine_operator)" host "$(uname -n)" tty "$(tty 2>/dev/null || :)" \
        reason "${ENGINE_OPTION[reason]-}" only "${ENGINE_OPTION[step]-}" from "${ENGINE_OPTION[from]-}" "${parameters[@]}"
}

engine_operator() {
    echo "${SUDO_USER:-${USER:-$(id -un || echo "$UID")}}"
}

# ---- resume
# Finds the run to go on with, and where it ran: whose lock it needs is known only then.
engine_find_run() {
    local folder path last=''
    while IFS= read -r folder; do
        for path in "$folder"/${ENGINE_RESUMED:-*-$RUNBOOK_ID-*}; do
            # Without a name it is the last one that could change something.
            [[ ${path##*/} > "${last##*/}" && -r $path/journal.jsonl ]] || continue
            [[ -z $ENGINE_RESUMED ]] && ! head -n 1 -- "$path/journal.jsonl" | grep -q '"event":"run_start","mode":"act"' ||
                last=$path
        done
    done < <(engine_folders)
    [[ ! -r ${ENGINE_RESUMED:-.}/journal.jsonl ]] || last=$(cd -P -- "$ENGINE_RESUMED" && pwd)
    [[ -n $last ]] || engine_refuse 5 "no_such_run: ${ENGINE_RESUMED:-there is none} (looked in $(engine_folders | paste -sd ' ' -))"
    ENGINE_RESUMED=$last
    ENGINE_OPTION[platform]=$(grep -m 1 '"event":"run_start",' -- "$last/journal.jsonl" | json .platform || :)
}

# Reads from its journal how far it came. What is refused begins with the reason in one word.
engine_load_run() {
    local path=$ENGINE_RESUMED line previous='' name started=''
    while IFS= read -r line || [[ -n $line ]]; do
        # A line without its end was cut when the run was.
        if [[ $line == *'"}' ]]; then
            [[ $line == *",\"prev\":\"$previous\"}" ]] || engine_refuse 5 "journal_broken: a line of $path/journal.jsonl was changed"
            [[ $line != *'"event":"run_start",'* ]] || started=$line
            engine_replay "$line"
        fi
        engine_sha256 "$line"
        previous=$ENGINE_SUM
    done <"$path/journal.jsonl"
    [[ $started == *'"event":"run_start","mode":"act",'* ]] || engine_refuse 5 "dry_run: $path changed nothing; start anew"
    [[ $started == *",\"runbook\":\"$RUNBOOK_ID\",\"hash\":\"$RUNBOOK_HASH\","* ]] ||
        engine_refuse 5 "runbook_changed: $path was made by another runbook or another version of this one; look at what it did, and use --from"
    [[ ${ENGINE_STATE[0]-} != 0 ]] || engine_refuse 5 "already_done: $path ended with 0"
    for name in "${RUNBOOK_PARAMETERS[@]}"; do
        printf -v line '%b' "$(json ".parameter_$name" <<<"$started" || :)"
        [[ $line != *'[redacted]'* ]] || engine_refuse 5 "secret_parameter: the journal does not hold $name; use --from"
        ENGINE_SET[$name]=$line
    done
    engine_parameters
    ENGINE_OPTION[step]=$(json .only <<<"$started" || :)
    ENGINE_OPTION[from]=$(json .from <<<"$started" || :)
    engine_select
    [[ -z $(tail -c 1 -- "$path/journal.jsonl") ]] || echo >>"$path/journal.jsonl"
    ENGINE_PREVIOUS=$previous ENGINE_DIR=$path ENGINE_RUN=${path##*/} ENGINE_JOURNAL=$path/journal.jsonl
    for path in "$path"/*.log; do
        name=${path##*/}
        [[ $name == '*.log' ]] || ENGINE_FILES=$((10#${name%%-*}))
    done
    engine_say "Goes on with $ENGINE_DIR"
}

# No text of a journal can look like one of these keys: its quotes are escaped.
engine_replay() {
    local event='' step=0 status=''
    [[ ! $1 =~ ,\"event\":\"([a-z_]+)\" ]] || event=${BASH_REMATCH[1]}
    [[ ! $1 =~ ,\"step\":\"([a-z0-9_]+)\" ]] || step=${BASH_REMATCH[1]}
    [[ ! $1 =~ ,\"status\":\"([a-z]+)\" ]] || status=${BASH_REMATCH[1]}
    case $event/$status in
        step_start/*)
            ENGINE_STATE[$step]=unknown
            ENGINE_ATTEMPT[$step]=$((${ENGINE_ATTEMPT[$step]-0} + 1))
            ;;
        undo_start/* | step_end/late) ENGINE_STATE[$step]=unknown ;;
        # It did what it should, and the check did not see it: perhaps it sees it now.
        step_end/failed)
            ENGINE_STATE[$step]=failed
            [[ $1 != *',"verify":"failed"'* ]] || ENGINE_STATE[$step]=unknown
            ;;
        undo/ok | undo/finding) ENGINE_STATE[$step]=undone ;;
        step_end/*) ENGINE_STATE[$step]=$status ;;
        run_end/*) [[ ! $1 =~ ,\"code\":([0-9]+) ]] || ENGINE_STATE[0]=${BASH_REMATCH[1]} ;;
        *) ;;
    esac
}

# 0 if a resumed run has this step behind it. Nobody repeats an action of which it is not known whether it was done.
engine_behind() {
    local step=$1 before='' next='' one
    case ${STEP_KIND[$step]}/${ENGINE_STATE[$step]-} in
        probe/ok | manual/ok | */skipped) engine_say "$step: done before" ;;
        action/ok | action/finding)
            engine_say "$step: done before"
            ENGINE_DONE+=("$step")
            engine_mended
            ;;
        action/unknown)
            engine_title "$step" "nobody knows whether it was done"
            if engine_needless "$step" || { engine_has "$step" verify && engine_verified "$step"; }; then
                engine_say "  it was done"
                FOUND=() RC=''
                ENGINE_DONE+=("$step")
                engine_end_step "$step" ok reason "it was done, as its guard or its check says"
                return 0
            fi
            [[ -z ${STEP_REPEATABLE[$step]-} ]] || return 1
            for one in "${RUNBOOK_STEPS[@]}"; do
                [[ $before != "$step" ]] || next=$one
                before=$one
            done
            engine_warn "unknown_outcome: $step was cut off, and doing it twice may do harm. Look whether it was done."
            ! engine_has "$step" verify || engine_warn "  its check does not see it done"
            [[ -z $next ]] || engine_warn "  it was: $0 --from $next, with the same --set and --platform"
            engine_refuse 5 "  it was not: $0 --from $step"
            ;;
        *) return 1 ;;
    esac
}

# ---- lock
# One that holds a lock, as a line that no other process ever has: its id, when it started, and since which boot.
engine_holder() {
    local boot='' stat=''
    { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || :
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || :
    # Behind the name, which may hold anything: first the state, Z if it only waits to be taken notice of; 20th the start.
    stat=${stat##*) }
    [[ $stat == Z* ]] || echo "$1 $(cut -d ' ' -f 20 <<<"${stat:-?}") ${boot:-?}"
}

# Whether the process of such a line still lives.
engine_alive() {
    [[ -n $1 && $1 == "$(engine_holder "${1%% *}")" ]] && kill -0 "${1%% *}" 2>/dev/null
}

# What tells the stack from another one that is worked on from here.
engine_stack() {
    if engine_function platform_stack; then platform_stack; else engine_root; fi
}

engine_lock() {
    local base=/tmp home lock mine holder child try
    [[ ! -d /dev/shm || ! -w /dev/shm ]] || base=/dev/shm
    base+="/$RUNBOOK_NAMESPACE-$UID"
    home="$base/locks-$(engine_stack | cksum | cut -d ' ' -f 1)"
    lock="$home/$RUNBOOK_LOCK" mine="$home/.$RUNBOOK_LOCK.$$"
    { mkdir -p -- "$home" && [[ -O $base && ! -L $base ]] && rm -rf -- "$mine" && mkdir -- "$mine"; } ||
        engine_refuse 5 "cannot lock in $home"
    engine_time
    printf '%s\n%s\n' "$(engine_holder "$$")" "$RUNBOOK_ID, $(engine_operator), since $ENGINE_NOW" >"$mine/holder"
    for ((try = 0; try < 20; try++)); do
        # A folder with a file in it is never replaced, so one of two gets it, and who looks always sees whose it is.
        if mv -T -- "$mine" "$lock" 2>/dev/null; then
            ENGINE_LOCK=$lock
            return 0
        fi
        holder=$(head -n 1 -- "$lock/holder" 2>/dev/null || :)
        # A run that was killed may have left its step behind.
        child=$(head -n 1 -- "$lock/child" 2>/dev/null || :)
        if engine_alive "$holder" || engine_alive "$child"; then
            child=$(tail -n 1 -- "$lock/holder" 2>/dev/null || :)
            rm -rf -- "$mine"
            engine_refuse 6 "another run holds the lock $RUNBOOK_LOCK: process ${holder%% *} ($child)"
        fi
        # Whoever made it is gone. One at a time takes it away, after a second look.
        if mkdir -- "$lock.taken" 2>/dev/null; then
            if [[ -n $holder && $holder == "$(head -n 1 -- "$lock/holder" 2>/dev/null || :)" ]]; then
                engine_warn "takes over the lock of a run that is gone (process ${holder%% *})"
                engine_unlock "$lock"
            fi
            rmdir -- "$lock.taken"
        else
            engine_wait 0.1
        fi
    done
    rm -rf -- "$mine"
    engine_refuse 6 "cannot take the lock $lock${holder:+ of process ${holder%% *}}; if nobody has it: rm -r $lock $lock.taken"
}

# Away in one go: a folder that is emptied first might be another's when it is removed.
engine_unlock() {
    local gone="${1%/*}/.${1##*/}.gone.$$"
    rm -rf -- "$gone" || :
    ! mv -T -- "$1" "$gone" 2>/dev/null || rm -rf -- "$gone" || :
}

# ---- a function in its own bash
# engine_run LABEL FUNCTION SECONDS KIND: sets RC, FILE (its output) and FOUND (what it called a finding).
engine_run() {
    local text now
    ENGINE_FILES=$((ENGINE_FILES + 1))
    printf -v now '%(%s)T' -1
    printf -v FILE '%s/%03d-%s.log' "$ENGINE_DIR" "$ENGINE_FILES" "$1"
    : >"$FILE" || :
    exec {ENGINE_PIPE}> >(engine_filter "$FILE")
    ENGINE_FILTER=$!
    (
        # Its own group, made by timeout, gets the signals; and its own bash must not know that we hear none of PIPE.
        trap - PIPE INT TERM HUP EXIT ERR
        # By itself, and before it begins: if we are killed the lock must know of it.
        [[ -z $ENGINE_LOCK || $4 == probe ]] || engine_holder "$BASHPID" >"$ENGINE_LOCK/child" || :
        unset BASH_ENV
        export RUNBOOK_STEP_KIND=$4 RUNBOOK_FINDINGS=$FILE.findings RUNBOOK_RUN=$ENGINE_RUN RUNBOOK_ID
        export RUNBOOK_DEADLINE=$((now + ${3%%.*} + 1))
        export -f "${ENGINE_WORDS[@]}" "${2?}"
        exec timeout -k 5 "$3" "$BASH" -Eeuo pipefail -O inherit_errexit -c "$2" </dev/null >&"$ENGINE_PIPE" 2>&1 {ENGINE_PIPE}>&- {ENGINE_OUT}>&- {ENGINE_ERR}>&- 3>&-
    ) &
    ENGINE_CHILD=$!
    RC=0
    wait "$ENGINE_CHILD" || RC=$?
    ENGINE_CHILD=''
    engine_end_output
    FOUND=()
    if [[ -s $FILE.findings ]]; then
        while IFS= read -r text; do
            engine_redacted "$text"
            FOUND+=("$REPLY")
        done <"$FILE.findings"
    fi
    rm -f -- "$FILE.findings"
}

engine_end_output() {
    { printf '%s\n' "$ENGINE_END" >&"$ENGINE_PIPE"; } 2>/dev/null || :
    exec {ENGINE_PIPE}>&-
    wait "$ENGINE_FILTER" || :
}

# The same with a verdict in STATUS: ok, finding, failed, or late, when nobody knows what it did.
engine_judge() {
    engine_run "$@"
    case $RC in
        0) STATUS=ok ;;
        124 | 137) STATUS=late ;;
        *) STATUS=failed ;;
    esac
    [[ $STATUS != ok ]] || ((${#FOUND[@]} == 0)) || STATUS=finding
}

# What the step expects of its output.
engine_expect() {
    local step=$1 wrong=''
    [[ $STATUS == ok || $STATUS == finding ]] || return 0
    if [[ -n ${STEP_MATCHES[$step]-} ]] && ! grep -aEq -e "${STEP_MATCHES[$step]}" -- "$FILE"; then
        wrong="no line matches ${STEP_MATCHES[$step]}"
    elif [[ -n ${STEP_LACKS[$step]-} ]] && grep -aEq -e "${STEP_LACKS[$step]}" -- "$FILE"; then
        wrong="a line matches ${STEP_LACKS[$step]}"
    fi
    [[ -z $wrong ]] || {
        FOUND+=("${STEP_FINDING[$step]:-$wrong}")
        STATUS=finding
    }
}

# engine_wait SECONDS, so that a signal is heard at once.
engine_wait() {
    sleep "$1" &
    wait "$!" || :
}

# The function of the step for this platform in FORM; 1 if there is none.
engine_form() {
    FORM=step_$1__on_$ENGINE_PLATFORM
    engine_function "$FORM" || FORM=step_$1
    engine_function "$FORM"
}

engine_has() {
    engine_function "step_$1__$2"
}

engine_function() {
    declare -F "$1" >/dev/null
}

# ---- steps
engine_title() {
    engine_say
    engine_say "$BOLD$1: ${STEP_TITLE[$1]}$PLAIN (${STEP_KIND[$1]}${2:+, $2})"
}

engine_start_step() {
    ENGINE_STEP=$1 ENGINE_STEP_KIND=${STEP_KIND[$1]}
    ENGINE_ATTEMPT[$1]=$((${ENGINE_ATTEMPT[$1]-0} + 1))
    engine_time
    STARTED=$ENGINE_NOW
    engine_event step_start step "$1" kind "${STEP_KIND[$1]}" attempt= "${ENGINE_ATTEMPT[$1]}"
}

# engine_end_step ID STATUS [KEY VALUE]…: tells and keeps how it ended.
engine_end_step() {
    local step=$1 status=$2 text
    shift 2
    ENGINE_STATE[$step]=$status
    case $status in
        ok) engine_say "  ${GREEN}ok$PLAIN" ;;
        failed)
            ENGINE_FAILED+=("$step")
            engine_say "  ${RED}failed${RC:+ with $RC}$PLAIN"
            ;;
        late)
            ENGINE_LATE+=("$step")
            engine_say "  ${RED}stopped after ${STEP_TIMEOUT[$step]} s: what it did is unknown$PLAIN"
            ;;
        *) ;;
    esac
    for text in "${FOUND[@]}"; do
        engine_say "  ${YELLOW}finding: $text$PLAIN"
        # What an action says of its own doing is not mended by the next one.
        if [[ ${STEP_KIND[$step]} == action ]]; then ENGINE_KEPT+=("$text"); else ENGINE_FOUND+=("$text"); fi
        engine_event finding step "$step" text "$text"
    done
    engine_event step_end step "$step" status "$status" start "${STARTED:-}" attempt= "${ENGINE_ATTEMPT[$step]-0}" "$@"
    ENGINE_STEP=''
    FOUND=()
}

# What engine_run left, for the journal.
engine_output() {
    ENGINE_SUM=$("${ENGINE_SUMS[@]}" <"$FILE" || :)
    OUTPUT=(rc= "$RC" file "${FILE##*/}" sha256 "${ENGINE_SUM%% *}")
}

engine_probe() {
    engine_title "$1"
    engine_start_step "$1"
    engine_judge "$1" "$FORM" "${STEP_TIMEOUT[$1]}" probe
    engine_expect "$1"
    engine_output
    engine_end_step "$1" "$STATUS" "${OUTPUT[@]}"
    [[ $STATUS == ok || $STATUS == finding ]] || engine_failed "$1" continue
}

# Whether the alerts of this runbook are over.
engine_resolved() {
    local attempt attempts=${STEP_VERIFY_ATTEMPTS[$1]-1}
    [[ $ENGINE_MODE == act ]] || attempts=1
    engine_title "$1"
    engine_start_step "$1"
    for ((attempt = 1; attempt <= attempts; attempt++)); do
        ((attempt == 1)) || engine_wait "${STEP_VERIFY_EVERY[$1]-1}"
        engine_judge "$1" "$FORM" "${STEP_TIMEOUT[$1]}" probe
        [[ $STATUS != ok ]] || break
        ((attempt > 1 || attempts == 1)) ||
            engine_say "  not yet: asked up to $((attempts - 1)) times more, each ${STEP_VERIFY_EVERY[$1]-1} s; to stop waiting harms nothing"
    done
    engine_output
    [[ $STATUS != finding || $ENGINE_MODE != act ]] || ENGINE_OVER=not
    engine_end_step "$1" "$STATUS" "${OUTPUT[@]}"
}

engine_skipped() {
    engine_title "$1"
    engine_say "  $2"
    ENGINE_STATE[$1]=skipped
    engine_event step_end step "$1" status skipped reason "$2"
}

# 0 if the guard says that the step is not needed.
engine_needless() {
    engine_has "$1" unless || return 1
    engine_judge "$1-unless" "step_$1__unless" "${STEP_TIMEOUT[$1]}" probe
    engine_output
    engine_event unless step "$1" status "$STATUS" "${OUTPUT[@]}"
    [[ $STATUS == ok ]]
}

# 0 if the step did what it is for. Sets RC and STATUS.
engine_verified() {
    local attempt
    engine_has "$1" verify || return 0
    for ((attempt = 1; attempt <= ${STEP_VERIFY_ATTEMPTS[$1]-1}; attempt++)); do
        ((attempt == 1)) || engine_wait "${STEP_VERIFY_EVERY[$1]-1}"
        engine_judge "$1-verify" "step_$1__verify" "${STEP_VERIFY_TIMEOUT[$1]-${STEP_TIMEOUT[$1]}}" probe
        engine_output
        engine_event verify step "$1" attempt= "$attempt" status "$STATUS" "${OUTPUT[@]}"
        [[ $STATUS != ok ]] || return 0
    done
    return 1
}

engine_action() {
    local step=$1 found status
    local -a output
    if engine_needless "$step"; then
        engine_skipped "$step" "not needed"
        return 0
    fi
    engine_prepare "$step"
    engine_title "$step" "danger: ${STEP_DANGER[$step]-low}"
    engine_confirm "$step"
    engine_start_step "$step"
    engine_judge "$step" "$FORM" "${STEP_TIMEOUT[$step]}" action
    engine_expect "$step"
    engine_output
    found=("${FOUND[@]}") status=$STATUS output=("${OUTPUT[@]}")
    ENGINE_DONE+=("$step")
    if [[ $status == ok || $status == finding ]] && ! engine_verified "$step"; then
        engine_say "  it ran, but verifying it failed"
        status=failed RC=''
        output+=(verify failed)
    fi
    [[ $status != ok && $status != finding ]] || engine_mended
    FOUND=("${found[@]}")
    engine_end_step "$step" "$status" "${output[@]}"
    [[ $status == ok || $status == finding ]] || engine_failed "$step" abort
}

engine_manual() {
    local answer=''
    engine_title "$1"
    engine_filled "${STEP_INSTRUCTIONS[$1]-}"
    engine_say "  ${REPLY//$'\n'/$'\n'  }"
    engine_say "  For a person: ${STEP_BECAUSE[$1]-}"
    if [[ $ENGINE_MODE == act ]] && engine_ask "  Is it done? [y/N] "; then
        answer=$REPLY
    fi
    if [[ $answer == [yY]* ]]; then
        ENGINE_STATE[$1]=ok
        engine_event step_end step "$1" status ok typed "$answer"
    else
        ENGINE_STATE[$1]=left
        ENGINE_LEFT+=("$1")
        engine_event step_end step "$1" status left
    fi
}

# Prints all that an action would do.
engine_print_action() {
    engine_title "$1" "not run: a dry run"
    if engine_needless "$1"; then
        engine_say "  its guard says: not needed now"
    fi
    engine_describe "$1"
}

# An action did what it is for: what probes saw before it, or could not look at, counts no more.
engine_mended() {
    local step
    local -a failed=("${ENGINE_FAILED[@]}") late=("${ENGINE_LATE[@]}")
    ENGINE_FOUND=() ENGINE_FAILED=() ENGINE_LATE=()
    for step in "${failed[@]}"; do [[ ${STEP_KIND[$step]} == probe ]] || ENGINE_FAILED+=("$step"); done
    for step in "${late[@]}"; do [[ ${STEP_KIND[$step]} == probe ]] || ENGINE_LATE+=("$step"); done
}

# What follows a step that failed: the default is $2.
engine_failed() {
    [[ $ENGINE_MODE == act ]] || return 0
    case ${STEP_ON_FAILURE[$1]:-$2} in
        continue) ;;
        rollback)
            engine_rollback
            engine_finish
            ;;
        *) engine_finish ;;
    esac
}

# Takes back what was done, the last first; also what failed on its way, because nobody knows how far it came.
engine_rollback() {
    local i step
    engine_say
    engine_say "${BOLD}Undoing what was done$PLAIN"
    ENGINE_ROLLED_BACK=yes
    for ((i = ${#ENGINE_DONE[@]} - 1; i >= 0; i--)); do
        step=${ENGINE_DONE[i]}
        if ! engine_has "$step" undo; then
            engine_say "  $step stays: ${STEP_UNDO_NOT[$step]-}"
            engine_event undo step "$step" status stays reason "${STEP_UNDO_NOT[$step]-}"
            continue
        fi
        engine_say "  undo $step"
        ENGINE_STEP=$step ENGINE_STEP_KIND=undo
        engine_event undo_start step "$step"
        engine_judge "$step-undo" "step_${step}__undo" "${STEP_TIMEOUT[$step]}" undo
        engine_output
        engine_event undo step "$step" status "$STATUS" "${OUTPUT[@]}"
        ENGINE_STEP=''
        if [[ $STATUS == ok || $STATUS == finding ]]; then
            ENGINE_STATE[$step]=undone
        else
            ENGINE_STATE[$step]=unknown
            ENGINE_ROLLED_BACK=failed
            engine_say "  ${RED}undoing $step failed with $RC$PLAIN"
        fi
    done
}

# ---- confirmation
# Asks on the terminal, wherever standard input comes from. 1 without a terminal.
engine_ask() {
    [[ -n $ENGINE_TERMINAL ]] || return 1
    printf '%s' "$1" >/dev/tty
    REPLY=''
    IFS= read -r REPLY </dev/tty || :
}

# Sets REPLY to what has to be typed for this step.
engine_target() {
    engine_filled "${STEP_CONFIRM[$1]-}"
    [[ -n $REPLY ]] || engine_refuse 4 "$1 has high danger, but nothing to type"
}

# 0 if --confirm gave it.
engine_given() {
    local text
    for text in "${ENGINE_CONFIRM[@]}"; do [[ $text != "$1" ]] || return 0; done
    return 1
}

# Before the first action: who and where, and whether all actions that may follow can be confirmed at all.
engine_prepare() {
    local step begun=''
    local -a missing=()
    [[ -z $ENGINE_PREPARED ]] || return 0
    for step in "${ENGINE_SELECTED[@]}"; do
        [[ $step != "$1" ]] || begun=yes
        [[ -n $begun && ${STEP_KIND[$step]} == action && -z $ENGINE_TERMINAL ]] || continue
        engine_form "$step" || continue
        if [[ ${STEP_DANGER[$step]-low} == high ]]; then
            engine_target "$step"
            engine_given "$REPLY" || missing+=("$step needs --confirm ${REPLY@Q}")
        elif [[ -z $ENGINE_YES ]]; then
            missing+=("$step needs --yes")
        fi
    done
    engine_form "$1"
    if ((${#missing[@]} > 0)); then
        printf '%s\n' "${missing[@]}" >&2
        engine_refuse 4 "there is no terminal to ask on: nothing was changed"
    fi
    engine_say
    engine_say "${BOLD}Before the first action$PLAIN"
    engine_say "    runbook: $RUNBOOK_TITLE"
    engine_say "    platform: $ENGINE_PLATFORM"
    if engine_function platform_identity; then
        engine_run identity platform_identity 10 probe
        engine_output
        engine_event identity "${OUTPUT[@]}"
        ((RC == 0)) || engine_say "    who is there is not known: platform_identity ended with $RC"
    fi
    engine_time
    engine_say "    time: $ENGINE_NOW"
    engine_say "    operator: $(engine_operator) on $(uname -n)"
    engine_say "    run: $ENGINE_DIR"
    ENGINE_PREPARED=yes
}

engine_confirm() {
    local target typed how
    [[ $ENGINE_MODE == act ]] || return 0
    if [[ ${STEP_DANGER[$1]-low} == high ]]; then
        engine_target "$1"
        target=$REPLY how=typed typed=''
        if engine_given "$target"; then
            typed=$target how=--confirm
        elif engine_ask "  Type $target to do it: "; then
            typed=$REPLY
        fi
        engine_event confirm step "$1" target "$target" typed "$typed" how "$how"
        [[ $typed == "$target" ]] && return 0
    elif [[ -n $ENGINE_YES ]]; then
        engine_event confirm step "$1" typed '' how --yes
        return 0
    else
        declare -f "$FORM" | sed '1,2d;$d;s/^/  /'
        engine_ask "  Do it? [y/N] " || REPLY=''
        typed=$REPLY
        engine_event confirm step "$1" typed "$typed" how typed
        [[ $typed == [yY] || $typed == [yY][eE][sS] ]] && return 0
    fi
    engine_refuse 4 "$1 was not confirmed: it was not run"
}

# ---- evidence: beside each other, because none may hold up what mends
engine_evidence() {
    local name i number=$ENGINE_FILES
    local -a jobs=()
    ((${#RUNBOOK_EVIDENCE[@]} > 0)) || return 0
    for name in "${RUNBOOK_EVIDENCE[@]}"; do
        (
            trap - EXIT ERR INT TERM HUP
            ENGINE_QUIET=yes
            ENGINE_FILES=$((number + ${#jobs[@]}))
            engine_run "evidence-$1-$name" "evidence_$name" 5 probe
            exit "$RC"
        ) &
        jobs+=("$!")
    done
    for i in "${!jobs[@]}"; do
        RC=0
        wait "${jobs[i]}" || RC=$?
        name=${RUNBOOK_EVIDENCE[i]}
        printf -v FILE '%s/%03d-evidence-%s-%s.log' "$ENGINE_DIR" "$((number + i + 1))" "$1" "$name"
        ((RC == 0)) || engine_say "evidence $name is incomplete: it ended with $RC"
        engine_output
        engine_event evidence name "$name" when "$1" "${OUTPUT[@]}"
    done
    ENGINE_FILES=$((number + ${#jobs[@]}))
}

# ---- what a step is, in words and commands
engine_describe() {
    local form part
    engine_say "  id: $1, kind: ${STEP_KIND[$1]}${STEP_TIMEOUT[$1]+, timeout: ${STEP_TIMEOUT[$1]} s}"
    engine_fact why "${STEP_WHY[$1]-}"
    engine_fact "a line must match" "${STEP_MATCHES[$1]-}"
    engine_fact "no line may match" "${STEP_LACKS[$1]-}"
    engine_fact "otherwise a finding" "${STEP_FINDING[$1]-}"
    engine_fact danger "${STEP_DANGER[$1]-}"
    engine_fact "to be typed" "${STEP_CONFIRM[$1]-}"
    engine_fact "if it fails" "${STEP_ON_FAILURE[$1]-}"
    engine_fact "may be done twice" "${STEP_REPEATABLE[$1]-}"
    engine_fact "cannot be undone" "${STEP_UNDO_NOT[$1]-}"
    engine_fact "verified so often, at most" "${STEP_VERIFY_ATTEMPTS[$1]-}"
    engine_fact instructions "${STEP_INSTRUCTIONS[$1]-}"
    engine_fact "for a person" "${STEP_BECAUSE[$1]-}"
    for part in "" "__on_${ENGINE_PLATFORM:-*}" __unless __verify __undo; do
        while IFS= read -r form; do
            # What is printed is what runs.
            [[ $form != step_$1$part ]] || declare -f "$form" | sed 's/^/    /'
        done < <(compgen -A function "step_$1" || :)
    done
}

engine_fact() {
    [[ -z $2 ]] || {
        engine_filled "$2"
        engine_say "  $1: ${REPLY//$'\n'/$'\n'    }"
    }
}

engine_list() {
    local step
    for step in "${RUNBOOK_STEPS[@]}"; do
        printf '%-24s %-9s %s\n' "$step" "${STEP_KIND[$step]}" "${STEP_TITLE[$step]}"
    done
}

engine_plan() {
    local step
    ENGINE_PLATFORM=${ENGINE_OPTION[platform]-}
    for step in "${ENGINE_SELECTED[@]}"; do
        engine_title "$step"
        engine_describe "$step"
    done
}

# ---- platform
engine_find_platform() {
    local given=${ENGINE_OPTION[platform]-} variable="${RUNBOOK_NAMESPACE^^}_PLATFORM" found name
    [[ -n $given ]] || given=${!variable-}
    if [[ -z $given ]]; then
        found=$(
            export -f "${ENGINE_WORDS[@]}"
            timeout -k 1 10 "$BASH" -Eeuo pipefail -O inherit_errexit -c platform_detect </dev/null || :
        )
        [[ -n $found && $found != *$'\n'* ]] ||
            engine_refuse 5 "found ${found:+more than one platform: ${found//$'\n'/, }}${found:-no platform}: --platform names it (${RUNBOOK_PLATFORMS[*]})"
        given=$found
    fi
    for name in "${RUNBOOK_PLATFORMS[@]}"; do
        [[ $name != "$given" ]] || ENGINE_PLATFORM=$name
    done
    [[ -n $ENGINE_PLATFORM ]] || engine_refuse 5 "no such platform here: $given (${RUNBOOK_PLATFORMS[*]})"
}

# What it says is shown when the secrets that it exports are known as well; until then it waits in a pipe, which takes so much.
engine_enter_platform() {
    local rc=0 line to pipe filter
    if engine_function platform_enter; then
        exec {pipe}<> <(:)
        exec {to}> >(head -c 60000 >&"$pipe" && cat >/dev/null)
        filter=$!
        platform_enter "$ENGINE_PLATFORM" 2>&"$to" || rc=$?
        exec {to}>&-
        wait "$filter" || :
        engine_secrets
        printf '\n%s\n' "$ENGINE_END" >&"$pipe"
        while IFS= read -r line && [[ $line != "$ENGINE_END" ]]; do
            engine_redacted "$line"
            [[ -z $REPLY ]] || printf '%s\n' "$REPLY" >&2 || :
        done <&"$pipe"
        exec {pipe}>&-
        ((rc == 0)) || engine_refuse 5 "cannot enter the platform $ENGINE_PLATFORM"
    else
        engine_secrets
    fi
}

engine_select() {
    local step begun=''
    ENGINE_SELECTED=()
    [[ -n ${ENGINE_OPTION[from]-} ]] || begun=yes
    for step in "${RUNBOOK_STEPS[@]}"; do
        [[ $step != "${ENGINE_OPTION[from]-}" ]] || begun=yes
        [[ -z $begun || -n ${ENGINE_OPTION[step]-} && $step != "${ENGINE_OPTION[step]}" ]] || ENGINE_SELECTED+=("$step")
    done
}

# ---- the end
engine_command() {
    local command
    printf -v command '%q --resume %q' "$0" "$ENGINE_DIR"
    echo "$command"
}

engine_finish() {
    local code=0 text step
    engine_evidence_after
    ENGINE_FOUND+=("${ENGINE_KEPT[@]}")
    if [[ $ENGINE_ROLLED_BACK == failed ]]; then
        code=8 text="failed, and undoing it failed as well"
    elif [[ -n $ENGINE_ROLLED_BACK ]]; then
        code=7 text="failed, and what was done was undone"
    elif ((${#ENGINE_LATE[@]} > 0)); then
        code=124 text="took too long: ${ENGINE_LATE[*]}"
    elif ((${#ENGINE_FAILED[@]} > 0)); then
        code=1 text="failed: ${ENGINE_FAILED[*]}"
    elif [[ -n $ENGINE_OVER ]]; then
        code=9 text="done, but the alert is not over"
    elif ((${#ENGINE_FOUND[@]} > 0)); then
        code=3 text="found what is wrong, and nothing mended it"
    else
        text="well"
    fi
    engine_say
    for step in "${ENGINE_FOUND[@]}"; do engine_say "finding: $step"; done
    for step in "${ENGINE_LEFT[@]}"; do engine_say "left for a person: ${STEP_TITLE[$step]}"; done
    engine_say "$BOLD$text$PLAIN"
    engine_say "kept in $ENGINE_DIR"
    exit "$code"
}

engine_evidence_after() {
    [[ -z $ENGINE_PREPARED ]] || engine_evidence after
}

# ---- signals. Below a trap `return` without a number gives the status from before it.
engine_interrupted() {
    local signal=$1 code=$2 child=$ENGINE_CHILD
    ENGINE_CHILD=''
    # It may come where output goes to a file.
    exec 1>&"$ENGINE_OUT" 2>&"$ENGINE_ERR"
    trap '[[ -z $child ]] || kill -s TERM -- "$child" 2>/dev/null || :' INT TERM HUP
    if [[ -n $child ]]; then
        kill -s "$signal" -- "$child" 2>/dev/null || :
        while kill -0 "$child" 2>/dev/null; do wait "$child" || :; done
        engine_end_output
    fi
    engine_event interrupted signal "$signal" step "$ENGINE_STEP"
    engine_say
    engine_say "${RED}Interrupted$PLAIN by $signal"
    ((${#ENGINE_DONE[@]} == 0)) || engine_say "done: ${ENGINE_DONE[*]}"
    case $ENGINE_STEP_KIND in
        action | undo) [[ -z $ENGINE_STEP ]] || engine_say "half done: $ENGINE_STEP ($ENGINE_STEP_KIND): what it did is unknown" ;;
        *) ;;
    esac
    exit "$code"
}

engine_exit() {
    local code=$1
    trap '' INT TERM HUP
    trap - EXIT ERR
    [[ -z $ENGINE_DIR ]] || engine_event run_end code= "$code"
    case $ENGINE_MODE/$code in
        act/[1478] | act/124 | act/130 | act/143) [[ -z $ENGINE_DIR ]] || engine_say "go on with: $(engine_command)" ;;
        *) ;;
    esac
    [[ -z $ENGINE_DIR ]] || rm -f -- "$ENGINE_DIR"/*.findings
    [[ -z $ENGINE_LOCK ]] || engine_unlock "$ENGINE_LOCK"
    exit "$code"
}

engine_steps() {
    local step
    for step in "${ENGINE_SELECTED[@]}"; do
        if [[ -n $ENGINE_RESUME ]] && engine_behind "$step"; then continue; fi
        case ${STEP_KIND[$step]}/$ENGINE_MODE in
            manual/only-probes | action/only-probes) continue ;;
            manual/*)
                engine_manual "$step"
                continue
                ;;
            *) ;;
        esac
        if ! engine_form "$step"; then
            engine_skipped "$step" "has no form for $ENGINE_PLATFORM"
            continue
        fi
        case ${STEP_KIND[$step]}/$ENGINE_MODE in
            probe/*) engine_probe "$step" ;;
            resolved/*) engine_resolved "$step" ;;
            action/act) engine_action "$step" ;;
            *) engine_print_action "$step" ;;
        esac
    done
}

main() {
    # As in a step: the words must not see another one here.
    local IFS=$' \t\n'
    if [[ $- == *x* ]]; then
        set +x
        engine_refuse 5 "runs not under set -x, which prints secrets"
    fi
    engine_parse "$@"
    exec 3>&1
    [[ -z $ENGINE_JSON ]] || exec 1>&2
    exec {ENGINE_OUT}>&1 {ENGINE_ERR}>&2
    engine_colours
    mapfile -t ENGINE_WORDS < <(compgen -A function | grep -vE '^(engine_|step_|main$)' || :)
    engine_select
    case $ENGINE_MODE in
        help) engine_usage ;;
        list) engine_list ;;
        plan) engine_plan ;;
        *) engine_start ;;
    esac
    exit 0
}

engine_start() {
    [[ -n $(type -P timeout || :) ]] || engine_refuse 5 "needs the command timeout"
    [[ -n $(type -P sha256sum || :) ]] || ENGINE_SUMS=(openssl dgst -sha256 -r)
    trap '' PIPE
    trap 'engine_exit "$?"' EXIT
    trap 'engine_warn "line $LINENO of the script itself failed: $BASH_COMMAND"' ERR
    trap 'engine_interrupted INT 130' INT
    trap 'engine_interrupted TERM 143' TERM HUP
    [[ -z $ENGINE_RESUME ]] || engine_find_run
    engine_find_platform
    engine_enter_platform
    # What is locked is the stack that was just entered.
    [[ $ENGINE_MODE != act ]] || engine_lock
    [[ -z $ENGINE_RESUME ]] || engine_load_run
    if { : >/dev/tty; } 2>/dev/null; then ENGINE_TERMINAL=yes; fi
    if [[ -n $ENGINE_RESUME ]]; then
        engine_begin resume
    else
        engine_new_run
        engine_begin run_start
    fi
    [[ $ENGINE_MODE != act ]] || engine_evidence before
    engine_steps
    engine_finish
}
