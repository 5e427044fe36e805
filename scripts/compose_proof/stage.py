"""A started stack and what is asked of it by more than one step."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from config.spec.model import Project
from scripts.compose_proof.command import CommandError, Ran, run
from scripts.compose_proof.judge import Kept
from scripts.compose_proof.place import Json, Place
from scripts.compose_proof.report import StepError
from scripts.drill.world import World, until
from scripts.stack.home import ROOT

_SOON, _RUNBOOK = 20.0, 300.0
_POLL = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    place: Place
    project: Project
    session: aiohttp.ClientSession
    world: World
    say: Callable[[str], None]
    time_scale: float

    def url(self, service: str, path: str = "") -> str:
        return self.place.home.url(service, path)

    async def get(self, service: str, path: str) -> Any:
        async with self.session.get(self.url(service, path)) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def level(self) -> int:
        return int((await self.get("bot", "/status"))["switch"]["level"])

    async def ordered(self, message: str) -> str:
        """Send a signal; return the client id of its order. Raise StepError unless all know that order."""
        answer = await self.world.send_signal(message)
        if not (order := answer.get("order")):
            raise StepError(f"{message} became no order: {answer.get('reason') or answer.get('error')}")
        client_id = str(order["client_id"])
        if client_id not in {one["clientOrderId"] for one in await self.world.book()}:
            raise StepError(f"the exchange has no order {client_id}")
        if client_id not in await self.sql("SELECT client_id FROM orders"):
            raise StepError(f"the database has no order {client_id}")
        return client_id

    async def sql(self, query: str) -> list[str]:
        psql = str(self.place.tree / ".tools" / "bin" / "psql")
        port = str(self.place.ports["POSTGRES_PORT"])
        where = ["-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", "trading_bot", "-XAtqc", query]
        env = self.place.environment | {"PGPASSFILE": str(self.place.secrets / "pgpass")}
        return (await run(psql, *where, cwd=self.place.tree, env=env, within=_SOON)).out.splitlines()

    async def runbook(self, name: str, *flags: str, may: tuple[int, ...] = (0,)) -> Ran:
        script = str(self.place.tree / "runbooks" / f"{name}.sh")
        env = self.place.environment
        return await run(
            script, "--platform", "compose", *flags, cwd=self.place.tree, env=env, within=_RUNBOOK, may=may
        )

    async def tradewatch(self, *arguments: str, may: tuple[int, ...] = (0,)) -> Ran:
        config = ["--config", str(self.place.tree / "config"), "--env", "compose"]
        command = [sys.executable, "-m", "observability", *arguments, *config]
        return await run(*command, cwd=ROOT, env=self.place.environment, within=_RUNBOOK, may=may)

    async def until_well(self, services: Sequence[str], within: float = 60.0) -> float:
        """Return after how many seconds all health checks of the services pass; raise StepError if never."""
        begin = time.monotonic()
        waiting: list[str] = []

        async def well() -> bool | None:
            containers = await self.place.containers()
            waiting[:] = [name for name in services if not await self._is_well(containers.get(name))]
            return None if waiting else True

        if await until(well, within, _POLL) is None:
            raise StepError(*(f"{name} is not well after {within:g} s" for name in waiting))
        return time.monotonic() - begin

    async def _is_well(self, container: Json | None) -> bool:
        """Ask now, by the container's own check: the engine asks every ten seconds."""
        if container is None or not container["State"]["Running"]:
            return False
        how, *command = container["Config"]["Healthcheck"]["Test"]
        command = ["sh", "-c", *command] if how == "CMD-SHELL" else command
        with suppress(CommandError):
            return (await self.place.docker("exec", container["Id"], *command, may=None, within=10)).code == 0
        return False

    async def kept(self, moment: float) -> Kept:
        """Return all that must not be lost; of Prometheus what was measured until `moment`, Unix time."""
        query = f"sum(count_over_time(up[1h] @ {moment:.3f}))"
        samples = (await self.world.query(query))[0]["value"][1]
        silences = await self.get("alertmanager", "/api/v2/silences")
        return Kept(
            level=await self.level(),
            things={
                "orders in the database": frozenset(await self.sql("SELECT client_id FROM orders")),
                "signals in the database": frozenset(await self.sql("SELECT id FROM signals")),
                "orders at the exchange": frozenset(one["clientOrderId"] for one in await self.world.book()),
                "silences": frozenset(one["id"] for one in silences if one["status"]["state"] == "active"),
                "notifications": frozenset(str(one["id"]) for one in await self.world.notifications()),
            },
            samples=int(samples),
        )

    def rule_files(self) -> dict[str, str]:
        folder = self.place.tree / "observability" / "generated"
        return {
            str(file.relative_to(folder)): file.read_text("utf-8")
            for file in (folder / "rules").glob("*.yml")
        }
