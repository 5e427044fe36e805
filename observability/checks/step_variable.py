"""Every variable of a step is a parameter, set in the same piece, or given by a library or the engine.

Why: each piece is a bash of its own: what another step has set is gone, and a misspelt name ends the step at
the first use, or is taken for its default.
Fix: correct the name; add a parameter; or set it in the piece that uses it.
"""

from collections.abc import Iterator, Set

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding
from observability.shell_parts import Simple
from observability.shell_steps import Piece, pieces, used_by

# What bash sets, and what every login has.
_BASH = {
    *("BASHPID", "BASH_REMATCH", "BASH_SOURCE", "BASH_VERSINFO", "BASH_VERSION", "COPROC", "EPOCHREALTIME"),
    *("EPOCHSECONDS", "EUID", "FUNCNAME", "HOME", "HOSTNAME", "IFS", "LANG", "LC_ALL", "LINENO", "LOGNAME"),
    *("MAPFILE", "NO_COLOR", "OLDPWD", "OPTARG", "OPTIND", "OSTYPE", "PATH", "PIPESTATUS", "PPID", "PWD"),
    *("RANDOM", "REPLY", "SECONDS", "SHELL", "SRANDOM", "SUDO_USER", "TERM", "TMPDIR", "TZ", "UID", "USER"),
}
_ENGINE = ("RUNBOOK_", "PROMETHEUS_URL")
_SETTERS = {
    "read",
    "mapfile",
    "readarray",
    "local",
    "declare",
    "typeset",
    "export",
    "readonly",
    "getopts",
    "exec",
}


def check(project: Project) -> Iterator[Finding]:
    secrets = project.operations.secrets if project.operations else ()
    shared = {*_BASH, *secrets, *(f"{name}_FILE" for name in secrets)}
    for piece in pieces(project):
        given = {name for library in used_by(project, piece.runbook) for name in library.variables}
        parameters = {name.upper() for name in piece.runbook.parameters}
        known = shared | given | parameters | set(_set_in(piece))
        for name in dict.fromkeys(_used(piece)):
            if name not in known and not name.startswith(_ENGINE):
                yield Finding(piece.place, f"nothing sets ${name}{_hint(project, name, known, piece)}")


def _hint(project: Project, name: str, known: Set[str], piece: Piece) -> str:
    for other in pieces(project):
        if other.name == piece.name and name in _set_in(other):
            return (
                f"; what {other.step.id} sets in its {other.key} is gone, as each piece is a bash of its own"
            )
    likely = sorted(known - _BASH)
    return did_you_mean(name, likely) or did_you_mean(name, sorted(_BASH))


def _used(piece: Piece) -> Iterator[str]:
    for command in piece.commands:
        for word in command.all_words:
            yield from (one.name for one in word.expansions if one.name.isidentifier())


def _set_in(piece: Piece) -> Iterator[str]:
    for command in piece.commands:
        yield from (name for name, _ in command.assigned)
        yield from _set_by(command)
        for redirect in command.redirects:
            if redirect.fd.startswith("{"):
                yield redirect.fd[1:-1]


def _set_by(command: Simple) -> Iterator[str]:
    texts = [word.text for word in command.words]
    if command.name in ("for", "select") and texts[1] != "((":
        yield texts[1]
    elif command.name in _SETTERS:
        yield from (text.partition("=")[0].rstrip("+") for text in texts[1:])
    elif texts[:2] == ["printf", "-v"]:
        yield texts[2].partition("[")[0]
    for word in command.words:
        if command.name == "((" or texts[:2] == ["for", "(("]:
            yield from _assigned_in(word.text)


def _assigned_in(text: str) -> Iterator[str]:
    for part in text.replace(",", ";").split(";"):
        name = part.strip().partition("=")[0].rstrip("+-*/ ").lstrip("+-")
        if name.isidentifier() and (("=" in part and "==" not in part) or "++" in part or "--" in part):
            yield name
