# shellcheck shell=sh
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
