"""The nearest known name to a mistyped one."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` when a known name is near, else nothing."""
    near = next(filter(lambda one: _alike(name, one), _candidates(name, list(known))), None)
    return f"; did you mean {near!r}?{_lookalike(name, near)}" if near is not None else ""


def _candidates(name: str, known: list[str]) -> list[str]:
    same = [one for one in known if one.lower() == name.lower()]
    return same or get_close_matches(name, known, n=3, cutoff=0.6)


def _alike(name: str, known: str) -> bool:
    """Whether the lengths are alike too, or one begins the other; `gauge` has all of `age`, and is far."""
    longer = max(len(name), len(known))
    begins = name.startswith(known) or known.startswith(name)
    return begins or abs(len(name) - len(known)) <= longer / 3


def _lookalike(name: str, near: str) -> str:
    """Name the letter that only looks like one of the known name."""
    odd = next((char for char in name if not char.isascii() and char not in near), None)
    return f" U+{ord(odd):04X} is {unicodedata.name(odd, 'another letter').lower()}" if odd else ""
