# shellcheck shell=bash
# Words of the incident response kit: what has to be at hand, by config/operations.yaml and the values file over it.

# kit_show SECTION: its lines. Among people an example is called a finding where real money is traded.
kit_show() {
    local section what at
    while IFS=$'\t' read -r section what at; do
        [[ $section != "${1:?a section}" ]] || printf '%-50s %s\n' "$what" "$at"
    done <<<"${RUNBOOK_KIT:?}"
}

# Whether it is an example.
kit_is_example() {
    [[ ${RUNBOOK_KIT:?} == $'examples\tyes'* ]]
}

# Each template is there.
kit_templates() {
    local section what at
    while IFS=$'\t' read -r section what at; do
        [[ $section == templates ]] || continue
        if [[ -e ${TRADEWATCH_ROOT:?}/$at ]]; then
            printf '%-50s %s\n' "$what" "$TRADEWATCH_ROOT/$at"
        else
            finding "the template $at is not here ($what)"
        fi
    done <<<"${RUNBOOK_KIT:?}"
}

# kit_tools PROGRAM…: each can be run from here.
kit_tools() {
    local program
    for program in "$@"; do
        if [[ -n $(type -P "$program" || :) ]]; then
            printf '%-12s %s\n' "$program" "$(type -P "$program")"
        else
            finding "the program $program is not here"
        fi
    done
}

# kit_scripts RUNBOOK…: each is here, can be run, and is whole for bash.
kit_scripts() {
    local name file
    for name in "$@"; do
        file=${TRADEWATCH_ROOT:?}/runbooks/$name.sh
        if [[ ! -x $file ]]; then
            finding "$file is not here, or cannot be executed"
        elif ! bash -n -- "$file" || ! "$file" --help >/dev/null; then
            finding "$file does not run"
        else
            echo "$file"
        fi
    done
}

# Whether the emergency stop could do its work: its file can be written, and the exchange's keys can be read.
kit_stop() {
    local folder=${CONTROL_DIR-} name file
    if [[ -z $folder ]]; then
        finding "CONTROL_DIR is not known here: the emergency stop cannot write HALT"
    elif [[ ! -e $folder/tradewatch-control ]]; then
        finding "$folder is no control directory: the emergency stop cannot write HALT"
    elif [[ ! -w $folder ]]; then
        finding "this user may not write into $folder: the emergency stop needs another"
    else
        echo "HALT can be written in $folder"
    fi
    for name in BINGX_API_KEY BINGX_SECRET_KEY ADMIN_TOKEN; do
        file=${name}_FILE
        if [[ -n ${!name-} || -r ${!file-} && -s ${!file-} ]]; then
            echo "$name is at hand"
        else
            finding "$name cannot be read here: the emergency stop can write HALT, and not ask bot or exchange"
        fi
    done
}
