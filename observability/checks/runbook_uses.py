"""A runbook uses the libraries whose words it calls, and no others; its evidence is a word of theirs.

Why: a word of a library that the script lacks is "command not found" in the middle of an incident.
Fix: add the library to `uses`, or remove what is not used; correct the name of the evidence.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from config.spec.runbook import Runbook
from observability.checks.finding import Finding
from observability.shell_steps import ALWAYS, PRELUDE, Piece, libraries, owners, pieces, used_by

_EVIDENCE = "evidence_"
_TOOLS = ("pg_", "docker_", "kube_")


def check(project: Project) -> Iterator[Finding]:
    called: dict[str, set[str]] = {}
    for piece in pieces(project):
        called.setdefault(piece.name, set()).update(call.name for call in piece.calls)
        yield from _words(project, piece)
    stepped = [runbook for runbook in project.runbooks.values() if runbook.script is None]
    if stepped and ALWAYS not in project.libraries:
        yield Finding(
            stepped[0].where("title"), f"there is no runbooks/lib/{ALWAYS}.sh, which every script has"
        )
    for name, runbook in project.runbooks.items():
        words = called.get(name, set()) | {f"{_EVIDENCE}{one}" for one in runbook.evidence}
        yield from _libraries(project, runbook, words)
        yield from _evidence(project, runbook)


def _words(project: Project, piece: Piece) -> Iterator[Finding]:
    owner = owners(project)
    here = {word for library in used_by(project, piece.runbook) for word in library.words}
    own = piece.script.functions.keys()
    for name in dict.fromkeys(call.name for call in piece.calls):
        if name in here or name in own or name in PRELUDE:
            continue
        if name in owner:
            yield Finding(piece.place, f"{name} is a word of {owner[name]!r}, which the runbook does not use")
        elif "_" in name and not name.startswith(_TOOLS):
            near = did_you_mean(name, sorted(here | PRELUDE))
            if near:
                yield Finding(piece.place, f"no word {name!r}{near}")


def _libraries(project: Project, runbook: Runbook, words: set[str]) -> Iterator[Finding]:
    known, owner = libraries(project), owners(project)
    needed = {owner[word] for word in words if word in owner}
    for name in runbook.uses:
        if name in known:
            # A library may call the words of another one.
            called = {call.name for made in known[name].words.values() for call in made}
            needed |= {owner[word] for word in called & owner.keys() if owner[word] != name}
    for index, name in enumerate(runbook.uses):
        place = runbook.where("uses", index)
        if name not in project.libraries:
            yield Finding(place, f"no library named {name!r}{did_you_mean(name, project.libraries)}")
        elif name == ALWAYS:
            yield Finding(place, f"every runbook has {ALWAYS}", "warning")
        elif name in known and name not in needed and runbook.script is None:
            yield Finding(place, f"no step calls a word of {name!r}", "warning")
    for name in sorted(needed - {ALWAYS, *runbook.uses}):
        users = [used for used in runbook.uses if used in known and _calls(project, used, name)]
        if users:
            text = f"{users[0]!r} calls words of {name!r}, which the runbook does not use"
            yield Finding(runbook.where("uses", runbook.uses.index(users[0])), text)


def _calls(project: Project, user: str, name: str) -> bool:
    known, owner = libraries(project), owners(project)
    return any(owner.get(call.name) == name for made in known[user].words.values() for call in made)


def _evidence(project: Project, runbook: Runbook) -> Iterator[Finding]:
    here = {word for library in used_by(project, runbook) for word in library.words}
    names = [word.removeprefix(_EVIDENCE) for word in here if word.startswith(_EVIDENCE)]
    for index, name in enumerate(runbook.evidence):
        if name not in names:
            text = f"no word {_EVIDENCE}{name} in what the runbook uses{did_you_mean(name, sorted(names))}"
            yield Finding(runbook.where("evidence", index), text)
