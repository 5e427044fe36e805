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
        pytest.param(buy(None), BTC, LAST, LIMITS, "no_quantity", id="no quantity"),
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
    )


def test_a_sell_mirrors_a_buy() -> None:
    assert make_plan(replace(buy("0.1"), side=Side.SELL), BTC, LAST, LIMITS) == Plan(
        symbol="BTC-USDT",
        side=Side.SELL,
        quantity=Decimal("0.1"),
        price=Decimal("59700.0"),
        stop=Decimal("60894.0"),
    )


def test_a_stop_in_the_signal_comes_before_the_default() -> None:
    plan = make_plan(buy(stop="59000.04"), BTC, LAST, LIMITS)
    assert isinstance(plan, Plan)
    assert plan.stop == Decimal("59000.1")


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
