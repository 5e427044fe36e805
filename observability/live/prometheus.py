"""What is asked of a running Prometheus, and its answers as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from observability.service import RefusedError, UnreachableError, ask

_FORM = "application/x-www-form-urlencoded"


class QueryError(Exception):
    """Prometheus cannot evaluate a query; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer with its latest value."""

    labels: Mapping[str, str]
    value: float


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

    def rule_groups(self) -> list[Mapping[str, Any]]:
        return list(self._data("rules")["groups"])

    def targets(self) -> list[Mapping[str, Any]]:
        return list(self._data("targets?state=active")["activeTargets"])

    def types(self, job: str) -> dict[str, str]:
        """Return the type of each metric of a job, as its exporter tells it."""
        asked = urlencode({"match_target": f'{{job="{job}"}}'})
        try:
            return {one["metric"]: one["type"] for one in self._data(f"targets/metadata?{asked}")}
        except RefusedError:  # it has no such target, which is told elsewhere
            return {}

    def _data(self, path: str, **form: str) -> Any:
        url = f"{self.url}/api/v1/{path}"
        text = ask(url, urlencode(form).encode() if form else None, _FORM)
        try:
            return json.loads(text)["data"]
        except (ValueError, KeyError, TypeError):
            raise UnreachableError(f"{url} answers, but not like Prometheus") from None


def _reason(error: RefusedError) -> str:
    try:
        return str(json.loads(error.body)["error"])
    except (ValueError, KeyError, TypeError):
        return str(error)
