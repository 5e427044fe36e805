"""Which alerts silence which, with what Alertmanager remembers of those that do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from observability.dispatch.told import Labels, Post
from observability.routes import matches

Config = Mapping[str, Any]


class Inhibitor:
    """All rules of a configuration, and the sources that they have seen."""

    def __init__(self, config: Config) -> None:
        self._rules = [
            _Rule(
                source=tuple(rule["source_matchers"]),
                target=tuple(rule["target_matchers"]),
                equal=tuple(rule.get("equal", ())),
            )
            for rule in config.get("inhibit_rules", ())
        ]
        # Labels match the same rules each time.
        self._sides: dict[Labels, tuple[list[_Rule], list[_Rule]]] = {}

    def see(self, post: Post) -> None:
        """Remember an alert where it is a source."""
        for rule in self._matched(post.labels)[0]:
            rule.see(post)

    def silences(self, labels: Labels, moment: datetime) -> bool:
        return any(rule.silences(labels, moment) for rule in self._matched(labels)[1])

    def forget(self) -> None:
        """Forget every source, as a start and a reload do."""
        for rule in self._rules:
            rule.forget()

    def _matched(self, labels: Labels) -> tuple[list["_Rule"], list["_Rule"]]:
        if labels not in self._sides:
            found = dict(labels)
            self._sides[labels] = (
                [rule for rule in self._rules if _all(rule.source, found)],
                [rule for rule in self._rules if _all(rule.target, found)],
            )
        return self._sides[labels]


@dataclass(slots=True, kw_only=True)
class _Rule:
    """One rule; per set of equal labels it looks at a single source, which is not always one that fires."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...]
    _seen: dict[Labels, Post] = field(default_factory=dict)
    _index: dict[tuple[str, ...], Labels] = field(default_factory=dict)

    def see(self, post: Post) -> None:
        self._seen[post.labels] = post
        key = self._key(post.labels)
        indexed = self._index.get(key)
        if indexed is None or self._seen[indexed].is_over(post.ends):
            self._index[key] = post.labels

    def silences(self, labels: Labels, moment: datetime) -> bool:
        source = self._index.get(self._key(labels))
        if source is None or self._seen[source].is_over(moment):
            return False
        # Two alerts that are both source and target do not silence each other.
        is_source = _all(self.source, dict(labels))
        return not (is_source and _all(self.target, dict(source)))

    def forget(self) -> None:
        self._seen.clear()
        self._index.clear()

    def _key(self, labels: Labels) -> tuple[str, ...]:
        found = dict(labels)
        return tuple(found.get(name, "") for name in self.equal)


def _all(matchers: tuple[str, ...], labels: Mapping[str, str]) -> bool:
    return all(matches(matcher, labels) for matcher in matchers)
