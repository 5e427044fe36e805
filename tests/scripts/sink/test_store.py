"""The kept notifications: waiting, filters, restarts, a damaged file."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.sink.journal import KEPT, Journal
from scripts.sink.message import Message
from scripts.sink.store import Query, Store


def message(title: str = "x", **changes: Any) -> Message:
    plain: dict[str, Any] = {"channel": "sns", "to": "+1555", "title": title, "status": "firing", "raw": {}}
    return Message(**(plain | changes))


def opened(directory: Path, told: list[str] | None = None) -> Store:
    tell = told.append if told is not None else lambda text: pytest.fail(text)
    return Store(Journal(directory), now=lambda: datetime(2026, 3, 1, tzinfo=UTC), tell=tell)


def titles(store: Store) -> list[str]:
    return [kept.message.title for kept in store.select(Query())]


async def test_a_restart_shows_the_same_and_ids_go_on(tmp_path: Path) -> None:
    store = opened(tmp_path)
    before = [await store.add(message("<a> \ud800 é")), await store.add(message("b"))]
    again = opened(tmp_path)
    assert again.select(Query()) == before
    assert (await again.add(message("c"))).id == 3


async def test_ids_go_on_after_everything_was_cleared(tmp_path: Path) -> None:
    store = opened(tmp_path)
    await store.add(message())
    await store.clear()
    assert titles(store) == []
    assert (await opened(tmp_path).add(message())).id == 2


@pytest.mark.parametrize(
    "damage", ['{"id": 3, "rec', "\x00\x00", '{"id": 3}', "[]", '"x"', '{"last_id": "x"}', '{"id": 1e999}']
)
async def test_a_damaged_line_is_left_out_and_the_next_one_is_whole(tmp_path: Path, damage: str) -> None:
    store = opened(tmp_path)
    await store.add(message("a"))
    await store.add(message("b"))
    with (tmp_path / "notifications.jsonl").open("a") as file:
        file.write(damage)
    again = opened(tmp_path)
    assert titles(again) == ["a", "b"]
    await again.add(message("c"))
    assert titles(opened(tmp_path)) == ["a", "b", "c"]


async def test_only_the_newest_are_kept_and_the_file_stays_small(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(2 * KEPT + 10):
        await store.add(message(str(number)))
    assert len(titles(store)) == KEPT
    assert len((tmp_path / "notifications.jsonl").read_text().splitlines()) <= 2 * KEPT + 1
    again = opened(tmp_path)
    assert titles(again) == titles(store)
    assert titles(again)[-1] == str(2 * KEPT + 9)


async def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    await opened(tmp_path).add(message())
    assert (tmp_path / "notifications.jsonl").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_cannot_be_written_costs_no_notification(tmp_path: Path) -> None:
    told: list[str] = []
    store = opened(tmp_path, told)
    (tmp_path / "notifications.jsonl").unlink()
    (tmp_path / "notifications.jsonl").mkdir()
    await store.add(message("a"))
    assert titles(store) == ["a"]
    assert told[0].startswith("notification 1 is only in memory: ")


async def test_waiting_ends_with_the_first_that_matches(tmp_path: Path) -> None:
    store = opened(tmp_path)
    waiting = asyncio.create_task(store.wait(Query(alertname="B", status="resolved"), 60))
    await asyncio.sleep(0)
    await store.add(message(alertname="B", status="firing"))
    await store.add(message(alertname="C", status="resolved"))
    assert not waiting.done()
    await store.add(message("this", alertname="A, B", status="resolved"))
    assert [kept.message.title for kept in await waiting] == ["this"]


async def test_waiting_ends_when_the_sink_stops(tmp_path: Path) -> None:
    store = opened(tmp_path)
    waiting = asyncio.create_task(store.wait(Query(), 60))
    await asyncio.sleep(0)
    await store.close()
    assert await waiting == []


async def test_a_long_poll_gets_what_arrives_after_it(desk: Any) -> None:
    await desk.sink.store.add(message("old"))
    polling = asyncio.create_task(desk.notifications("after=1&wait=60&channel=sns"))
    await desk.sink.store.add(message("new"))
    assert [(one["id"], one["title"]) for one in await polling] == [(2, "new")]
    assert await desk.notifications("after=2&wait=0.01") == []
    assert [one["id"] for one in await desk.notifications()] == [1, 2]


@pytest.mark.parametrize("query", ["after=x", "wait=x", "wait=nan", "wait=inf", "wait=-1", "wait=601"])
async def test_a_senseless_query_is_refused(desk: Any, query: str) -> None:
    answer = await desk.get(f"/notifications?{query}")
    assert answer.status == 400
    assert "wait" in (await answer.json())["error"]


async def test_delete_clears(desk: Any, tmp_path: Path) -> None:
    await desk.sink.store.add(message())
    assert (await desk.client.delete("/notifications")).status == 200
    assert await desk.notifications() == []
    assert json.loads((tmp_path / "state" / "notifications.jsonl").read_text()) == {"last_id": 1}


async def test_health_says_that_both_ports_listen(desk: Any) -> None:
    assert (await desk.get("/health")).status == 200
