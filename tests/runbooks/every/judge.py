"""Which calls only read. Whatever is not known to do so is refused."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from tests.runbooks.every.world import Call

READ_ONLY = "default_transaction_read_only=on"
# Of the bot's environment two settings are taken, by grep; this is never shown.
_SETTINGS = "{{range .Config.Env}}{{println .}}{{end}}"


def forbidden(call: Call) -> str:
    """Why this call may change something or show what nobody may see; nothing if it only reads."""
    rule = _RULES.get(call.name)
    if rule is None:
        return f"nobody says that {call.name} only reads"
    return rule(call)


def _tried(text: str) -> bool:
    return "/debug/signal" in text and "execute" not in text


def _nothing(_: Call) -> str:
    return ""


def _database(call: Call) -> str:
    if "--version" in call.argv or READ_ONLY in call.options.replace(" ", ""):
        return (
            ""
            if call.name in ("psql", "pg_dump", "pg_dumpall", "pg_restore")
            else f"{call.name} is no reader"
        )
    return "a session that could write"


def _curl(call: Call) -> str:
    # Standard input holds settings as `name = "value"`: the same as --name value.
    said = [line.partition(" = ") for line in call.said.splitlines()] if "-" in call.argv else []
    words = [*call.argv]
    for name, _, value in said:
        words += [f"--{name.strip()}", value.strip('" ')]
    asked = {word for flag, word in pairwise(words) if flag in ("-X", "--request")}
    asked |= {word[2:] for word in words if re.match(r"-X\w", word)}
    sends = [word for word in words if re.match(r"(-d|--data(-\w+)?)$", word)]
    if "--get" not in words and (sends or asked - {"GET", "HEAD"}):
        return "" if _tried(" ".join(words)) else f"a request {' '.join(sorted(asked | {*sends}))}"
    for flag, word in pairwise([*words, ""]):
        if flag in _WRITES or re.match(r"-[oOTFcD]\w", flag):
            return f"it writes or sends: {flag}"
        if flag in ("--output", "-o") and word != "/dev/null":
            return f"it writes {word}"
        if flag in ("-K", "--config") and word != "-":
            return f"it reads what to do from {word}"
        if re.search(r"/bot[^/]+/(?!get)", flag):
            return "Telegram is told to do something"
    return ""


_WRITES = {
    "-T",
    "--upload-file",
    "-F",
    "--form",
    "--json",
    "-O",
    "--remote-name",
    "-c",
    "--cookie-jar",
    "-D",
    "--dump-header",
}


def _after(argv: Sequence[str], *flags: str) -> list[str]:
    """The words behind the flags at the head; of FLAGS the next word is a value."""
    words = list(argv)
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in flags else words[1:]
    return words


def _docker(call: Call) -> str:
    verb, *rest = call.argv
    if verb in ("ps", "logs", "top", "stats", "version", "info"):
        return ""
    if verb == "inspect":
        shown = " ".join(rest)
        if "--format" not in shown:
            return "docker inspect of everything shows the environment"
        everything = re.search(r"\{\{ *(json +)?\. *\}\}|Config", shown.replace(_SETTINGS, ""))
        return "the format shows the environment" if everything else ""
    if verb == "exec":
        return _inner(_after(rest, "-e", "--env", "-u", "--user")[1:])
    return f"docker {verb}"


def _kubectl(call: Call) -> str:
    words = _after(call.argv)
    if words[:1] == ["exec"]:
        return _inner(words[words.index("--") + 1 :]) if "--" in words else "kubectl exec without --"
    if words[:1] == ["get"]:
        return "secrets are shown" if re.match(r"secrets?\b", words[1]) else ""
    return (
        ""
        if words[:1] in (["logs"], ["top"]) or words[:2] == ["config", "current-context"]
        else f"kubectl {words[:2]}"
    )


def _inner(argv: Sequence[str]) -> str:
    """A program in a container: its stub has a record of its own; here counts what is no stub."""
    words = list(argv)
    while words and words[0] in ("timeout", "env"):
        words = words[1:]
        while words and (words[0].startswith("-") or "=" in words[0] or re.fullmatch(r"[0-9.]+", words[0])):
            words = words[2:] if words[0] == "-k" else words[1:]
    if words[:1] in (["sh"], ["bash"]):
        return (
            ""
            if not re.search(r"\b(kill|rm|mv|tee|dd|>)\b|[^0-9&]>[^&]", _safe(words[-1]))
            else f"it runs {words}"
        )
    reads = {
        "cat",
        "df",
        "ls",
        "nproc",
        "stat",
        "du",
        "find",
        "head",
        "tail",
        "psql",
        "pg_dump",
        "pg_dumpall",
        "getent",
    }
    reads |= {
        "pg_restore",
        "python",
        "date",
        "uptime",
        "ps",
        "printenv",
        "id",
        "curl",
        "wget",
        "true",
        "test",
    }
    return "" if words and words[0] in reads else f"it runs {words[:2]}"


def _safe(text: str) -> str:
    return text.replace("2>/dev/null", "").replace(">/dev/null", "").replace('3<>"/dev/tcp', "")


def _verbs(*verbs: str) -> Callable[[Call], str]:
    def rule(call: Call) -> str:
        words = _after(call.argv, "--configuration")
        return "" if words and words[0] in verbs else f"{call.name} {words[:2]}"

    return rule


def _journalctl(call: Call) -> str:
    found = [
        word
        for word in call.argv
        if re.match(r"--(rotate|vacuum|flush|relinquish|smart|setup|sync|update)", word)
    ]
    return f"journalctl {found}" if found else ""


def _python(call: Call) -> str:
    if list(call.argv[:3]) == ["-m", "bot", "status"]:
        return ""
    # The program of a word: Telegram is asked by names that begin so.
    if call.argv[:1] == ["-c"] and len(call.argv) == 3 and re.match(r"(get|$)", call.argv[2]):
        return ""
    if call.argv[:1] == ["-c"] and (call.argv[2:3] == ["GET"] or _tried(" ".join(call.argv[2:]))):
        return ""
    return f"python {call.argv[:1]} {call.argv[2:]}"


def _kill(call: Call) -> str:
    return "" if call.argv[:1] == ["-0"] else "a signal"


_RULES: dict[str, Callable[[Call], str]] = {
    **dict.fromkeys(("psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_amcheck", "pgbench"), _database),
    **dict.fromkeys(("du", "ps", "sleep", "sync"), _nothing),
    "curl": _curl,
    "docker": _docker,
    "kubectl": _kubectl,
    "systemctl": _verbs("show", "status", "is-active", "is-enabled", "list-units", "list-timers"),
    "supervisorctl": _verbs("status", "pid"),
    "timedatectl": _verbs("show", "status", "timesync-status", "show-timesync"),
    "chronyc": _verbs("tracking", "sources"),
    "journalctl": _journalctl,
    "python": _python,
    "python3": _python,
    "kill": _kill,
    "py-spy": _verbs("dump"),
}
