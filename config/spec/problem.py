"""A problem in a file, as a value: checks and readers return it, only reports print it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file: path as the user would type it, line and column counted from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Related:
    """The other half of a problem, such as the first of two equal keys."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and the id of the check that found it."""

    place: Place
    message: str
    check: str
    severity: Severity = "error"
    related: tuple[Related, ...] = ()

    def __str__(self) -> str:
        return f"{self.place}: {self.message} [{self.check}]"
