"""From signal to order: what is refused, and that rounding never costs more than allowed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.plan import Contract, Funds, Limits, Plan, Refusal, Room, make_plan
from bot.domain.signal import Side, Signal
from tests.bot.desks import LIMITS
from tests.bot.fake_exchange import BTC
from tests.bot.test_plan_bounds import is_liquidated_beyond

LAST = Decimal("60000.0")
FUNDS = Funds(equity=Decimal(10**7), free_margin=Decimal(10**7))  # so that the message decides


def buy(quantity: str | None = "0.1", stop: str | None = None) -> Signal:
    return Signal(
        side=Side.BUY,
        symbol="BTC-USDT",
        quantity=None if quantity is None else Decimal(quantity),
        stop=None if stop is None else Decimal(stop),
    )


def sold(**told: Any) -> Signal:
    stop = told.pop("stop", None)
    return replace(buy(stop=stop), side=Side.SELL, **told)


def entered(*entries: str) -> Signal:
    return replace(buy(), entries=tuple(map(Decimal, entries)))


def targeted(*targets: str) -> Signal:
    return replace(buy(), targets=tuple(map(Decimal, targets)))


@pytest.mark.parametrize(("quantity", "last"), [("600", LAST), ("60000", Decimal(6)), ("20", Decimal(20))])
def test_a_quantity_that_is_no_price_is_only_capped(quantity: str, last: Decimal) -> None:
    assert isinstance(make_plan(buy(quantity), BTC, last, LIMITS, FUNDS), Plan)


@pytest.mark.parametrize(
    ("signal", "contract", "last", "limits", "reason"),
    [
        pytest.param(
            replace(buy(), symbol="X-USDT"), BTC, LAST, LIMITS, "symbol_not_allowed", id="symbol not listed"
        ),
        pytest.param(buy(), None, LAST, LIMITS, "symbol_offline", id="the exchange has no such contract"),
        pytest.param(
            buy(), replace(BTC, online=False), LAST, LIMITS, "symbol_offline", id="contract is offline"
        ),
        pytest.param(buy(), BTC, None, LIMITS, "no_price", id="no fresh price"),
        pytest.param(
            buy("59500"), BTC, LAST, LIMITS, "max_notional", id="a price in the place of a quantity"
        ),
        pytest.param(
            buy(),
            replace(BTC, price_tick=Decimal(10**6)),
            LAST,
            LIMITS,
            "no_price",
            id="tick above the price",
        ),
        pytest.param(
            buy(), BTC, LAST, replace(LIMITS, default_stop_percent=None), "no_stop", id="no stop anywhere"
        ),
        pytest.param(buy(stop="60000"), BTC, LAST, LIMITS, "stop_beyond_price", id="stop at the last price"),
        pytest.param(
            buy(),
            BTC,
            LAST,
            replace(LIMITS, default_stop_percent=Decimal("0.4")),
            "stop_beyond_price",
            id="stop nearer than the slippage",
        ),
        pytest.param(
            buy("0.00009"), BTC, LAST, LIMITS, "below_minimum", id="never rounded up to the minimum"
        ),
        pytest.param(
            buy(),
            BTC,
            LAST,
            replace(LIMITS, max_notional=Decimal(5)),
            "max_notional",
            id="capped below minimum",
        ),
        pytest.param(
            buy("0.001"),
            replace(BTC, min_notional=Decimal(100)),
            LAST,
            LIMITS,
            "below_minimum",
            id="worth too little",
        ),
        pytest.param(
            replace(buy(), targets=(Decimal(70000), Decimal(60300))),
            BTC,
            LAST,
            LIMITS,
            "target_beyond_entry",
            id="a target at the entry",
        ),
        pytest.param(
            replace(buy(stop="20000")), BTC, LAST, LIMITS, "stop_too_far", id="a stop beyond any liquidation"
        ),
        pytest.param(sold(stop="110000"), BTC, LAST, LIMITS, "stop_too_far", id="that of a short"),
        pytest.param(entered("63000.1"), BTC, LAST, LIMITS, "price_too_far", id="a high entry"),
        pytest.param(entered("56999.9"), BTC, LAST, LIMITS, "price_too_far", id="a low entry"),
        pytest.param(entered("600000"), BTC, LAST, LIMITS, "price_too_far", id="an entry's point is lost"),
        pytest.param(
            entered("60000", "6000.0"), BTC, LAST, LIMITS, "price_too_far", id="that of a zone's far edge"
        ),
        pytest.param(entered("0.01"), BTC, LAST, LIMITS, "price_too_far", id="an entry below the tick"),
        pytest.param(buy(stop="12000"), BTC, LAST, LIMITS, "price_too_far", id="no stop of this price"),
        pytest.param(sold(stop="300000"), BTC, LAST, LIMITS, "price_too_far", id="nor of a short"),
        pytest.param(targeted("61000", "630000"), BTC, LAST, LIMITS, "price_too_far", id="a target's point"),
        pytest.param(
            sold(targets=(Decimal("5900.0"),)), BTC, LAST, LIMITS, "price_too_far", id="that of a short's"
        ),
        pytest.param(targeted("60000"), BTC, LAST, LIMITS, "target_reached", id="the price is at the target"),
        pytest.param(
            replace(entered("60000"), targets=(Decimal(59000),)),
            BTC,
            LAST,
            LIMITS,
            "target_beyond_entry",
            id="reached only because it lies on the wrong side",
        ),
        pytest.param(
            replace(entered("59000"), targets=(Decimal(59900), Decimal(62000))),
            BTC,
            LAST,
            LIMITS,
            "target_reached",
            id="the price was at the entry before, and is past the first target",
        ),
        pytest.param(
            sold(entries=(Decimal(61000),), targets=(Decimal(60000),)),
            BTC,
            LAST,
            LIMITS,
            "target_reached",
            id="the same of a short",
        ),
        pytest.param(
            buy(),
            BTC,
            LAST,
            LIMITS.narrowed(Decimal(1), ["ETH-USDT"]),
            "symbol_not_allowed",
            id="not among the symbols that were opened again",
        ),
    ],
)
def test_refused(
    signal: Signal, contract: Contract | None, last: Decimal | None, limits: Limits, reason: str
) -> None:
    result = make_plan(signal, contract, last, limits, FUNDS)
    assert isinstance(result, Refusal)
    assert result.reason == reason


def test_the_guides_order() -> None:
    assert make_plan(buy("0.1"), BTC, LAST, LIMITS, FUNDS) == Plan(
        symbol="BTC-USDT",
        side=Side.BUY,
        quantity=Decimal("0.1"),
        price=Decimal("60300.0"),
        stop=Decimal("59094.0"),
        leverage=10,
    )


@pytest.mark.parametrize(
    ("signal", "last"),
    [
        (replace(entered("63000"), stop=Decimal(58000)), LAST),  # just as far as allowed
        (replace(entered("57000"), stop=Decimal(56000)), LAST),
        (buy(stop="40000"), LAST),
        (targeted("299999.9"), LAST),
    ],
)
def test_far_is_not_too_far(signal: Signal, last: Decimal) -> None:
    assert isinstance(make_plan(signal, BTC, last, LIMITS, FUNDS), Plan)


@pytest.mark.parametrize(
    ("funds", "rooms", "reason"),
    [
        (None, [], "no_equity"),
        (Funds(equity=Decimal(0), free_margin=Decimal(1000)), [], "below_minimum"),
        (Funds(equity=Decimal(-10), free_margin=Decimal(1000)), [], "below_minimum"),
        (Funds(equity=Decimal(1000), free_margin=Decimal("0.5")), [], "no_margin"),
        (Funds(equity=Decimal(1000), free_margin=Decimal(-1)), [], "no_margin"),
        (FUNDS, [Room(cap="max_total_notional_usdt", left=Decimal(5))], "max_notional"),
        (FUNDS, [Room(cap="symbol_caps_usdt of BTC-USDT", left=Decimal(-5))], "max_notional"),
    ],
)
def test_the_reason_is_that_of_what_leaves_too_little(
    funds: Funds | None, rooms: list[Room], reason: str
) -> None:
    refusal = make_plan(buy(), BTC, LAST, LIMITS, funds, rooms)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert "-" not in refusal.text.replace("BTC-USDT", ""), "no quantity is below zero"
    if rooms:
        assert refusal.text.startswith(f"{rooms[0].cap} leaves 0")


def test_a_leverage_in_the_message_only_lowers_it_and_never_moves_the_size() -> None:
    found = {
        told: make_plan(replace(buy(), leverage=told), BTC, LAST, LIMITS, FUNDS) for told in (None, 3, 10, 50)
    }
    plans = {told: plan for told, plan in found.items() if isinstance(plan, Plan)}
    assert {told: plan.leverage for told, plan in plans.items()} == {None: 10, 3: 3, 10: 10, 50: 10}
    assert {plan.quantity for plan in plans.values()} == {Decimal("0.1")}


def test_while_trading_is_re_opened_in_steps_what_one_order_may_be_is_less_too() -> None:
    quarter = LIMITS.narrowed(Decimal("0.25"), [])
    whole, less = (make_plan(buy(None), BTC, LAST, each, FUNDS) for each in (LIMITS, quarter))
    assert isinstance(whole, Plan)
    assert isinstance(less, Plan)
    assert (whole.quantity, less.quantity) == (Decimal("0.1658"), Decimal("0.0414"))


def test_just_the_least_that_the_exchange_takes_is_ordered() -> None:
    least = replace(BTC, min_quantity=Decimal("0.1"), min_notional=Decimal(6030))
    plan = make_plan(buy("0.1"), least, LAST, LIMITS, FUNDS)
    assert isinstance(plan, Plan)
    assert (plan.quantity, plan.notional) == (Decimal("0.1"), Decimal(6030))


def test_a_sell_mirrors_a_buy() -> None:
    assert make_plan(replace(buy("0.1"), side=Side.SELL), BTC, LAST, LIMITS, FUNDS) == Plan(
        symbol="BTC-USDT",
        side=Side.SELL,
        quantity=Decimal("0.1"),
        price=Decimal("59700.0"),
        stop=Decimal("60894.0"),
        leverage=10,
    )


def test_a_stop_in_the_signal_comes_before_the_default() -> None:
    plan = make_plan(buy(stop="59000.04"), BTC, LAST, LIMITS, FUNDS)
    assert isinstance(plan, Plan)
    assert plan.stop == Decimal("59000.1")


@pytest.mark.parametrize(
    ("side", "entries", "price"),
    [
        (Side.BUY, ["58000"], "58000"),
        (Side.BUY, ["58000", "58500.19"], "58500.1"),
        (Side.SELL, ["61000"], "61000"),
        (Side.SELL, ["62000", "61000.11"], "61000.2"),
    ],
)
def test_an_entry_rests_at_the_near_edge_of_its_zone(side: Side, entries: list[str], price: str) -> None:
    signal = replace(buy(), side=side, entries=tuple(map(Decimal, entries)))
    plan = make_plan(signal, BTC, LAST, LIMITS, FUNDS)
    assert isinstance(plan, Plan)
    assert plan.price == Decimal(price)


def test_targets_come_nearest_first_and_are_rounded_towards_the_entry() -> None:
    signal = replace(buy(), targets=(Decimal(70000), Decimal("65000.09"), Decimal("65000.02")))
    plan = make_plan(signal, BTC, LAST, LIMITS, FUNDS)
    assert isinstance(plan, Plan)
    assert plan.targets == (Decimal(65000), Decimal(70000))
    short = make_plan(
        replace(signal, side=Side.SELL, targets=(Decimal("55000.09"), Decimal(50000))),
        BTC,
        LAST,
        LIMITS,
        FUNDS,
    )
    assert isinstance(short, Plan)
    assert short.targets == (Decimal("55000.1"), Decimal(50000))


@pytest.mark.parametrize(
    ("stop", "leverage"),
    [("59094.0", 10), ("55000", 7), ("50000", 3), ("30000", 1)],
)
def test_leverage_sinks_until_liquidation_is_half_as_far_again_as_the_stop(stop: str, leverage: int) -> None:
    plan = make_plan(buy(stop=stop), BTC, LAST, LIMITS, FUNDS)
    assert isinstance(plan, Plan)
    assert plan.leverage == leverage
    assert is_liquidated_beyond(plan, Decimal("1.5"))


def test_what_the_exchange_allows_of_leverage_bounds_it_too() -> None:
    plan = make_plan(buy(), replace(BTC, max_leverage=5), LAST, LIMITS, FUNDS)
    assert isinstance(plan, Plan)
    assert plan.leverage == 5


def test_while_trading_is_re_opened_in_steps_orders_are_smaller() -> None:
    plan = make_plan(buy("0.1"), BTC, LAST, LIMITS.narrowed(Decimal("0.25"), ["BTC-USDT"]), FUNDS)
    assert isinstance(plan, Plan)
    assert plan.quantity == Decimal("0.025")


def test_sizes_are_right_where_prices_are_tiny() -> None:
    pepe = Contract(
        symbol="1000PEPE-USDT",
        quantity_step=Decimal(1),
        price_tick=Decimal("0.0000001"),
        min_quantity=Decimal(1),
        min_notional=Decimal(2),
        online=True,
    )
    limits = replace(LIMITS, symbols=frozenset({"1000PEPE-USDT"}))
    signal = replace(buy("500000.9"), symbol="1000PEPE-USDT")
    plan = make_plan(signal, pepe, Decimal("0.0000081"), limits, FUNDS)
    assert plan == Plan(
        symbol="1000PEPE-USDT",
        side=Side.BUY,
        quantity=Decimal(500000),
        price=Decimal("0.0000081"),
        stop=Decimal("0.0000080"),
        leverage=10,
    )
    small = make_plan(replace(signal, quantity=Decimal(200000)), pepe, Decimal("0.0000081"), limits, FUNDS)
    assert isinstance(small, Refusal)
    assert small.reason == "below_minimum"


def test_a_symbol_that_was_not_opened_again_is_not_blamed_on_the_file() -> None:
    opened = LIMITS.narrowed(Decimal(1), ["ETH-USDT"])
    for limits, where in (
        (LIMITS, "in trading.symbols"),
        (opened, "among those for which trading was re-opened"),
    ):
        refusal = make_plan(replace(buy("1"), symbol="LTC-USDT"), None, None, limits, FUNDS)
        assert isinstance(refusal, Refusal)
        assert refusal.text == f"LTC-USDT is not {where}"
