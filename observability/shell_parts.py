"""What shell consists of: words, redirections, simple commands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expansion:
    """`$NAME` or `${NAME…}`; `operator` is what follows the name, such as `:?`, or `length`."""

    name: str
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, without its quotes, and what the shell puts into it.

    In `text` an expansion stays as it is written, and a substitution is `$(…)`.
    """

    raw: str
    text: str
    expansions: tuple[Expansion, ...] = ()
    commands: tuple["Simple", ...] = ()

    @staticmethod
    def plain(text: str) -> "Word":
        return Word(text, text)


@dataclass(slots=True)
class Redirect:
    """`2>file`; `body` is the text of `<<`."""

    operator: str
    fd: str
    target: Word
    body: Word | None = None


@dataclass(slots=True)
class Simple:
    """A simple command; `before` and `after` are what joins it to its neighbours.

    `inside` is the substitution that it stands in, `$(`, `<(` or `>(`; `asks` the keyword
    whose condition it is part of; `is_piped` also holds in a group that is piped;
    `depth` counts the groups around it.
    """

    words: tuple[Word, ...]
    assigned: tuple[tuple[str, Word], ...]
    redirects: tuple[Redirect, ...]
    before: str
    after: str
    asks: str
    negated: bool
    inside: str
    function: str | None
    is_piped: bool
    depth: int

    @property
    def name(self) -> str:
        return self.words[0].text if self.words else ""

    @property
    def all_words(self) -> Iterator[Word]:
        """Every word of it, with what is assigned, redirected and given in place."""
        yield from self.words
        yield from (word for _, word in self.assigned)
        for redirect in self.redirects:
            yield redirect.target
            if redirect.body is not None:
                yield redirect.body

    def __str__(self) -> str:
        return " ".join([*(word.raw for _, word in self.assigned), *(word.raw for word in self.words)])


@dataclass(frozen=True, slots=True)
class Script:
    """The commands of a piece of shell in the order in which they are run, and those of each function."""

    commands: tuple[Simple, ...]
    functions: Mapping[str, tuple[Simple, ...]]
