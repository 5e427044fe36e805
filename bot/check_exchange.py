"""`python -m bot check-exchange`: tries out on play money whether the exchange does what the bot expects."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.app import Configuration, try_exchange
from bot.domain.mode import Mode
from bot.settings import Settings, read_settings

AS_EXPECTED, DIFFERS, CANNOT = 0, 1, 2


class Finding(Protocol):
    @property
    def what(self) -> str: ...
    @property
    def expected(self) -> str: ...
    @property
    def seen(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def switch(self) -> str: ...


def run(environment: Mapping[str, str], configuration: Configuration) -> int:
    settings, problems = read_settings(environment, arming=True)
    if settings is not None and settings.mode is Mode.LIVE:
        problems = ["check-exchange places orders, so it wants play money: TRADING_MODE=vst or simulator"]
    if settings is None or problems:
        print("\n".join(problems), file=sys.stderr)
        return CANNOT
    where = f"mode {settings.mode} at {settings.bingx_base_url}"
    print(f"Trying it out in {where}: half a minute, a few tiny orders.", flush=True)
    failure, findings = asyncio.run(_tried(settings, configuration))
    print(table(findings))
    if failure:
        print(f"ended early: {failure}", file=sys.stderr)
    return result(failure, findings)


def result(failure: str, findings: Sequence[Finding]) -> int:
    if failure:
        return CANNOT
    return DIFFERS if any(each.verdict == "differs" for each in findings) else AS_EXPECTED


async def _tried(settings: Settings, configuration: Configuration) -> tuple[str, Sequence[Finding]]:
    """To be told to stop is a reason to tidy up."""
    trying = asyncio.ensure_future(try_exchange(settings, configuration))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, trying.cancel)
    return await trying


def table(findings: Sequence[Finding]) -> str:
    rows = [("what", "expected", "seen", "")]
    for each in findings:
        hint = f"; the simulator's switch for it is {each.switch}" if each.switch else ""
        verdict = each.verdict + (hint if each.verdict == "differs" else "")
        rows.append((each.what, each.expected, each.seen or "-", verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    columns = "  ".join(f"{{:{width}}}" for width in widths)
    return "\n".join(f"{columns}  {{}}".format(*row).rstrip() for row in rows)
