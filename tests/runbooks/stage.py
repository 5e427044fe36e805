"""Where shipped runbooks are played: with the true bot, the true simulator, PostgreSQL and Prometheus."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from bot.desk import Pace
from bot.simulator import faults
from scripts.stack.home import TOOLS, Home
from scripts.stack.ports import Ports
from scripts.stack.services import services
from tests.bot.faults.stage import PACE
from tests.bot.made_control import control_directory
from tests.bot.play import KEYS, TOKEN, Bot, Exchange, get, running_bot, running_simulator, until
from tests.runbooks.databases import LIBRARIES, ROOT, TEMPLATES, Cluster

BOUND = 60
# How many faults of the exchange are played; OUTAGE_COUNT=99 takes all, and whole incidents too.
COUNT, WHOLE = int(os.environ.get("OUTAGE_COUNT", "3")), 10
_FINDING = re.compile(r"^  finding: (.*)$", re.MULTILINE)
# Alerts need a Prometheus; a window of five minutes is five seconds then.
SCALE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended, and what it found."""

    code: int
    out: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    bot: Bot
    exchange: Exchange
    control: Path
    folder: Path
    variables: Mapping[str, str]

    @property
    def halt(self) -> Path:
        return self.control / "HALT"

    def fail(self, **told: Any) -> None:
        """From now on these faults, and no others."""
        self.exchange.simulator.faults = faults.parse(faults.Faults(), told)

    def mend(self) -> None:
        self.exchange.simulator.faults = faults.Faults()

    async def status(self) -> Any:
        return (await get(f"{self.bot.url}/status"))[1]

    async def level(self) -> int:
        return int((await self.status())["switch"]["level"])

    def is_at(self, level: int) -> Any:
        async def is_at() -> bool:
            return await self.level() == level

        return is_at

    async def begun(self, runbook: str, *flags: str, **changes: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(ROOT / "runbooks" / f"{runbook}.sh"), "--run-dir", str(self.folder / "runs"), *flags,
            env={**self.variables, **changes}, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    async def run(self, runbook: str, *flags: str, **changes: str) -> Ran:
        return await ended(await self.begun(runbook, *flags, **changes))

    async def say(self, text: str, *, kind: str = "action", **changes: str) -> Ran:
        """Words, as in a step of this kind."""
        parts = [TEMPLATES / "json.sh", TEMPLATES / "prelude.sh", *sorted(LIBRARIES.glob("[bdegop]*.sh"))]
        wanted = ("json", "prelude", "bot", "database", "exchange", "gates", "outage", "platform")
        sources = "; ".join(f". '{part}'" for part in parts if part.stem in wanted)
        found = self.folder / "findings"
        found.unlink(missing_ok=True)
        state = {
            "RUNBOOK_STEP_KIND": kind,
            "RUNBOOK_FINDINGS": str(found),
            "RUNBOOK_ID": "test",
            "TRADEWATCH_ROOT": str(ROOT),
        }
        process = await asyncio.create_subprocess_exec(
            "bash", "-Eeuo", "pipefail", "-O", "inherit_errexit", "-c",
            f'{sources}; export RUNBOOK_DEADLINE=$(($(date +%s) + {BOUND})); eval "$1"', "words", text,
            env={**self.variables, **state, **changes}, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        ran = await ended(process)
        return replace(ran, findings=tuple(found.read_text().splitlines()) if found.exists() else ())


async def ended(process: asyncio.subprocess.Process) -> Ran:
    try:
        async with asyncio.timeout(BOUND):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    text = out.decode()
    return Ran(code=process.returncode, out=text, findings=tuple(_FINDING.findall(text)))


@asynccontextmanager
async def playing(cluster: Cluster, folder: Path, *, pace: Pace = PACE) -> AsyncIterator[Stage]:
    """A ready bot with everything that a runbook asks but Prometheus."""
    database = f"stage_{abs(hash(str(folder)))}"
    cluster.psql(f"CREATE DATABASE {database}")
    dsn = f"{cluster.dsn.rpartition('/')[0]}/{database}"
    control = control_directory(folder / "control")
    for name, secret in (("token", TOKEN), ("key", KEYS.api_key), ("secret", KEYS.secret_key)):
        (folder / name).write_text(f"{secret}\n")
    async with (
        running_simulator(folder / "exchange") as exchange,
        running_bot(dsn, exchange.url, pace=pace, CONTROL_DIR=str(control)) as bot,
    ):
        variables = {
            **cluster.variables(database),
            "TRADEWATCH_PLATFORM": "local",
            "TRADEWATCH_HOME": str(folder),
            "BOT_URL": bot.url,
            "ADMIN_TOKEN_FILE": str(folder / "token"),
            "CONTROL_DIR": str(control),
            "TRADING_MODE": "simulator",
            "BINGX_BASE_URL": exchange.url,
            "BINGX_API_KEY_FILE": str(folder / "key"),
            "BINGX_SECRET_KEY_FILE": str(folder / "secret"),
            "EXCHANGE_TIMEOUT": "1",
            "PROMETHEUS_URL": "http://127.0.0.1:1",
            "ALERTMANAGER_URL": "http://127.0.0.1:1",
        }
        yield Stage(bot=bot, exchange=exchange, control=control, folder=folder, variables=variables)


@asynccontextmanager
async def with_alerts(stage: Stage) -> AsyncIterator[Stage]:
    """The same with the shipped rules in a true Prometheus, sixty times as fast."""
    # The rules alone: the runbooks are compiled by tests of their own.
    bundle = stage.folder / "bundle"
    specs = shutil.copytree(ROOT / "config", bundle / "config", ignore=shutil.ignore_patterns("runbooks"))
    shutil.copytree(ROOT / "runbooks", bundle / "runbooks", ignore=shutil.ignore_patterns("*.sh"))
    ports = replace(Ports.free(), bot=int(stage.bot.url.rpartition(":")[2]))
    home = Home(path=stage.folder / "home", ports=ports, time_scale=SCALE, specs=specs)
    [service] = [one for one in services(home, home.prepare()) if one.name == "prometheus"]
    async with _prometheus(stage, service.command, ports.prometheus, "tradewatch:switch_level") as changed:
        yield changed


@asynccontextmanager
async def with_prometheus(stage: Stage) -> AsyncIterator[Stage]:
    """The same with a true Prometheus, in which one alert fires while trading is at level 3."""
    port = Ports.free().prometheus
    rule = {"alert": "Staged", "expr": "bot_switch_level == 3", "labels": {"severity": "critical"}}
    target = {"targets": [stage.bot.url.removeprefix("http://")]}
    (stage.folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "staged", "rules": [rule]}]}))
    config = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "bot", "static_configs": [target]}],
    }
    (stage.folder / "prometheus.yml").write_text(json.dumps(config))
    listen = f"--web.listen-address=127.0.0.1:{port}"
    command = (str(TOOLS / "prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", listen)
    async with _prometheus(stage, command, port, "bot_switch_level") as changed:
        yield changed


@asynccontextmanager
async def _prometheus(stage: Stage, command: Sequence[str], port: int, measured: str) -> AsyncIterator[Stage]:
    url = f"http://127.0.0.1:{port}"
    with (stage.folder / "prometheus.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=stage.folder, stdout=log, stderr=log)
    try:
        await until(lambda: _has(url, measured), patience=30)
        yield replace(stage, variables={**stage.variables, "PROMETHEUS_URL": url})
    finally:
        process.terminate()
        await process.wait()


async def _has(url: str, query: str) -> bool:
    """Whether Prometheus answers the query with a value."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/api/v1/query", params={"query": query}) as answer,
        ):
            return bool((await answer.json())["data"]["result"])
    except (aiohttp.ClientError, KeyError):
        return False
