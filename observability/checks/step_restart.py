"""No container is restarted so that it takes a changed environment.

Why: `docker restart` and `docker compose restart` start the same container again, with the variables that it
was made with; trading that was switched off in `.env` goes on.
Fix: `docker compose up --detach --no-deps --force-recreate SERVICE` makes a new container; look into it
afterwards.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_parts import Simple
from observability.shell_steps import Piece, pieces

_RESTARTS = {"restart", "compose restart"}
_FILE = re.compile(r"(.*/)?([\w.-]*\.)?env(\.\w+)?")
_EDITORS = {"sed", "tee", "cp", "mv", "install", "perl", "ed"}


def check(project: Project) -> Iterator[Finding]:
    changed: dict[str, str] = {}
    for piece in pieces(project):
        if piece.key == "undo":
            continue
        if what := next(_changes(piece), None):
            changed.setdefault(piece.name, what)
        for call in piece.calls:
            engine = call.engine()
            if engine and engine[0] in _RESTARTS and call.name != "kubectl" and piece.name in changed:
                text = f"`{call}` keeps the environment of before `{changed[piece.name]}`"
                yield Finding(
                    piece.place, f"{text}; `docker compose up --detach --force-recreate` makes a new one"
                )


def _changes(piece: Piece) -> Iterator[str]:
    for call in piece.calls:
        if _exports(call) or (call.name in _EDITORS and any(_FILE.fullmatch(one) for one in call.arguments)):
            yield str(call)
    for command in piece.commands:
        if _writes(command):
            yield str(command)


def _exports(call: Call) -> bool:
    return call.name == "export" and any("=" in one for one in call.arguments)


def _writes(command: Simple) -> bool:
    return any(
        one.operator in (">", ">>", ">|") and _FILE.fullmatch(one.target.text) for one in command.redirects
    )
