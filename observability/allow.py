"""Dated exceptions: leaves out the problems that a bundle allows until a day, and judges the exceptions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from config.spec.build import Where
from config.spec.model import Exemption, Project
from config.spec.names import did_you_mean
from config.spec.placed import Spec
from config.spec.problem import Place, Problem
from config.spec.source import Keys, Source

_LONGEST = timedelta(days=366)
# What is made of the specs relies on these, so that there is no bearing with what they find.
UNCONDITIONAL = frozenset(
    {"level_bound", "name_unique", "placeholder_known", "query_syntax", "receiver_address"}
    | {"reference_known", "routing_sound", "story_sound"}
    | {"runbook_alerts", "runbook_platform", "runbook_script", "runbook_uses", "step_form", "step_id"}
)
Owners = Mapping[Place, frozenset[str]]


def without_allowed(
    project: Project, problems: Sequence[Problem], checks: Sequence[str], today: date
) -> list[Problem]:
    """Return the problems that no exception covers, and those of the exceptions themselves."""
    if not project.bundle.allow:
        return list(problems)
    owners = owners_of(project)
    allowed: set[Problem] = set()
    wrong: list[Problem] = []
    for exemption in project.bundle.allow:
        found = {
            p for p in problems if p.check == exemption.check and exemption.of in owners.get(p.place, ())
        }
        if trouble := _bad_check(exemption, checks) or _bad_day(exemption, today):
            wrong.append(trouble)
        elif not found:
            wrong.append(_unused(exemption, owners))
        else:
            allowed |= found
    return [*(problem for problem in problems if problem not in allowed), *wrong]


def _bad_check(exemption: Exemption, checks: Sequence[str]) -> Problem | None:
    if exemption.check not in checks:
        text = f"no check named {exemption.check!r}{did_you_mean(exemption.check, checks)}"
    elif exemption.check in UNCONDITIONAL:
        text = f"{exemption.check} allows no exception: what is made of the specs relies on it"
    else:
        return None
    return Problem(exemption.where("check"), text, "allow/check")


def _bad_day(exemption: Exemption, today: date) -> Problem | None:
    place = exemption.where("until")
    try:
        until = date.fromisoformat(exemption.until)
    except ValueError:
        return Problem(place, f"there is no day {exemption.until}", "allow/until")
    if until < today:
        text = f"the exception of {exemption.check} for {exemption.of!r} ended on {until}"
        return Problem(place, f"{text}; mend the problem, or decide anew", "allow/ended")
    if until > today + _LONGEST:
        return Problem(place, f"{until} is more than a year ahead", "allow/until")
    return None


def _unused(exemption: Exemption, owners: Owners) -> Problem:
    names = sorted(set().union(*owners.values()))
    if exemption.of in names:
        text = f"{exemption.check} finds nothing at {exemption.of!r}; remove the exception"
    else:
        text = f"nothing is named {exemption.of!r}{did_you_mean(exemption.of, names)}"
    return Problem(exemption.where("of"), text, "allow/unused")


def owners_of(project: Project) -> Owners:
    """Return for each place of the specs by which names an exception may speak of what stands there."""
    sources: dict[str, Source] = {}
    named: dict[str, dict[Keys, str]] = {}
    for field in fields(project):
        for where, name in _specs(getattr(project, field.name)):
            sources[where.source.path] = where.source
            named.setdefault(where.source.path, {}).update({where.path: name} if name else {})
    owners: dict[Place, frozenset[str]] = {}
    for path, source in sources.items():
        stem = Path(path).stem
        # Of all that begins at one place, the innermost is meant, which is the longest path.
        for keys, place in sorted(chain(source.keys.items(), source.values.items()), key=_depth):
            name = _first_name(keys, named[path])
            owners[place] = frozenset({stem, name, f"{stem}/{name}"} if name else {stem})
    return owners


def _depth(item: tuple[Keys, Place]) -> int:
    return len(item[0])


def _first_name(keys: Keys, named: Mapping[Keys, str]) -> str | None:
    ends = range(1, len(keys) + 1)
    return next((named[keys[:end]] for end in ends if keys[:end] in named), None)


def _specs(value: Any) -> Iterator[tuple[Where, str | None]]:
    """Yield the outermost specs that have a name, and every one around them."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for item in value:
            yield from _specs(item)
    elif isinstance(value, Spec):
        name = _name(value)
        yield value.where, name
        if name is None:
            for field in fields(value):
                yield from _specs(getattr(value, field.name))


def _name(spec: Spec) -> str | None:
    """Return the name or id of a spec; one without either goes by its key, as `digest` does."""
    keys = spec.where.path
    given = getattr(spec, "name", None) or getattr(spec, "id", None) or (keys[-1] if keys else None)
    return given if isinstance(given, str) else None
