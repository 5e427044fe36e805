"""No secret is an argument of a program, part of a URL, or printed.

Why: every user of the machine sees the arguments of every program, as `ps` shows them, and curl's header and
URL are arguments; what a step prints is on a screen, in the journal and in the evidence.
Fix: hand it over by standard input or the environment: `printf 'header = "X-KEY: %s"\\n' "$KEY" | curl
--config - …`; `docker exec -e NAME` without a value; PGPASSWORD for psql. Of a secret show only whether it is
set: `${NAME:+set}`.
"""

from collections.abc import Iterator, Set

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call, calls
from observability.shell_parts import Simple, Word
from observability.shell_steps import PRELUDE, Piece, owners, pieces

_FILE = "_FILE"
_PRINT = {"echo", "printf", "cat", "tee", "head", "tail", "finding", "fail", "note"}
# What is in the shell itself has no arguments that others see.
_INSIDE = {
    "[",
    "[[",
    "((",
    ":",
    "case",
    "declare",
    "echo",
    "exec",
    "export",
    "fail",
    "finding",
    "for",
    "local",
    "note",
} | {*("printf", "read", "readonly", "return", "test", "typeset", "unset")}
_DECLARE = {"declare", "export", "local", "readonly", "typeset"}
_SHOWN = {"", ":", ":-", "-", ":=", "=", ":?", "?"}
_CUT = ("#", "%", "^", ",", "/")


def check(project: Project) -> Iterator[Finding]:
    secrets = project.operations.secrets if project.operations else ()
    inside = _INSIDE | PRELUDE | owners(project).keys()
    for piece in pieces(project):
        known = _with_copies(frozenset(secrets), piece)
        functions = inside | piece.script.functions.keys()
        for call in piece.calls:
            yield from (Finding(piece.place, text) for text in _faults(call, known, functions))


def _faults(call: Call, known: Set[str], inside: Set[str]) -> Iterator[str]:
    is_argument = call.name not in inside
    for word in call.words[1:]:
        if name := _secret_in(word, known):
            if is_argument:
                kind = "part of a URL" if "://" in word.text else f"an argument of {call.name}"
                yield f"the secret {name} would be {kind}, which every user of the machine sees"
            elif call.name in _PRINT and _is_shown(call.command):
                yield f"{call.name} would print the secret {name}"
    if call.name in _PRINT and _is_shown(call.command) and (name := _given(call.command, known)):
        yield f"{call.name} would print the secret {name}"
    if call.name in ("cat", "head", "tail") and _is_shown(call.command):
        for word in call.words[1:]:
            if name := _file_in(word, known):
                yield f"{call.name} would print the secret in ${name}"
    if call.name == "printenv" and _is_shown(call.command):
        for name in call.arguments:
            if name in known:
                yield f"printenv would print the secret {name}"


def _with_copies(secrets: Set[str], piece: Piece) -> Set[str]:
    """Return the names that hold a secret, with those that take it from another one in this piece."""
    known = set(secrets)
    for command in piece.commands:
        given = list(command.assigned)
        if command.name in _DECLARE:
            pairs = ((word.text.partition("=")[0], word) for word in command.words[1:])
            given += [(name, word) for name, word in pairs if name != word.text]
        known |= {name for name, word in given if _secret_in(word, known)}
        if command.name == "read":
            texts = [one.target for one in command.redirects]
            if any(_secret_in(word, known) or _file_in(word, known) for word in texts):
                known |= {word.text for word in command.words[1:] if word.text.isidentifier()}
    return known


def _secret_in(word: Word, known: Set[str]) -> str | None:
    """Return the secret that is expanded in a word, or printed by what is substituted there."""
    for one in word.expansions:
        if one.name in known and (one.operator in _SHOWN or one.operator.startswith(_CUT)):
            return one.name
    for command in word.commands if "<(" not in word.raw else ():
        if command.is_piped and command.name not in _PRINT:
            continue
        for call in calls((command,)):
            last = command.after != "|"
            names = [_secret_in(part, known) or _file_in(part, known) for part in call.words[1:]]
            if last and call.name in _PRINT and any(names):
                return next(name for name in names if name)
        for redirect in command.redirects:
            if not command.words and (name := _file_in(redirect.target, known)):
                return name
    return None


def _file_in(word: Word, known: Set[str]) -> str | None:
    names = {f"{name}{_FILE}" for name in known}
    return next((one.name for one in word.expansions if one.name in names), None)


def _given(command: Simple, known: Set[str]) -> str | None:
    """Return the secret that is given on standard input."""
    texts = [one.body or one.target for one in command.redirects if one.operator.startswith("<<")]
    return next((name for word in texts if (name := _secret_in(word, known))), None)


def _is_shown(command: Simple) -> bool:
    """Whether its output is the step's: neither piped, nor in a file, nor taken by a substitution."""
    to_file = any(one.operator in (">", ">>", ">|") and one.fd in ("", "1") for one in command.redirects)
    to_error = any(one.operator == ">&" and one.target.text == "2" for one in command.redirects)
    return not command.inside and not command.is_piped and (not to_file or to_error)
