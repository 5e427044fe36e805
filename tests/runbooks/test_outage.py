"""An outage, staged: the shipped script names its cause, stops entries, waits, and sees that it is over."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.bot.play import running_simulator, until
from tests.runbooks.databases import Cluster
from tests.runbooks.stage import COUNT, WHOLE, ended, playing, with_alerts

pytestmark = pytest.mark.stack

SEED = int(os.environ.get("FUZZ_SEED", "1"))
NOBODY = "http://127.0.0.1:1/"
TOO_MANY = {"code": 100410, "msg": "too many requests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is wrong, and what the script says. ELSEWHERE stands for an exchange that is well."""

    says: str
    faults: Mapping[str, Any] = field(default_factory=dict)
    flags: Sequence[str] = ()
    changes: Mapping[str, str] = field(default_factory=dict)


CASES = (
    Case(says="the exchange is down: what stands before it answers for it", faults={"http_status": 502}),
    Case(says="it does not answer (no answer: it took more than 1 s)", faults={"frozen": True}),
    Case(
        says="it does not answer (no answer: the connection was cut)",
        faults={"drop_before": True, "only": ["server_time"]},
    ),
    Case(
        says="the exchange is down in part",
        faults={"http_status": 502, "only": ["positions", "balance", "open_orders"]},
    ),
    Case(says="clock: this machine's and the exchange's differ by", faults={"clock_skew": 7}),
    Case(says="the exchange is down: it does not answer", changes={"BINGX_BASE_URL": NOBODY}),
    Case(
        says="the network of this machine",
        flags=("--set", f"elsewhere={NOBODY}"),
        changes={"BINGX_BASE_URL": NOBODY},
    ),
    Case(
        says="the exchange is down: other addresses answer",
        flags=("--set", "elsewhere=ELSEWHERE"),
        changes={"BINGX_BASE_URL": NOBODY},
    ),
    Case(
        says="the bot's way to the exchange",
        faults={"drop_before": True, "only": ["price", "positions", "open_orders", "balance", "income"]},
        changes={"BINGX_BASE_URL": "ELSEWHERE"},
    ),
    Case(says="the bot: the exchange answers here", changes={"BOT_URL": NOBODY}),
    Case(says="the key: the exchange does not take it", changes={"BINGX_API_KEY": "another-key"}),
    Case(
        says="rate limit: the exchange takes no more calls of this key",
        faults={"errors": {"open_orders": TOO_MANY, "positions": TOO_MANY}},
    ),
    Case(says="rate limit: the exchange refuses this address", faults={"http_status": 429}),
    # The last, for it stops the bot.
    Case(
        says="the key: the exchange does not take it (refused: 100413",
        faults={"errors": {"positions": {"code": 100413, "msg": "Incorrect apiKey"}}},
    ),
)


async def test_each_fault_has_its_name(
    cluster: Cluster, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chosen = sorted(random.Random(SEED).sample(range(len(CASES)), min(COUNT, len(CASES))))
    record_property("sampled", f"{len(chosen)} of {len(CASES)} faults, OUTAGE_COUNT=99 for all")
    begin = ("--only-probes", "--step", "cause", "--set", "look=1")
    async with (
        playing(cluster, tmp_path) as stage,
        running_simulator(tmp_path / "other") as other,
    ):
        well = await stage.run("exchange_api_down", *begin)
        assert (well.code, well.findings) == (0, ()), well.out
        for case in (CASES[number] for number in chosen):
            if case.faults:
                stage.fail(**case.faults)
            flags = [one.replace("ELSEWHERE", other.url) for one in case.flags]
            changes = {name: text.replace("ELSEWHERE", other.url) for name, text in case.changes.items()}
            if "BINGX_API_KEY" in changes:
                changes["BINGX_API_KEY_FILE"] = ""
            ran = await stage.run("exchange_api_down", *begin, *flags, **changes)
            stage.mend()
            assert (ran.code, len(ran.findings)) == (3, 1), (case, ran.out)
            assert case.says in ran.findings[0]
        # What does not come is not shown as an answer, nor is a reader of JSON heard to complain.
        stage.fail(frozen=True)
        ran = await stage.run("exchange_api_down", "--only-probes", "--step", "way")
        assert "no answer: curl ended with 28" in ran.out
        assert not [word for word in ("HTTP 000", "json:") if word in ran.out], ran.out


@pytest.mark.skipif(COUNT < WHOLE, reason="OUTAGE_COUNT=99 plays an outage from its begin to its end")
async def test_an_outage_is_halted_waited_out_and_over(cluster: Cluster, tmp_path: Path) -> None:
    async with playing(cluster, tmp_path) as before, with_alerts(before) as stage:
        sets = [word for name in ("look=1", "good=2", "patience=20") for word in ("--set", name)]
        await stage.bot.order()
        await until(lambda: bool(stage.exchange.simulator.book.positions()))
        stage.fail(http_status=502)
        looked = await stage.run("exchange_api_down", "--dry-run", "--from", "cause", *sets)
        assert looked.code == 3, looked.out
        assert "what stands before it answers for it" in " ".join(looked.findings)
        assert await stage.level() == 0
        assert not stage.halt.exists()

        process = await stage.begun("exchange_api_down", "--yes", *sets)
        await until(stage.is_at(1), patience=30)
        stage.mend()
        ran = await ended(process)
        assert ran.code == 0, ran.out
        assert "BTC-USDT LONG: 0.1, and stops for all of it" in ran.out
        # Nothing but a person opens it.
        assert await stage.level() == 1
        assert stage.halt.read_text().startswith("1 the exchange does not answer")
        again = await stage.run("exchange_api_down", "--yes", "--step", "halt", *sets)
        assert (again.code, "not needed" in again.out) == (0, True), again.out


async def test_an_exchange_that_stays_away_is_not_called_stable(cluster: Cluster, tmp_path: Path) -> None:
    async with playing(cluster, tmp_path) as stage:
        stage.fail(http_status=502)
        sets = [word for name in ("look=1", "good=1", "patience=1") for word in ("--set", name)]
        ran = await stage.run("exchange_api_down", "--yes", "--from", "halt", *sets)
        assert ran.code == 1, ran.out
        assert "the exchange was not stable for 1 looks within 1 s" in ran.out
        assert await stage.level() == 1
