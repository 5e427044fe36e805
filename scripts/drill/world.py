"""The hands of a drill: sends signals, sets faults, and asks the real programs what they know."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp
import psycopg2

from config.spec.duration import Duration
from observability.names import DAILY_DIGEST
from scripts.drill.stand_in import StandIn
from scripts.stack.home import Home

Json = dict[str, Any]
Answer = TypeVar("Answer")
# So small that neither fees nor prices come near to the loss at which the bot halts, whatever else is played.
_ORDER = "BUY BTCUSDT 0.001"
_POLL_SECONDS = 0.05
_START_SECONDS = 90.0
_SIGNAL_SECONDS = 5.0
_CONNECT_SECONDS = 10
_OPTIONS = "-c statement_timeout=20s -c application_name=drill"


class HarnessError(Exception):
    """The stack does not do what it must do before anything can be said of it."""


class World:
    """One stack as a drill sees it; all times of others are aware UTC."""

    def __init__(self, home: Home, session: aiohttp.ClientSession, stand_in: StandIn | None = None) -> None:
        self.home = home
        self.stand_in = stand_in
        self._session = session
        self._token = home.secret("admin_token").read_text("utf-8").strip()
        self._sent = 0
        self.answers: list[Json] = []
        # Orders at the exchange that a drill placed past the bot, by their number there.
        self.foreign: set[str] = set()
        # What a cause found out, for the arguments of a runbook: {pid} there is facts["pid"].
        self.facts: dict[str, str] = {}

    async def send_signal(self, message: str = _ORDER, again: bool = False) -> Json:
        """Send a signal, one that becomes an order, or the latest one again; return the bot's answer."""
        self._sent += not again
        body = {"message": message, "source": "test", "execute": True, "id": f"drill-{self._sent}"}
        answer = await self.bot("POST", "/debug/signal", json=body)
        self.answers.append(answer)
        return dict(answer)

    @asynccontextmanager
    async def traffic(self, every: Duration | None) -> AsyncIterator[None]:
        """Send a signal every so often, if at all, while the block lasts.

        The signal that is on its way when the block ends is waited for: its order may be in the book already.
        """
        if every is None:
            yield
            return
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_until(over, every.seconds))
            yield
            over.set()

    async def _send_until(self, over: asyncio.Event, seconds: float) -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(_SIGNAL_SECONDS):
                    await self.send_signal()
            except (aiohttp.ClientError, TimeoutError) as error:
                # As whoever sends signals meets it while the bot is away; a bot that is well answers.
                self.answers.append({"verdict": f"no answer ({type(error).__name__})", "order": None})
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await over.wait()

    async def bot(self, method: str, path: str, **arguments: Any) -> Any:
        """Call the bot with the token of its admin; return the JSON of its answer."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return await self.call(method, self.home.url("bot", path), headers=headers, **arguments)

    async def simulator(self, method: str, path: str, **arguments: Any) -> Any:
        """Call the control port of the simulated exchange, as in simulator("POST", "prices", json=…)."""
        return await self.call(method, self.home.url("simulator", f"/control/{path}"), **arguments)

    async def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Do one statement in a connection of its own; return the rows that it gives, if any."""
        url = self.home.secret("database_url").read_text("utf-8").strip()
        return await asyncio.to_thread(_asked, url, statement, values)

    async def set_fault(self, fault: Mapping[str, Any]) -> None:
        await self.call("POST", self.home.url("simulator", "/control/faults"), json=dict(fault))

    async def clear_faults(self) -> None:
        await self.call("DELETE", self.home.url("simulator", "/control/faults"))

    async def stored(self) -> list[Json]:
        """Return every order that the bot keeps: its client id, its signal, its state."""
        rows = await self.sql("SELECT client_id, signal_id, state FROM orders")
        return [dict(zip(("client_id", "signal_id", "state"), row, strict=True)) for row in rows]

    async def book(self) -> list[Json]:
        """Return every order that the simulated exchange ever took."""
        return list(await self.call("GET", self.home.url("simulator", "/control/orders")))

    async def until_scraped(self, jobs: int) -> None:
        """Return once Prometheus has reached every one of so many jobs."""

        async def all_up() -> datetime | None:
            return datetime.now(UTC) if len(await self.query("up == 1")) >= jobs else None

        if await until(all_up, _START_SECONDS) is None:
            raise HarnessError(f"not all {jobs} jobs were scraped within {_START_SECONDS:g} s")

    async def query(self, expression: str) -> list[Json]:
        """Ask Prometheus now."""
        url = self.home.url("prometheus", "/api/v1/query")
        answer = await self.call("GET", url, params={"query": expression})
        return list(answer["data"]["result"])

    async def pending_since(self, alert: str, severity: str) -> datetime | None:
        """Return since when Prometheus holds the condition of a level true, pending or firing."""
        answer = await self.call("GET", self.home.url("prometheus", "/api/v1/alerts"))
        for active in answer["data"]["alerts"]:
            if active["labels"]["alertname"] == alert and active["labels"]["severity"] == severity:
                return datetime.fromisoformat(active["activeAt"])
        return None

    async def in_digest(self, alert: str) -> datetime | None:
        """Return now if the digest, were it sent now, would list an alert as firing."""
        answer = await self.call("GET", self.home.url("prometheus", "/api/v1/alerts"))
        for active in answer["data"]["alerts"]:
            if active["labels"]["alertname"] == DAILY_DIGEST:
                return datetime.now(UTC) if alert in active["annotations"]["firing"].split() else None
        return None

    async def open_trading(self) -> None:
        """Open the switch, as a person does once all is well."""
        (self.home.control / "HALT").unlink(missing_ok=True)  # a runbook closes with that, too
        await self.bot("POST", "/trading", json={"level": 0, "reason": "a drill is over", "who": "drill"})

    async def held(self) -> set[str]:
        """Return the names of the alerts that Alertmanager holds and has not heard the end of."""
        alerts = await self.call("GET", self.home.url("alertmanager", "/api/v2/alerts"))
        return {active["labels"]["alertname"] for active in alerts}

    async def firing_since(self, alert: str, severity: str) -> datetime | None:
        """Return the moment at which Prometheus let a level fire, as it told Alertmanager."""
        for active in await self.call("GET", self.home.url("alertmanager", "/api/v2/alerts")):
            if active["labels"]["alertname"] == alert and active["labels"]["severity"] == severity:
                return datetime.fromisoformat(active["startsAt"])
        return None

    async def notification(self, within: float, **match: str) -> Json | None:
        """Wait for the first notification that matches; None when there is none within so many seconds.

        With `after` only those count that the sink numbered higher.
        """
        params = {"after": "0", **match, "wait": f"{within:.3f}"}
        timeout = aiohttp.ClientTimeout(total=within + 30)
        found = await self.call(
            "GET", self.home.url("sink", "/notifications"), params=params, timeout=timeout
        )
        return dict(found[0]) if found else None

    async def notifications(self) -> list[Json]:
        return list(await self.call("GET", self.home.url("sink", "/notifications")))

    async def latest(self) -> int:
        """Return the number of the latest notification."""
        return max((one["id"] for one in await self.notifications()), default=0)

    async def links(self, notification: Json) -> dict[str, int]:
        """Follow the links of a notification; return the status that each ends at."""
        statuses = {}
        for link in notification["links"]:
            async with self._session.get(link["href"]) as answer:
                statuses[link["href"]] = answer.status
        return statuses

    async def call(self, method: str, url: str, **arguments: Any) -> Any:
        """Return the JSON of an answer; raise aiohttp.ClientError for one of 5xx, 400, 401 or 404."""
        async with self._session.request(method, url, **arguments) as answer:
            if answer.status >= 500 or answer.status in (400, 401, 404):
                raise aiohttp.ClientError(f"{method} {url}: {answer.status} {await answer.text()}")
            return await answer.json() if answer.content_type == "application/json" else None


def _asked(url: str, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url, options=_OPTIONS, connect_timeout=_CONNECT_SECONDS)) as session:
        session.autocommit = True  # VACUUM and the like stand outside of a transaction
        with session.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []


async def until(
    ask: Callable[[], Awaitable[Answer | None]], seconds: float, pause: float = _POLL_SECONDS
) -> Answer | None:
    """Ask again and again until there is an answer; None after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            # Those that are asked have no event to wait for.
            while (answer := await ask()) is None:  # noqa: ASYNC110
                await asyncio.sleep(pause)
            return answer
    except TimeoutError:
        return None
