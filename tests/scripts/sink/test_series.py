"""Asking Prometheus: what is asked, how much at once, and what is said when there is no answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from scripts.sink.panel import Query
from scripts.sink.series import (
    AT_ONCE,
    LARGEST_ANSWER,
    Prometheus,
    PrometheusError,
    legend,
    read_matrix,
    read_vector,
)
from scripts.sink.window import Window
from tests.scripts.sink.fake_prometheus import FakePrometheus, running_prometheus

WINDOW = Window.until(datetime(2026, 3, 1, 8, tzinfo=UTC), "1h")


def query(expression: str = "a", pattern: str = "", *, is_instant: bool = False) -> Query:
    return Query(name="A", expression=expression, legend=pattern, variables=(), is_instant=is_instant)


@pytest.fixture
async def fake() -> AsyncIterator[FakePrometheus]:
    async with running_prometheus() as fake:
        yield fake


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def refusal(prometheus: Prometheus) -> str:
    with pytest.raises(PrometheusError) as refused:
        await prometheus.ask(query(), WINDOW)
    return str(refused.value)


async def test_the_range_is_asked_and_the_series_read(fake: FakePrometheus, session: ClientSession) -> None:
    fake.put("a > 1", 1, "NaN", "+Inf", job="bot")
    [series] = await Prometheus(base=fake.url + "/", session=session).ask(query("a > 1"), WINDOW)
    assert series.labels == {"job": "bot"}
    assert [str(value) for _, value in series.samples] == ["1.0", "nan", "inf"]
    assert fake.asked == [{"query": "a > 1", "start": "1772348400", "end": "1772352000", "step": "15"}]


async def test_an_instant_query_is_asked_of_the_end(fake: FakePrometheus, session: ClientSession) -> None:
    fake.put("a", 1, 7, job="bot")
    prometheus = Prometheus(base=fake.url, session=session)
    [series] = await prometheus.ask(query("a", is_instant=True), WINDOW)
    assert (series.labels, series.samples) == ({"job": "bot"}, ((1772352000.0, 7.0),))
    assert fake.asked == [{"query": "a", "time": "1772352000"}]
    assert prometheus.link(query("a", is_instant=True), WINDOW).startswith(f"{fake.url}/api/v1/query?query=a")


async def test_only_a_few_queries_are_open_at_once(fake: FakePrometheus, session: ClientSession) -> None:
    prometheus = Prometheus(base=fake.url, session=session)
    fake.held = True
    asking = [asyncio.create_task(prometheus.ask(query(), WINDOW)) for _ in range(3 * AT_ONCE)]
    await fake.until_open(AT_ONCE)
    await fake.release()
    await asyncio.gather(*asking)
    assert (fake.most_open, len(fake.asked)) == (AT_ONCE, 3 * AT_ONCE)


async def test_a_silent_prometheus_is_not_waited_for(fake: FakePrometheus, session: ClientSession) -> None:
    fake.held = True
    prometheus = Prometheus(base=fake.url, session=session, seconds=0.05)
    assert await refusal(prometheus) == f"Prometheus at {fake.url} did not answer within 0.05 s"
    await fake.release()
    assert await prometheus.ask(query(), WINDOW) == ()


async def test_a_query_does_not_wait_for_its_turn_forever(session: ClientSession) -> None:
    prometheus = Prometheus(base="http://127.0.0.1:9", session=session, seconds=0.01)
    for _ in range(AT_ONCE):
        await prometheus.turns.acquire()
    assert "is too slow: 4 other queries still wait for it" in await refusal(prometheus)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"status": 400, "text": '{"status": "error", "error": "parse error: <b>"}'},
            "answered 400: parse error: <b>",
        ),
        ({"status": 503, "text": "Service Unavailable"}, "answered 503, no JSON"),
        ({"status": 200, "text": '{"status": "success"}'}, "an answer that is no matrix: KeyError('data')"),
        ({"status": 200, "text": "[]"}, "answered 200: with no reason"),
        ({"status": 302, "text": "{}"}, "answered 302: with no reason"),
        ({"status": 200, "body": b" " * (LARGEST_ANSWER + 1)}, "is over 16 MiB; narrow the query"),
    ],
)
async def test_an_answer_that_cannot_be_drawn_is_told(
    fake: FakePrometheus, session: ClientSession, answer: dict[str, Any], told: str
) -> None:
    fake.failure = answer
    assert told in await refusal(Prometheus(base=fake.url, session=session))


async def test_an_unreachable_prometheus_is_named_without_its_password(session: ClientSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    prometheus = Prometheus(base=f"http://user:secret@127.0.0.1:{port}", session=session)
    assert (
        await refusal(prometheus) == f"cannot reach Prometheus at http://127.0.0.1:{port}: Connection refused"
    )
    assert "secret" not in prometheus.link(query(), WINDOW)


async def test_an_address_that_is_none_is_told(session: ClientSession) -> None:
    assert "no answer from Prometheus at nonsense" in await refusal(
        Prometheus(base="nonsense", session=session)
    )


@pytest.mark.parametrize(
    "body", [None, 5, {"data": {"result": [{}]}}, {"data": {"result": [{"metric": {}, "values": [[1]]}]}}]
)
def test_a_body_of_another_shape_is_refused(body: Any) -> None:
    with pytest.raises(PrometheusError, match="no matrix"):
        read_matrix(body)
    with pytest.raises(PrometheusError, match="no vector"):
        read_vector(body)


@pytest.mark.parametrize(
    ("pattern", "labels", "text"),
    [
        ("failed: {{reason}}", {"reason": "rejected"}, "failed: rejected"),
        ("{{ a }}/{{b}}", {"a": "1"}, "1/"),
        ("placed", {"a": "1"}, "placed"),
        ("{{gone}}", {"__name__": "up", "job": "bot", "b": "c"}, 'up{job="bot", b="c"}'),
        ("", {"__name__": "up"}, "up"),
        ("__auto", {"job": "bot"}, '{job="bot"}'),
        ("", {}, "sum(a)"),
        ("{{a}}", {"a": "{{b}}", "b": "x"}, "{{b}}"),
    ],
)
def test_a_legend_is_filled_in_or_made_of_the_labels(pattern: str, labels: dict[str, str], text: str) -> None:
    assert legend(query("sum(a)", pattern), labels) == text
