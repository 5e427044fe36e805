"""Problems for machines: JSON, the annotations of GitHub Actions, and SARIF."""

import json
from collections.abc import Callable, Mapping, Sequence

from config.spec.problem import Place, Problem
from config.spec.source import Source
from observability.explain import explanation
from observability.report import as_text, ordered

Formatter = Callable[[Sequence[Problem], Mapping[str, Source]], str]
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(problems: Sequence[Problem], sources: Mapping[str, Source]) -> str:
    """Return a list of objects, one per problem."""
    return (
        json.dumps([as_object(problem) for problem in ordered(problems)], indent=2, ensure_ascii=False) + "\n"
    )


def as_github(problems: Sequence[Problem], sources: Mapping[str, Source]) -> str:
    """Return workflow commands, which GitHub shows beside the lines."""
    return "".join(
        f"::{p.severity} file={_property(p.place.path)},line={p.place.line},col={p.place.column},"
        f"title={_property(p.check)}::{_data(p.message)}\n"
        for p in ordered(problems)
    )


def as_sarif(problems: Sequence[Problem], sources: Mapping[str, Source]) -> str:
    """Return a SARIF 2.1.0 log."""
    rules = [
        {"id": name, "shortDescription": {"text": (explanation(name) or name).splitlines()[0]}}
        for name in sorted({problem.check for problem in problems})
    ]
    driver = {"name": "tradewatch", "rules": rules}
    results = [_result(problem) for problem in ordered(problems)]
    log = {"$schema": _SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Formatter] = {"text": as_text, "json": as_json, "github": as_github, "sarif": as_sarif}


def as_object(problem: Problem) -> dict[str, object]:
    """Return a problem as data."""
    return {
        **_position(problem.place),
        "severity": problem.severity,
        "check": problem.check,
        "message": problem.message,
        "related": [{**_position(one.place), "message": one.message} for one in problem.related],
    }


def _position(place: Place) -> dict[str, object]:
    return {"path": place.path, "line": place.line, "column": place.column}


def _result(problem: Problem) -> dict[str, object]:
    return {
        "ruleId": problem.check,
        "level": problem.severity,
        "message": {"text": problem.message},
        "locations": [_location(problem.place)],
        "relatedLocations": [
            {**_location(one.place), "message": {"text": one.message}} for one in problem.related
        ],
    }


def _location(place: Place) -> dict[str, object]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {"physicalLocation": {"artifactLocation": {"uri": place.path}, "region": region}}


def _data(text: str) -> str:
    """Escape as GitHub's own toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
