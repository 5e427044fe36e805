"""Starts the bot: reads settings and configuration, names everything that is wrong with them, runs."""

import asyncio
import hashlib
import os
import signal
import sys
import tomllib
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from bot import arm_live, check_exchange
from bot.app import Configuration, run
from bot.config import BotConfig, load_bot
from bot.log import Log, open_log
from bot.metrics import CatalogueError, instruments
from bot.settings import CONFIG_DIR, Settings, read_settings
from config.spec.load import load_metrics
from config.spec.model import Metric

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def run_bot(*, only_check: bool) -> int:
    settings, problems = read_settings(os.environ)
    configuration, more = read_configuration(_config_dir())
    problems += more
    if settings is None or configuration is None:
        print("\n".join(problems), file=sys.stderr)
        return 2
    if only_check:
        print("settings and config are good")
        return 0
    return start(settings, configuration)


def arm() -> int:
    return _beside(arm_live.run)


def try_exchange() -> int:
    return _beside(check_exchange.run)


def _beside(run_command: Callable[[Mapping[str, str], Configuration], int]) -> int:
    configuration, problems = read_configuration(_config_dir())
    if configuration is None:
        print("\n".join(problems), file=sys.stderr)
        return 2
    return run_command(os.environ, configuration)


def _config_dir() -> Path:
    return Path(os.environ.get("CONFIG_DIR", "").strip() or CONFIG_DIR)


def read_configuration(config_dir: Path) -> tuple[Configuration | None, list[str]]:
    bot, problems = load_bot(config_dir)
    catalogue, more = load_metrics(config_dir)
    if bot is None or problems or more:
        return None, [str(problem) for problem in [*problems, *more]]
    if unknown := _unknown_sources(bot, catalogue):
        return None, unknown
    try:
        instruments(catalogue, CollectorRegistry())
    except CatalogueError as error:
        return None, [str(error)]
    texts = b"".join((config_dir / name).read_bytes() for name in ("bot.yaml", "metrics.yaml"))
    digest = hashlib.sha256(texts).hexdigest()[:12]
    return Configuration(bot=bot, catalogue=catalogue, version=_version(), hash=digest), []


def _unknown_sources(bot: BotConfig, catalogue: Sequence[Metric]) -> list[str]:
    """A source that the catalogue does not list would export series that no rule knows of."""
    return [
        f"bot.yaml: source {source!r} is no value of the label source of {metric.name} in metrics.yaml"
        for metric in catalogue
        for source in bot.sources
        if metric.job == "bot" and source not in metric.labels.get("source", bot.sources)
    ]


def start(settings: Settings, configuration: Configuration) -> int:
    log = open_log(settings.log_level, settings.mode.value, settings.secrets(), file=settings.log_file)
    try:
        asyncio.run(_until_signalled(settings, configuration, log))
    except OSError as error:
        log.error("cannot start", reason=str(error))
        return 1
    except Exception:  # noqa: BLE001 - the last place that can say it
        log.error("a bug ended the bot", traceback=traceback.format_exc())
        return 3
    log.info("stopped")
    return 0


async def _until_signalled(settings: Settings, configuration: Configuration, log: Log) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, configuration, log, stop)


def _version() -> str:
    """From the file, for in the image nothing is installed; no reason not to start if it is not there."""
    try:
        return str(tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"])
    except OSError:
        return "unknown"
