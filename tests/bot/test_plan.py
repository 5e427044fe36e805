"""From signal to order: what is refused, and that rounding never costs more than allowed."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from bot.domain.plan import Contract, Limits, Plan, Refusal, make_plan
from bot.domain.signal import Side, Signal

BTC = Contract(
    symbol="BTC-USDT",
    quantity_step=Decimal("0.0001"),
    price_tick=Decimal("0.1"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(2),
    online=True,
)
LIMITS = Limits(
    symbols=frozenset({"BTC-USDT"}),
    max_slippage_percent=Decimal("0.5"),
    max_notional=Decimal(10000),
    default_stop_percent=Decimal(2),
    max_leverage=10,
)
LAST = Decimal("60000.0")


def buy(quantity: str | None = "0.1", stop: str | None = None) -> Signal:
    return Signal(
        side=Side.BUY,
        symbol="BTC-USDT",
        quantity=None if quantity is None else Decimal(quantity),
        stop=None if stop is None else Decimal(stop),
    )


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
        pytest.param(buy(None), BTC, LAST, LIMITS, "below_minimum", id="no quantity"),
        pytest.param(
            buy("0.00009"), BTC, LAST, LIMITS, "below_minimum", id="never rounded up to the minimum"
        ),
        pytest.param(
            buy(),
            BTC,
            LAST,
            replace(LIMITS, max_notional=Decimal(5)),
            "below_minimum",
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
    result = make_plan(signal, contract, last, limits)
    assert isinstance(result, Refusal)
    assert result.reason == reason


def test_the_guides_order() -> None:
    assert make_plan(buy("0.1"), BTC, LAST, LIMITS) == Plan(
        symbol="BTC-USDT",
        side=Side.BUY,
        quantity=Decimal("0.1"),
        price=Decimal("60300.0"),
        stop=Decimal("59094.0"),
        leverage=10,
    )


def test_just_the_least_that_the_exchange_takes_is_ordered() -> None:
    least = replace(BTC, min_quantity=Decimal("0.1"), min_notional=Decimal(6030))
    plan = make_plan(buy("0.1"), least, LAST, LIMITS)
    assert isinstance(plan, Plan)
    assert (plan.quantity, plan.notional) == (Decimal("0.1"), Decimal(6030))


def test_a_sell_mirrors_a_buy() -> None:
    assert make_plan(replace(buy("0.1"), side=Side.SELL), BTC, LAST, LIMITS) == Plan(
        symbol="BTC-USDT",
        side=Side.SELL,
        quantity=Decimal("0.1"),
        price=Decimal("59700.0"),
        stop=Decimal("60894.0"),
        leverage=10,
    )


def test_a_stop_in_the_signal_comes_before_the_default() -> None:
    plan = make_plan(buy(stop="59000.04"), BTC, LAST, LIMITS)
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
    plan = make_plan(signal, BTC, LAST, LIMITS)
    assert isinstance(plan, Plan)
    assert plan.price == Decimal(price)


def test_targets_come_nearest_first_and_are_rounded_towards_the_entry() -> None:
    signal = replace(buy(), targets=(Decimal(70000), Decimal("65000.09"), Decimal("65000.02")))
    plan = make_plan(signal, BTC, LAST, LIMITS)
    assert isinstance(plan, Plan)
    assert plan.targets == (Decimal(65000), Decimal(70000))
    short = make_plan(
        replace(signal, side=Side.SELL, targets=(Decimal("55000.09"), Decimal(50000))), BTC, LAST, LIMITS
    )
    assert isinstance(short, Plan)
    assert short.targets == (Decimal("55000.1"), Decimal(50000))


@pytest.mark.parametrize(
    ("stop", "leverage"),
    [("59094.0", 10), ("55000", 7), ("50000", 3), ("30000", 1)],
)
def test_leverage_sinks_until_liquidation_is_half_as_far_again_as_the_stop(stop: str, leverage: int) -> None:
    plan = make_plan(buy(stop=stop), BTC, LAST, LIMITS)
    assert isinstance(plan, Plan)
    assert plan.leverage == leverage
    liquidation = plan.price * (1 - 1 / Decimal(plan.leverage) + Decimal("0.005"))
    assert plan.price - liquidation >= Decimal("1.4") * (plan.price - plan.stop)


def test_what_the_exchange_allows_of_leverage_bounds_it_too() -> None:
    plan = make_plan(buy(), replace(BTC, max_leverage=5), LAST, LIMITS)
    assert isinstance(plan, Plan)
    assert plan.leverage == 5


def test_while_trading_is_re_opened_in_steps_orders_are_smaller() -> None:
    plan = make_plan(buy("0.1"), BTC, LAST, LIMITS.narrowed(Decimal("0.25"), ["BTC-USDT"]))
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
    plan = make_plan(signal, pepe, Decimal("0.0000081"), limits)
    assert plan == Plan(
        symbol="1000PEPE-USDT",
        side=Side.BUY,
        quantity=Decimal(500000),
        price=Decimal("0.0000081"),
        stop=Decimal("0.0000080"),
        leverage=10,
    )
    small = make_plan(replace(signal, quantity=Decimal(200000)), pepe, Decimal("0.0000081"), limits)
    assert isinstance(small, Refusal)
    assert small.reason == "below_minimum"


def test_any_plan_keeps_every_bound() -> None:
    random = Random(4)
    for _ in range(2000):
        side = random.choice(list(Side))
        last = Decimal(random.randint(1, 10**9)) / 1000
        contract = replace(
            BTC,
            price_tick=Decimal(1).scaleb(-random.randint(0, 4)),
            quantity_step=Decimal(1).scaleb(-random.randint(0, 6)),
        )
        signal = replace(buy(), side=side, quantity=Decimal(random.randint(1, 10**7)) / 10**5)
        plan = make_plan(signal, contract, last, LIMITS)
        if isinstance(plan, Refusal):
            continue
        assert plan.quantity <= (signal.quantity or 0)
        assert plan.quantity % contract.quantity_step == 0
        assert plan.quantity * max(plan.price, last) <= LIMITS.max_notional
        assert plan.price % contract.price_tick == plan.stop % contract.price_tick == 0
        if side is Side.BUY:
            assert plan.stop < last
            assert plan.price <= last * Decimal("1.005")
            assert plan.price - plan.stop <= plan.price * Decimal("0.02")
        else:
            assert plan.stop > last
            assert plan.price >= last * Decimal("0.995")
            assert plan.stop - plan.price <= plan.price * Decimal("0.02")


def test_a_symbol_that_was_not_opened_again_is_not_blamed_on_the_file() -> None:
    opened = LIMITS.narrowed(Decimal(1), ["ETH-USDT"])
    for limits, where in (
        (LIMITS, "in trading.symbols"),
        (opened, "among those for which trading was re-opened"),
    ):
        refusal = make_plan(replace(buy("1"), symbol="LTC-USDT"), None, None, limits)
        assert isinstance(refusal, Refusal)
        assert refusal.text == f"LTC-USDT is not {where}"
