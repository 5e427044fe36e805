"""What the check of the exchange finds in the true simulator, and that it leaves nothing behind there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from bot.adapters.bingx_check import examine
from bot.adapters.bingx_probe import Place, Probe
from bot.adapters.bingx_transport import Transport
from bot.domain.plan import Contract
from bot.metrics import instruments
from bot.ports import OutcomeUnknown, Refused, TryAgain
from bot.simulator import switches
from bot.simulator.account import LEVERAGE
from bot.simulator.switches import Switches
from config.spec.load import load_metrics
from tests.bot.bank import CONFIG, Bank, open_bank

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "1000PEPE-USDT")


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as made:
        yield made


class Frail(Transport):
    """From a certain call on it fails, once or for ever, before or after the exchange did what was asked."""

    calls = 0
    fails_at = 0
    after = False
    for_ever = False
    before: Callable[[], None] = staticmethod(lambda: None)

    async def call(self, endpoint: Any, parameters: Any, *more: Any) -> Any:
        self.calls += 1
        self.before()
        if self.calls == self.fails_at or (self.for_ever and self.calls > self.fails_at > 0):
            if self.after:
                with suppress(Refused, TryAgain, OutcomeUnknown):
                    await super().call(endpoint, parameters, *more)
            raise (OutcomeUnknown if endpoint.method != "GET" else TryAgain)("no answer")
        return await super().call(endpoint, parameters, *more)


def probe_of(bank: Bank) -> Probe:
    """Its time moves a little with each look at the clock, so that no call waits for its turn."""

    def clock() -> float:
        bank.now += timedelta(milliseconds=20)
        return bank.seconds()

    async def sleep(seconds: float) -> None:
        bank.now += timedelta(seconds=seconds)
        bank.simulator.work()
        await asyncio.sleep(0)

    catalogue, _ = load_metrics(CONFIG)
    metrics = instruments(catalogue, CollectorRegistry())
    transport = Frail(bank.http, bank.access, metrics, clock, clock)
    return Probe(transport=transport, http=bank.http, access=bank.access, sleep=sleep)


async def examined(bank: Bank, **told: str) -> tuple[str, Probe]:
    if told:
        bank.simulator.book.switches = switches.parse(bank.simulator.book.switches, told)
    probe = probe_of(bank)
    return await examine(probe, SYMBOLS, "USDT"), probe


def differing(probe: Probe) -> dict[str, str]:
    """By its switch, or by what was looked at."""
    return {each.switch or each.what: each.seen for each in probe.findings if each.verdict == "differs"}


def state(bank: Bank) -> Any:
    account = bank.simulator.book.account
    return (
        [each.type for each in bank.simulator.book.open()],
        dict(account.positions),
        {key: leverage for key, leverage in account.leverages.items() if leverage != LEVERAGE},
        {symbol: isolated for symbol, isolated in account.isolated.items() if isolated},
        account.hedge,
    )


def named(probe: Probe, what: str) -> Any:
    (found,) = (each for each in probe.findings if each.what == what)
    return found


async def test_the_simulator_is_as_expected(bank: Bank) -> None:
    before = state(bank)
    failure, probe = await examined(bank)
    assert (failure, differing(probe)) == ("", {})
    assert state(bank) == before
    assert [each.what for each in probe.findings if each.verdict == "not seen"] == [
        "code of an order that is not shown yet"
    ]


async def test_a_finding_with_a_switch_expects_its_first_value(bank: Bank) -> None:
    _, probe = await examined(bank)
    usual = asdict(Switches())
    assert {each.switch: each.expected for each in probe.findings if each.switch} == {
        each.switch: usual[each.switch] for each in probe.findings if each.switch
    }


NEEDS_MORE = {  # than can be seen from outside without harm, or without a test of its own
    "codes",
    "rate_code",
    "hidden",
    "one_way_side",
    "client_id_window",
    "partial_stop",
    "oversized_stop",
}
TURNED = [
    (each.name, value)
    for each in fields(Switches)
    if each.name not in NEEDS_MORE
    for value in each.metadata["values"][1:]
]


@pytest.mark.parametrize(("switch", "value"), TURNED)
async def test_a_switch_that_is_turned_is_what_differs(bank: Bank, switch: str, value: str) -> None:
    before = state(bank)
    failure, probe = await examined(bank, **{switch: value})
    assert (failure, differing(probe)) == ("", {switch: value})
    assert state(bank) == before


async def test_the_codes_of_before_are_told(bank: Bank) -> None:
    failure, probe = await examined(bank, codes="old")
    assert failure == ""
    assert differing(probe) == {
        "cancel_closed": "80018",
        "cancel_absent": "80016",
        "code of a question about nothing": "80016",
        "beyond_precision": "80014",
        "margin": "80012",
        "no_position": "80017",
    }


@pytest.mark.parametrize(("value", "seen"), [("sided", {}), ("both", {"one_way_side": "both"})])
async def test_one_way_mode_is_left_as_it_is(bank: Bank, value: str, seen: dict[str, str]) -> None:
    bank.simulator.book.account.hedge = False
    before = state(bank)
    failure, probe = await examined(bank, one_way_side=value)
    assert (failure, differing(probe)) == ("", seen)
    assert state(bank) == before


async def test_what_is_shown_late_is_waited_for(bank: Bank) -> None:
    bank.simulator.faults = replace(bank.simulator.faults, hide_orders=2.0, hide_positions=2.0)
    before = state(bank)
    failure, probe = await examined(bank, hidden="109423")
    assert (failure, differing(probe)) == ("", {"hidden": "109423"})
    assert state(bank) == before


async def test_a_symbol_in_use_is_left_alone(bank: Bank) -> None:
    await bank.open()
    before = state(bank)
    failure, probe = await examined(bank)
    assert (failure, differing(probe)) == ("", {})
    assert state(bank) == before
    assert {each.symbol for each in bank.simulator.book.all()} == {"BTC-USDT", "ETH-USDT"}


async def test_without_a_free_symbol_nothing_is_tried(bank: Bank) -> None:
    await bank.open()
    probe = probe_of(bank)
    failure = await examine(probe, ["BTC-USDT", "NOPE-USDT"], "USDT")
    assert failure == "each of trading.symbols has orders or positions already, or is not traded here"
    assert differing(probe) == {"contracts of trading.symbols": "not NOPE-USDT"}
    assert len(bank.simulator.book.all()) == 1


async def test_wherever_it_fails_the_account_is_as_it_was(bank: Bank) -> None:
    before = state(bank)
    whole = probe_of(bank)
    await examine(whole, SYMBOLS, "USDT")
    assert whole.transport.calls > 60
    putting_back = whole.transport.calls - 12
    for at in range(2, whole.transport.calls, 5):
        probe = probe_of(bank)
        probe.transport.fails_at, probe.transport.after = at, bool(at % 2)
        failure = await examine(probe, SYMBOLS, "USDT")
        assert failure == "no answer" or at > putting_back, at
        assert state(bank) == before, at


async def test_what_cannot_be_put_back_is_told(bank: Bank) -> None:
    probe = probe_of(bank)
    probe.transport.fails_at, probe.transport.for_ever = 25, True
    assert await examine(probe, SYMBOLS, "USDT") == "no answer"
    assert named(probe, "the account is as it was found").seen == "no answer"


async def test_whoever_interrupts_it_finds_the_account_as_it_was(bank: Bank) -> None:
    before = state(bank)
    probe = probe_of(bank)

    def interrupt() -> None:
        if bank.simulator.book.account.positions:
            probe.transport.before = lambda: None
            task.cancel()

    probe.transport.before = interrupt
    task = asyncio.create_task(examine(probe, SYMBOLS, "USDT"))
    assert await task == "interrupted"
    assert state(bank) == before


async def test_whoever_interrupts_it_again_while_it_tidies_up_waits(bank: Bank) -> None:
    before = state(bank)
    probe = probe_of(bank)

    def interrupt() -> None:
        if bank.simulator.book.account.positions:
            task.cancel()

    probe.transport.before = interrupt  # at each call, as long as there is something to take back
    task = asyncio.create_task(examine(probe, SYMBOLS, "USDT"))
    assert await task == "interrupted"
    assert state(bank) == before


async def test_an_order_whose_answer_was_lost_and_that_is_shown_late_is_taken_back(bank: Bank) -> None:
    before = state(bank)
    probe = probe_of(bank)

    def lose() -> None:
        if probe.findings and probe.findings[-1].what == "margin type that was set is told":
            bank.simulator.faults = replace(bank.simulator.faults, hide_orders=11.0)
            probe.transport.before = lambda: None
            probe.transport.fails_at, probe.transport.after = probe.transport.calls, True

    probe.transport.before = lose
    assert await examine(probe, SYMBOLS, "USDT") == "no answer"
    assert [each.status for each in bank.simulator.book.all()] == ["CANCELLED"]
    assert state(bank) == before


async def test_a_position_that_somebody_made_larger_is_left_to_them(bank: Bank) -> None:
    probe = probe_of(bank)
    foreign = {"symbol": "BTC-USDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "1"}

    def enlarge() -> None:
        if bank.simulator.book.account.positions:
            bank.simulator.book.place(foreign, Decimal(1))
            probe.transport.before = lambda: None
            probe.transport.fails_at = probe.transport.calls

    probe.transport.before = enlarge
    assert await examine(probe, SYMBOLS, "USDT") == "no answer"
    assert named(probe, "the account is as it was found").seen == "left there: a position in BTC-USDT"
    assert bank.simulator.book.account.positions["BTC-USDT LONG"].quantity > 1


async def test_what_should_be_refused_and_is_taken_is_cancelled(bank: Bank) -> None:
    probe = probe_of(bank)
    asked = list[str]()

    class Generous:
        async def call(self, endpoint: Any, parameters: Any, *more: Any) -> Any:
            asked.append(f"{endpoint.name} {parameters['clientOrderId']}")
            return {"order": {}}

    probe.transport = Generous()
    contract = Contract(
        symbol="BTC-USDT",
        quantity_step=Decimal(1),
        price_tick=Decimal(1),
        min_quantity=Decimal(1),
        min_notional=Decimal(1),
        online=True,
    )
    order = Place(contract=contract, last=Decimal(100), hedged=True).entry()
    assert await probe.refusal(order) == "taken"
    assert asked == [f"place_order {order.client_id}", f"cancel_order {order.client_id}"]


async def test_a_key_that_is_refused_ends_it_at_once(bank: Bank) -> None:
    bank.access = replace(bank.access, secret_key="another")
    failure, _ = await examined(bank)
    assert failure.startswith("100001")
    assert bank.simulator.book.all() == []
