"""What is asked of a running Prometheus, and its answers as plain values."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from observability.service import RefusedError, UnreachableError, ask

_FORM = "application/x-www-form-urlencoded"
_QUERY = 10.0  # seconds
_RANGE = 150.0  # seconds; Prometheus itself gives up after two minutes
MOST_POINTS = 11_000  # that Prometheus gives of a series in one answer


class QueryError(Exception):
    """Prometheus cannot evaluate a query; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer with its latest value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeSeries:
    """One series of an answer over time, with the numbers of the steps at which it has a value."""

    labels: Mapping[str, str]
    ticks: Sequence[int]


class Prometheus:
    """One server, asked one thing after the other."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def query(self, text: str) -> list[Series]:
        """Return what an expression evaluates to now."""
        try:
            data = self._data("query", query=text)
        except RefusedError as error:
            raise QueryError(_reason(error)) from None
        if data["resultType"] == "scalar":
            return [Series(labels={}, value=float(data["result"][1]))]
        return [Series(labels=one["metric"], value=float(one["value"][1])) for one in data["result"]]

    def query_range(self, text: str, start: int, step: int, count: int) -> Iterator[RangeSeries]:
        """Yield what an expression evaluates to at `start`, one `step` (both in ms) later, and so on.

        What needs several answers is yielded once for each.
        """
        for first in range(0, count, MOST_POINTS):
            last = min(first + MOST_POINTS, count) - 1
            form = {"start": _seconds(start + first * step), "end": _seconds(start + last * step)}
            try:
                data = self._data("query_range", _RANGE, query=text, step=_seconds(step), **form)
            except RefusedError as error:
                raise QueryError(_reason(error)) from None
            for one in data["result"]:
                times = [round(float(at) * 1000) for at, _ in one["values"]]
                yield RangeSeries(labels=one["metric"], ticks=[(time - start) // step for time in times])

    def rule_groups(self) -> list[Mapping[str, Any]]:
        return list(self._data("rules")["groups"])

    def targets(self) -> list[Mapping[str, Any]]:
        return list(self._data("targets?state=active")["activeTargets"])

    def told(self, job: str) -> dict[str, tuple[str, str]]:
        """Return type and help of each metric of a job, as its exporter tells them."""
        asked = urlencode({"match_target": f'{{job="{job}"}}'})
        try:
            data = self._data(f"targets/metadata?{asked}")
        except RefusedError:  # it has no such target, which is told elsewhere
            return {}
        return {one["metric"]: (one["type"], one.get("help", "")) for one in data}

    def _data(self, path: str, patience: float = _QUERY, **form: str) -> Any:
        url = f"{self.url}/api/v1/{path}"
        text = ask(url, urlencode(form).encode() if form else None, _FORM, patience)
        try:
            return json.loads(text)["data"]
        except (ValueError, KeyError, TypeError):
            raise UnreachableError(f"{url} answers, but not like Prometheus") from None


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _reason(error: RefusedError) -> str:
    try:
        return str(json.loads(error.body)["error"])
    except (ValueError, KeyError, TypeError):
        return str(error)
