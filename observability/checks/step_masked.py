"""No failure is hidden: not by `|| true`, `; true`, `set +e`, `|| echo`, nor by `local x=$(…)`.

Why: a step whose failure is hidden is done for the runner, and the next one builds on it. `local x=$(…)` has
the status of local, which is 0; `((i++))` has 1 when i was 0, and ends the step although nothing failed.
Fix: let it fail; say what it means by `|| finding …` or `|| fail …`; if one status is all right, ask for that
one: `grep … || [[ $? == 1 ]]`. Declare first and assign then. A probe may go on if it judges afterwards: by
`expect`, `finding` or `fail`.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_parts import Simple
from observability.shell_steps import Piece, pieces

_SAYS = {"echo", "printf"}
_NOTHING = {"true", ":", "echo", "printf"}
_LEAVES = {"exit", "return"}
_DECLARES = {"local", "declare", "typeset", "export", "readonly"}
_TESTS = {"[[", "((", "[", "test"}
# They end with 1 where there is nothing, which a probe may say.
_LOOKS_UP = {"grep", "json"}
_JUDGES = {"finding", "fail"}


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for at, command in enumerate(piece.commands):
            if fault := _fault(piece, at, command):
                yield Finding(piece.place, fault)


def _fault(piece: Piece, at: int, command: Simple) -> str | None:
    texts = [word.text for word in command.words]
    if texts[:1] == ["set"] and any(one in ("+e", "+o") or one.startswith("+e") for one in texts[1:]):
        return f"`{command}` hides every failure that follows"
    if command.name in _DECLARES and any(word.commands and "=" in word.raw for word in command.words):
        return f"`{command}` has the status of {command.name}; declare first, and assign on a line of its own"
    if _counts(command):
        return f"`(({texts[1]}))` fails when the value was 0; write `NAME=$((NAME + 1))`"
    if _hides(piece, at, command):
        return f"`|| {command}` hides the failure of what stands before it"
    is_last = at == len(piece.commands) - 1 and not command.inside and not command.depth
    if (
        is_last
        and at
        and command.name in ("true", ":")
        and len(command.words) == 1
        and command.before != "||"
    ):
        return f"`{command}` at the end hides how the step ended"
    return None


def _hides(piece: Piece, at: int, command: Simple) -> bool:
    if command.before != "||" or not _is_nothing(command):
        return False
    before = [
        one for one in piece.commands[:at] if (one.inside, one.depth) == (command.inside, command.depth)
    ]
    # A test that does not hold is an answer, and no failure; as an end it is one that nobody hears.
    is_end = piece.key in ("unless", "verify.run") and at == len(piece.commands) - 1
    is_answer = bool(before) and before[-1].name in _TESTS and not is_end
    is_told = piece.step.kind == "probe" and piece.key.startswith("run") and command.name in _SAYS
    if is_told and before and before[-1].name in _LOOKS_UP:
        return False
    return not is_answer and not _judges_later(piece, at)


def _counts(command: Simple) -> bool:
    is_asked = command.asks or command.after in ("&&", "||")
    return command.name == "((" and command.words[1].text.endswith(("++", "--")) and not is_asked


def _is_nothing(command: Simple) -> bool:
    if command.name in _LEAVES:
        return [word.text for word in command.words[1:]] == ["0"]
    if command.after in ("&&", "||") or command.negated:
        return False
    return command.name in _NOTHING


def _judges_later(piece: Piece, at: int) -> bool:
    """Whether a probe says later what it makes of what it saw."""
    if piece.step.kind != "probe" or piece.key == "unless":
        return False
    return piece.step.expect is not None or any(one.name in _JUDGES for one in piece.commands[at:])
