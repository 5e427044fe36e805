"""No file holds a secret: a password or token in a URL, a key, the address of somebody's webhook.

Why: specs and what is made of them are committed, copied and shown on screens; whoever reads one may use it.
Fix: put it in a file that is not committed and name that file, as `url_file` does; then change the
secret, because it has been seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from config.spec.model import Project
from config.spec.problem import Place
from config.spec.source import Keys, Source
from config.spec.syntax import LINE_END
from observability.checks.finding import Finding
from observability.rules import Group
from observability.secret import secrets


def check(project: Project) -> Iterator[Finding]:
    for source in project.sources.values():
        for secret in secrets(source.text):
            yield _finding(secret.kind, _place(source, secret.start, source.text[secret.start : secret.end]))


def check_groups(groups: Sequence[Group]) -> Iterator[Finding]:
    """Of plain rules every text is looked at."""
    for rule in (rule for group in groups for rule in group.rules):
        for part, text in {"expr": rule.expr, **rule.texts}.items():
            for secret in secrets(text):
                yield _finding(secret.kind, rule.where(part))


def _finding(kind: str, place: Place) -> Finding:
    return Finding(place, f"this looks like {kind}; put it in a file and name that file")


def _place(source: Source, start: int, secret: str) -> Place:
    """Return the place of the value that holds the secret, or of the secret in a key or a comment."""
    ends = [found.end() for found in LINE_END.finditer(source.text, 0, start)]
    exact = Place(source.path, len(ends) + 1, start - (ends[-1] if ends else 0) + 1)
    holding = [source.place(*keys) for keys, text in _texts(source.data, ()) if secret in text]
    return max((place for place in holding if place <= exact), default=exact)


def _texts(data: Any, path: Keys) -> Iterator[tuple[Keys, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _texts(value, (*path, key))
