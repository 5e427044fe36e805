"""The whole application, with its timers and over HTTP, as the first life of a sweep."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TextIO
from urllib.parse import urlsplit

from bot.app import run
from bot.desk import Pace
from bot.log import open_log
from tests.bot.play import TOKEN, settings
from tests.sweep.place import Place
from tests.sweep.venue import Venue

PACE = Pace(
    visibility_window=0.3,
    request_window=5,
    protect_after=0.1,
    resend_within=10,
    entry_expiry=600,
    max_signal_age=120,
    lease=10,
)
PATIENCE = 30.0
SIGNAL = "BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000 62000 63000 64000"


async def whole_life(place: Place, log: TextIO, note: Callable[[str], None]) -> None:
    """A ladder, and its stop. Whoever drives it sits in a thread, and adds no steps to the event loop."""
    venue = place.venue
    given = replace(settings(place.dsn, venue.url, CONTROL_DIR=str(place.control)), http_port=0)
    stop = asyncio.Event()
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    logger = open_log(given.log_level, given.mode.value, given.secrets(), log)
    work = run(given, place.configuration, logger, stop, pace=PACE, listening=listening.set_result)
    async with asyncio.TaskGroup() as group:
        group.create_task(work)
        await asyncio.to_thread(_drive, await listening, venue, note)
        stop.set()


def _drive(url: str, venue: Venue, note: Callable[[str], None]) -> None:
    _until(lambda: _ask(url, "GET", "/readyz") == 200)
    note(f"delivered 1 {SIGNAL}")
    if _ask(url, "POST", "/debug/signal", message=SIGNAL, source="test", execute=True, id="1") == 200:
        note("answered 1 accepted")
    _until(lambda: len(venue.open_orders()) == 5)
    venue.price("58900")
    _until(lambda: not venue.open_orders())


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the bot does not do what it should")
        time.sleep(0.02)


def _ask(url: str, method: str, path: str, **body: object) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        return connection.getresponse().status
    finally:
        connection.close()
