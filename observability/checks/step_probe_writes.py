"""A probe, an `unless` and a `verify` only read.

Why: they run in a dry run, without a question and without `--yes`; whoever looks must not change what is
seen.
Fix: make it an action with `verify` and `undo`; of a word that only reads by accident of its name, take
another.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_parts import Simple
from observability.shell_steps import Piece, asking_sql, changing, pieces

_PROGRAMS = {
    *(
        "rm",
        "rmdir",
        "mv",
        "ln",
        "truncate",
        "shred",
        "dd",
        "chmod",
        "chown",
        "mkfs",
        "kill",
        "pkill",
        "killall",
    ),
    *(
        "reboot",
        "shutdown",
        "dropdb",
        "createdb",
        "vacuumdb",
        "reindexdb",
        "createuser",
        "dropuser",
        "systemd-run",
    ),
}
_ENGINE = {
    *(
        "start",
        "stop",
        "restart",
        "rm",
        "kill",
        "pause",
        "unpause",
        "update",
        "rename",
        "run",
        "rmi",
        "create",
    ),
    *(
        "up",
        "down",
        "build",
        "pull",
        "push",
        "prune",
        "delete",
        "apply",
        "patch",
        "replace",
        "scale",
        "edit",
        "set",
    ),
    *("annotate", "label", "cordon", "drain", "taint", "expose", "autoscale"),
}
_SYSTEMD = {
    "start",
    "stop",
    "restart",
    "reload",
    "kill",
    "enable",
    "disable",
    "mask",
    "unmask",
    "try-restart",
} | {
    *(
        "reload-or-restart",
        "daemon-reload",
        "reset-failed",
        "set-property",
        "edit",
        "isolate",
        "reboot",
        "poweroff",
    ),
}
_SENDS = (
    "-d",
    "--data",
    "-F",
    "--form",
    "-T",
    "--upload-file",
    "--json",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
)
_SQL = re.compile(
    r"(?:\A|;|\(|\bAS\s*\(?)\s*(?P<verb>INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|ALTER|DROP|CREATE|GRANT|REVOKE"
    r"|VACUUM|REINDEX|CLUSTER|REFRESH|COMMENT\s+ON|LOCK|CALL|DO|ANALYZE)\b|\b(?P<function>pg_terminate_backend|pg_cancel_backend"
    r"|pg_reload_conf|pg_switch_wal|pg_stat_reset\w*|pg_stat_statements_reset|pg_promote|pg_advisory_lock|lo_unlink|setval|nextval)\s*\(",
    re.IGNORECASE,
)


def check(project: Project) -> Iterator[Finding]:
    words, asking = changing(project), asking_sql(project)
    for piece in pieces(project):
        if not piece.only_reads:
            continue
        for call in piece.calls:
            if call.name in words and call.name != "needs_action":
                yield Finding(piece.place, f"{call.name} changes something, and {_who(piece)} only reads")
            elif what := _changes(call) or (_statement(call) if call.name in asking else None):
                yield Finding(piece.place, f"`{what}` changes something, and {_who(piece)} only reads")
        for command in piece.commands:
            if target := _written(command):
                yield Finding(piece.place, f"`>{target}` writes a file, and {_who(piece)} only reads")


def _who(piece: Piece) -> str:
    return f"`{piece.key.partition('.')[0]}`" if piece.key in ("unless", "verify.run") else "a probe"


def _changes(call: Call) -> str | None:
    arguments = call.arguments
    short = " ".join(str(call).split()[:6])
    if call.name in _PROGRAMS:
        return None if call.name == "kill" and arguments[:1] in (["-0"], ["-l"]) else short
    if engine := call.engine():
        return short if engine[0].rpartition(" ")[2] in _ENGINE or engine[0].startswith("rollout") else None
    if call.name == "systemctl":
        return short if any(one in _SYSTEMD for one in arguments) else None
    if call.name == "curl":
        return short if _sends(call) else None
    if call.name in ("sed", "perl"):
        return short if call.has("-i", "--in-place") else None
    if call.name == "find":
        return short if "-delete" in arguments else None
    if call.name == "pg_restore":
        return short if call.has("-d", "--dbname") else None
    if call.name == "tee":
        return short if [one for one in arguments if not one.startswith(("-", "/dev/"))] else None
    return None


def _statement(call: Call) -> str | None:
    given = [one.body or one.target for one in call.command.redirects if "<<" in one.operator]
    for text in [*call.arguments, *(word.text for word in given)]:
        if found := _SQL.search(text.removeprefix("--command=")):
            return found["verb"].upper() if found["verb"] else found["function"]
    return None


def _sends(call: Call) -> bool:
    """Whether curl asks for more than to read; -G makes a query of its data."""
    method = next((two for one, two in _pairs(call) if one in ("-X", "--request")), "GET")
    if method.upper() not in ("GET", "HEAD", "OPTIONS"):
        return True
    return call.has(*_SENDS) and not call.has("-G", "--get")


def _pairs(call: Call) -> Iterator[tuple[str, str]]:
    arguments = call.arguments
    for one, two in zip(arguments, [*arguments[1:], ""], strict=True):
        name, sign, value = one.partition("=")
        if sign and name.startswith("--"):
            yield name, value
        elif re.fullmatch(r"-[a-zA-Z]*X.+", one):
            yield "-X", one.partition("X")[2]
        else:
            yield (f"-{one[-1]}" if re.fullmatch(r"-[a-zA-Z]+", one) else one), two


def _written(command: Simple) -> str | None:
    for redirect in command.redirects:
        target = redirect.target.text
        if redirect.operator in (">", ">>", ">|", "&>", "&>>") and not _is_ours(target):
            return target
    return None


def _is_ours(target: str) -> bool:
    """Whether it is no file, or one of this run."""
    return target.startswith(("/dev/", ">(", "$RUNBOOK_", "${RUNBOOK_", "$TMPDIR"))
