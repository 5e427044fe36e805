"""The pieces of shell of the runbooks' steps, and the words that libraries give them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from config.spec.model import Project
from config.spec.problem import Place
from config.spec.runbook import Runbook, Step
from observability.shell import Script, ShellError, Simple, parse
from observability.shell_calls import Call, calls

ALWAYS = "platform"  # the library that every script has
# Words of the prelude.
PRELUDE = frozenset({"finding", "fail", "needs_action", "json", "prometheus_query", "left_seconds", "note"})
_CAPITALS = re.compile(r"(?P<name>[A-Z][A-Z0-9_]+)(?:=|\Z)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of shell of a step; `key` is where it stands, such as `run_on.compose` or `verify.run`."""

    name: str
    runbook: Runbook
    step: Step
    key: str
    text: str
    script: Script

    @property
    def place(self) -> Place:
        return self.step.where(*self.key.split("."))

    @property
    def only_reads(self) -> bool:
        return self.step.kind == "probe" or self.key in ("unless", "verify.run")

    @property
    def commands(self) -> tuple[Simple, ...]:
        return self.script.commands

    @property
    def calls(self) -> tuple[Call, ...]:
        return _calls(self.text)


@dataclass(frozen=True, slots=True)
class Library:
    """Words of one library, each function with its calls; `variables` are the names that it speaks of."""

    name: str
    words: Mapping[str, tuple[Call, ...]]
    variables: frozenset[str]


@lru_cache(1)
def pieces(project: Project) -> tuple[Piece, ...]:
    """Return every piece of shell that can be read; step_syntax tells of the others."""
    return tuple(
        Piece(name, runbook, step, key, text, script)
        for name, runbook in project.runbooks.items()
        for step in runbook.steps
        for key, text in step.shell.items()
        if (script := _read(text)) is not None
    )


@lru_cache(1)
def libraries(project: Project) -> Mapping[str, Library]:
    """Return the libraries that can be read, by name, but for those that are a program of their own."""
    programs = {runbook.script for runbook in project.runbooks.values()}
    return {
        name: Library(name, _functions(script), frozenset(_variables(script)))
        for name, text in project.libraries.items()
        if name not in programs and (script := _read(text)) is not None
    }


def used_by(project: Project, runbook: Runbook) -> Iterator[Library]:
    """Yield the libraries that a runbook's script has."""
    known = libraries(project)
    yield from (known[name] for name in dict.fromkeys((ALWAYS, *runbook.uses)) if name in known)


@lru_cache(1)
def changing(project: Project) -> frozenset[str]:
    """Return the words that call needs_action at their head, and those that call such a word."""
    heads = {
        word
        for one in libraries(project).values()
        for word, made in one.words.items()
        if any(call.name == "needs_action" and call.command.depth == 1 for call in made)
    }
    return _calling(project, heads)


@lru_cache(1)
def asking_sql(project: Project) -> frozenset[str]:
    """Return psql and the words that hand their arguments to it in the end."""
    handing = {
        word
        for one in libraries(project).values()
        for word, made in one.words.items()
        if any("psql" in call.arguments for call in made)
    }
    return _calling(project, {"psql", *handing})


def _calling(project: Project, names: set[str]) -> frozenset[str]:
    """Return these names and the words that call one of them, themselves or by another word."""
    words = {word: made for one in libraries(project).values() for word, made in one.words.items()}
    found = set(names)
    while more := {
        word for word, made in words.items() if word not in found and any(c.name in found for c in made)
    }:
        found |= more
    return frozenset(found)


@lru_cache(1)
def owners(project: Project) -> Mapping[str, str]:
    """Return the library of each word."""
    return {word: one.name for one in libraries(project).values() for word in one.words}


def called(project: Project, made: Iterable[Call]) -> Iterator[str]:
    """Yield the words of libraries among the calls, and those that are handed on by their names.

    Of a name that is put together, such as `gate_$name`, every word that begins so is meant.
    """
    owner = owners(project)
    for call in made:
        head, dollar, _ = call.name.partition("$")
        if call.name in owner:
            yield call.name
        elif dollar and head.endswith("_"):
            yield from (one for one in owner if one.startswith(head))
        yield from (word.text for word in call.words[1:] if word.text in owner and "_" in word.text)


@lru_cache(1)
def calling(project: Project) -> Mapping[str, tuple[str, ...]]:
    """Return the words that each word of a library calls."""
    return {
        word: tuple(dict.fromkeys(called(project, made)))
        for library in libraries(project).values()
        for word, made in library.words.items()
    }


def _read(text: str) -> Script | None:
    try:
        return parse(text)
    except ShellError:
        return None


@lru_cache(4096)
def _calls(text: str) -> tuple[Call, ...]:
    return tuple(calls(parse(text).commands))


def _functions(script: Script) -> dict[str, tuple[Call, ...]]:
    return {name: tuple(calls(commands)) for name, commands in script.functions.items()}


def _variables(script: Script) -> Iterator[str]:
    """Yield names in capitals that are assigned, exported or expanded, or handed to a word of the library."""
    for command in script.commands:
        yield from (name for name, _ in command.assigned if name.isupper())
        for word in command.all_words:
            yield from (one.name for one in word.expansions if one.name.isupper())
            if found := _CAPITALS.match(word.text):
                yield found["name"]
