"""Runbooks about exchange, orders and money: each names what is wrong, and nothing where all is well."""

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.bot.play import post, until
from tests.runbooks.databases import Cluster
from tests.runbooks.stage import Stage, playing, with_prometheus

pytestmark = pytest.mark.stack

# One runbook in every run, another one with each seed; MONEY_RUNBOOKS_COUNT=99 takes all.
COUNT = int(os.environ.get("MONEY_RUNBOOKS_COUNT", "1"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
NOBODY = "http://127.0.0.1:1"
Fault = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault, and what the runbook says of it."""

    runbook: str
    fault: Fault
    says: str
    flags: Sequence[str] = ()
    well: Sequence[str] = ()  # where nothing is wrong


async def control(stage: Stage, path: str, told: Any) -> Any:
    status, answer = await post(f"{stage.exchange.url}/control/{path}", told)
    assert status == 200, answer
    return answer


async def sql(stage: Stage, text: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "psql", "-XwqAt", "-v", "ON_ERROR_STOP=1", "-c", text,
        env=dict(stage.variables), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


def told(stage: Stage, *path: str) -> Callable[[Callable[[Any], bool]], Awaitable[None]]:
    """Wait until what /status has there is as wanted."""

    async def wait(wanted: Callable[[Any], bool]) -> None:
        async def holds() -> bool:
            value = await stage.status()
            for key in path:
                value = value[key]
            return wanted(value)

        await until(holds)

    return wait


async def foreign(stage: Stage, **order: str) -> None:
    await control(stage, "foreign", {"side": "BUY", "positionSide": "LONG", **order})


async def ordered(stage: Stage, message: str) -> None:
    """Accepted, as soon as nothing is left that an earlier fault left."""
    numbers = iter(range(1000))

    async def accepted() -> bool:
        _, answer = await stage.bot.order(message, f"{message.split()[1]}-{next(numbers)}")
        said.append(str(answer))
        return bool(answer.get("verdict") == "accepted")

    said = list[str]()
    try:
        await until(accepted)
    except TimeoutError:
        raise AssertionError(said[-1]) from None


async def banned(stage: Stage) -> None:
    await control(stage, "bans", {"positions": 4})
    await told(stage, "ban_seconds")(lambda left: left > 0)


async def late_clock(stage: Stage) -> None:
    stage.fail(clock_skew=7)


async def late_entry(stage: Stage) -> None:
    stage.fail(http_status=502, only=["cancel_order"])
    await ordered(stage, "BUY BTCUSDT 0.01 @ 58000 SL 57000")
    await until(lambda: any(each.price == Decimal(58000) for each in stage.exchange.simulator.book.open()))
    await told(stage, "entries")(lambda entries: len(entries) == 1)
    await sql(stage, "UPDATE orders SET expires_at = now() - interval '1 hour' WHERE state = 'pending'")


async def refused(stage: Stage) -> None:
    stage.fail(reject_orders={"code": 101204, "msg": "Insufficient margin"})
    await ordered(stage, "BUY SOLUSDT 1")


async def bold(stage: Stage) -> None:
    """A person raises the leverage of what is open."""
    await control(
        stage,
        "foreign",
        {"endpoint": "set_leverage", "symbol": "BTC-USDT", "side": "LONG", "leverage": "50"},
    )


async def poor(stage: Stage) -> None:
    stage.exchange.simulator.book.account.balance -= 40


async def lock(stage: Stage) -> None:
    """Somebody's session holds the lease, which the bot wants to renew."""
    text = "BEGIN; LOCK TABLE lease IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(4)"
    await asyncio.create_subprocess_exec(
        "psql", "-Xwqc", text, env=dict(stage.variables), stdout=asyncio.subprocess.DEVNULL
    )

    async def waits() -> bool:
        return await sql(stage, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"

    await until(waits)


async def lost(stage: Stage) -> None:
    stage.fail(
        drop_after=1, http_status=502, only=["place_order", "query_order", "open_orders", "all_orders"]
    )
    await ordered(stage, "BUY ETHUSDT 0.1")
    await told(stage, "orders", "unknown")(lambda count: count == 1)
    await sql(stage, "UPDATE orders SET created_at = now() - interval '6 s' WHERE state = 'unknown'")


async def bare(stage: Stage) -> None:
    stage.fail(http_status=502, only=["place_order"])
    [stop] = [each for each in stage.exchange.simulator.book.open("BTC-USDT") if each.type == "STOP_MARKET"]
    await foreign(stage, endpoint="cancel_order", symbol="BTC-USDT", orderId=str(stop.id))


async def blind(stage: Stage) -> None:
    stage.fail(http_status=502, only=["price"])
    await asyncio.sleep(2.1)


async def larger(stage: Stage) -> None:
    await foreign(stage, symbol="BTC-USDT", type="MARKET", quantity="0.05")


async def strange(stage: Stage) -> None:
    await foreign(stage, symbol="SOL-USDT", type="LIMIT", price="100", quantity="1")


async def slow(stage: Stage) -> None:
    stage.fail(delay_before=0.2, only=["server_time"])


async def lossy(stage: Stage) -> None:
    stage.exchange.simulator.book.account.earn("BTC-USDT", "REALIZED_PNL", Decimal(-600), now(stage))
    await told(stage, "money", "loss_today_usdt")(lambda loss: Decimal(loss) > 500)


async def robbed(stage: Stage) -> None:
    stage.exchange.simulator.book.account.earn("", "TRANSFER", Decimal(-700), now(stage))


def now(stage: Stage) -> int:
    return stage.exchange.simulator.now()


# The later ones leave more behind: a trade of somebody else, a loss, a position that is not covered.
CASES = (
    Case(
        runbook="clock_offset",
        fault=late_clock,
        says="the exchange's clock is wrong: it is ",
        flags=("--set", "third=BOT_URL"),
    ),
    Case(
        runbook="slow_orders",
        fault=slow,
        says="the exchange is slow from here: ",
        flags=("--set", "slow=150", "--set", "load=99"),
        well=("--set", "slow=9999", "--set", "load=99"),
    ),
    Case(
        runbook="readings_stale",
        fault=blind,
        says="bingx_prices was last read ",
        flags=("--set", "oldest=1"),
    ),
    Case(
        runbook="high_order_failure_rate",
        fault=refused,
        says="orders that lack margin: 1 (101204: Insufficient margin)",
    ),
    Case(
        runbook="low_exchange_balance",
        fault=poor,
        says="the account holds less than 9999999 USDT",
        flags=("--set", "least=9999999"),
    ),
    Case(runbook="balance_differs", fault=poor, says="money is missing: "),
    Case(runbook="order_processing_stalled", fault=lock, says="of psql (active, BEGIN for"),
    Case(runbook="orders_unknown", fault=lost, says="BUY ETH-USDT ("),
    Case(
        runbook="entry_past_expiry",
        fault=late_entry,
        says="BUY BTC-USDT, rests at the exchange though its time was over",
    ),
    Case(
        runbook="liquidation_near", fault=bold, says="BTC-USDT/long stands at leverage 50, and 10 was meant"
    ),
    Case(runbook="foreign_trading", fault=strange, says="order LIMIT BUY SOL-USDT at the exchange"),
    Case(
        runbook="reconciliation",
        fault=larger,
        says="the database accounts for 0.1, so 0.05 of it is somebody else's",
    ),
    Case(
        runbook="financial_loss", fault=robbed, says="money moved that was not traded: TRANSFER of -700.0000"
    ),
    Case(runbook="daily_loss", fault=lossy, says="% of its limit of 1000"),
    Case(runbook="position_without_stop", fault=bare, says="no stop covers 0.1"),
    Case(runbook="exchange_ban", fault=banned, says="the exchange refuses calls of the bot for another "),
)


@asynccontextmanager
async def trading(cluster: Cluster, folder: Path) -> AsyncIterator[Stage]:
    """All is well, and one position is open."""
    async with playing(cluster, folder) as before, with_prometheus(before) as stage:
        await stage.bot.order()
        await told(stage, "positions")(bool)
        yield stage


async def test_each_fault_is_named_and_none_where_all_is_well(
    cluster: Cluster, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chosen = sorted(random.Random(SEED).sample(range(len(CASES)), min(COUNT, len(CASES))))
    record_property("sampled", f"{len(chosen)} of {len(CASES)} runbooks, MONEY_RUNBOOKS_COUNT=99 for all")
    async with trading(cluster, tmp_path) as stage:
        for case in (CASES[number] for number in chosen):
            ran = await stage.run(case.runbook, "--only-probes", *case.well)
            # Trading that is open is a finding where money was lost.
            expected = (3, 1) if case.runbook == "financial_loss" else (0, 0)
            assert (ran.code, len(ran.findings)) == expected, ran.out
        for case in (CASES[number] for number in chosen):
            await case.fault(stage)
            flags = [one.replace("BOT_URL", f"{stage.bot.url}/livez") for one in case.flags]
            ran = await stage.run(case.runbook, "--only-probes", *flags)
            stage.mend()
            assert ran.code == 3, ran.out
            assert case.says in "\n".join(ran.findings), ran.out


async def test_lost_money_freezes_trading_before_anybody_looks(cluster: Cluster, tmp_path: Path) -> None:
    async with playing(cluster, tmp_path) as stage:
        await ordered(stage, "BUY BTCUSDT 0.01 @ 58000 SL 57000")
        ran = await stage.run("financial_loss", "--yes", *([] if COUNT > 1 else ["--step", "freeze"]))
        assert (ran.code, ran.findings) == (0, ()), ran.out
        assert re.findall("^([a-z]+): ", ran.out, re.MULTILINE)[0] == "freeze"
        assert (await stage.level(), stage.halt.read_text()[:1]) == (2, "2")
        await until(lambda: not stage.exchange.simulator.book.open())
        [kept] = (tmp_path / "runs").iterdir()
        for name in ("status", "exchange", "history", "orders"):
            [before] = kept.glob(f"*-evidence-before-{name}.log")
            assert "58000" in before.read_text() or name == "status"
        # With the bot gone the HALT file tells that it is done.
        again = await stage.run("financial_loss", "--yes", "--step", "freeze", BOT_URL=NOBODY)
        assert (again.code, "not needed" in again.out) == (0, True), again.out
