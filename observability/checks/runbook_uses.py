"""A runbook uses the libraries whose words it calls, and no others; its evidence is a word of theirs.

Why: a word of a library that the script lacks is "command not found" in the middle of an incident.
Fix: add the library to `uses`, or remove what is not used; correct the name of the evidence.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from config.spec.runbook import Runbook
from observability.checks.finding import Finding
from observability.shell_steps import (
    ALWAYS,
    PRELUDE,
    Piece,
    called,
    calling,
    libraries,
    owners,
    pieces,
    used_by,
)

_EVIDENCE = "evidence_"
_TOOLS = ("pg_", "docker_", "kube_")


def check(project: Project) -> Iterator[Finding]:
    words_of: dict[str, set[str]] = {}
    for piece in pieces(project):
        words_of.setdefault(piece.name, set()).update(called(project, piece.calls))
        yield from _words(project, piece)
    stepped = [runbook for runbook in project.runbooks.values() if runbook.script is None]
    if stepped and ALWAYS not in project.libraries:
        yield Finding(
            stepped[0].where("title"), f"there is no runbooks/lib/{ALWAYS}.sh, which every script has"
        )
    for name, runbook in project.runbooks.items():
        words = words_of.get(name, set()) | {f"{_EVIDENCE}{one}" for one in runbook.evidence}
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
    owner, calls_of, callers = owners(project), calling(project), _callers(project, words)
    needed = {owner[word] for word in callers}
    for library in used_by(project, runbook):
        # What its other words need may be there as well.
        others = {owner[other] for word in library.words for other in calls_of.get(word, ())}
        needed |= others - {library.name}
    for index, name in enumerate(runbook.uses):
        place = runbook.where("uses", index)
        if name not in project.libraries:
            yield Finding(place, f"no library named {name!r}{did_you_mean(name, project.libraries)}")
        elif name == ALWAYS:
            yield Finding(place, f"every runbook has {ALWAYS}", "warning")
        elif name in libraries(project) and name not in needed and runbook.script is None:
            yield Finding(place, f"no step calls a word of {name!r}", "warning")
    for word, caller in callers.items():
        user = owner.get(caller or "")
        if user in runbook.uses and owner[word] not in (ALWAYS, *runbook.uses):
            text = f"{caller} calls {word} of {owner[word]!r}, which the runbook does not use"
            yield Finding(runbook.where("uses", runbook.uses.index(user)), text)


def _callers(project: Project, words: set[str]) -> dict[str, str | None]:
    """Return every word that is called in the end, by which word of a library."""
    owner, calls_of = owners(project), calling(project)
    found: dict[str, str | None] = dict.fromkeys(sorted(word for word in words if word in owner))
    ahead = list(found)
    for caller in ahead:
        for word in calls_of[caller]:
            if word not in found:
                found[word] = caller
                ahead.append(word)
    return found


def _evidence(project: Project, runbook: Runbook) -> Iterator[Finding]:
    here = {word for library in used_by(project, runbook) for word in library.words}
    names = [word.removeprefix(_EVIDENCE) for word in here if word.startswith(_EVIDENCE)]
    for index, name in enumerate(runbook.evidence):
        if name not in names:
            text = f"no word {_EVIDENCE}{name} in what the runbook uses{did_you_mean(name, sorted(names))}"
            yield Finding(runbook.where("evidence", index), text)
