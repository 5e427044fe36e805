"""Asks Prometheus for what a panel draws: few queries at a time, and each with a limit."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from scripts.sink.body import mapping
from scripts.sink.oserror import reason
from scripts.sink.panel import Query
from scripts.sink.window import Window
from scripts.sink.wording import plain

AT_ONCE = 4
SECONDS = 5.0
LARGEST_ANSWER = 16 * 1024 * 1024
_LABEL = re.compile(r"\{\{\s*(.*?)\s*\}\}")
# Grafana's word for "choose a legend yourself".
_AUTO = "__auto"


class PrometheusError(Exception):
    """There is no answer to draw; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


def legend(query: Query, labels: Mapping[str, str]) -> str:
    """legendFormat filled in; without one, or when nothing is left of it, the labels, else the expression."""
    wanted = "" if query.legend == _AUTO else query.legend
    filled = _LABEL.sub(lambda found: labels.get(found[1], ""), wanted)
    return filled.strip() or _labels(labels) or query.expression


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ", ".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__")
    return labels.get("__name__", "") + (f"{{{pairs}}}" if pairs else "")


def read_matrix(body: Any) -> tuple[Series, ...]:
    try:
        return tuple(
            Series(
                labels={str(key): str(value) for key, value in one["metric"].items()},
                samples=tuple((float(at), float(value)) for at, value in one.get("values", ())),
            )
            for one in body["data"]["result"]
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PrometheusError(f"Prometheus sent an answer that is no matrix: {error!r}") from error


def read_vector(body: Any) -> tuple[Series, ...]:
    try:
        return tuple(
            Series(
                labels={str(key): str(value) for key, value in one["metric"].items()},
                samples=((float(one["value"][0]), float(one["value"][1])),),
            )
            for one in body["data"]["result"]
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise PrometheusError(f"Prometheus sent an answer that is no vector: {error!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    base: str
    session: aiohttp.ClientSession
    seconds: float = SECONDS
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def shown(self) -> str:
        """The address for people: a password in it stays out of pages."""
        return str(URL(self.base).with_user(None)).rstrip("/") if "@" in self.base else self.base.rstrip("/")

    def link(self, query: Query, window: Window) -> str:
        return str(URL(self.shown + _path(query)).with_query(_asked(query, window)))

    async def ask(self, query: Query, window: Window) -> tuple[Series, ...]:
        await self._turn()
        try:
            async with asyncio.timeout(self.seconds):
                read = read_vector if query.is_instant else read_matrix
                return read(await self._answer(query, window))
        except TimeoutError as error:
            raise PrometheusError(
                f"Prometheus at {self.shown} did not answer within {self.seconds:g} s"
            ) from error
        except aiohttp.ClientConnectorError as error:
            text = f"cannot reach Prometheus at {self.shown}: {reason(error.os_error)}"
            raise PrometheusError(text) from error
        except aiohttp.ClientError as error:
            raise PrometheusError(f"no answer from Prometheus at {self.shown}: {error}") from error
        finally:
            self.turns.release()

    async def _turn(self) -> None:
        """Wait at most twice the limit of a query, else a dead Prometheus would hold up a long page."""
        try:
            async with asyncio.timeout(2 * self.seconds):
                await self.turns.acquire()
        except TimeoutError as error:
            text = f"Prometheus at {self.shown} is too slow: {AT_ONCE} other queries still wait for it"
            raise PrometheusError(text) from error

    async def _answer(self, query: Query, window: Window) -> Any:
        url = self.base.rstrip("/") + _path(query)
        get = self.session.get(url, params=_asked(query, window), allow_redirects=False)
        async with get as answer:
            text = await _limited(answer)
            try:
                body = json.loads(text)
            except ValueError as error:
                raise PrometheusError(
                    f"Prometheus at {self.shown} answered {answer.status}, no JSON"
                ) from error
        if answer.status != 200 or mapping(body).get("status") != "success":
            told = plain(mapping(body).get("error")) or "with no reason"
            raise PrometheusError(f"Prometheus answered {answer.status}: {told}")
        return body


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    text = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        text += chunk
        if len(text) > LARGEST_ANSWER:
            raise PrometheusError(
                f"the answer of Prometheus is over {LARGEST_ANSWER >> 20} MiB; narrow the query"
            )
    return bytes(text)


def _path(query: Query) -> str:
    return "/api/v1/query" if query.is_instant else "/api/v1/query_range"


def _asked(query: Query, window: Window) -> dict[str, str]:
    """What is asked of a stretch of time, or of its end alone."""
    times = {"start": window.begin, "end": window.end, "step": window.step}
    if query.is_instant:
        times = {"time": window.end}
    return {"query": query.expression} | {
        key: f"{value:.3f}".rstrip("0").rstrip(".") for key, value in times.items()
    }
