"""No plan goes beyond any bound, whatever message, market and account are."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random

from bot.domain.plan import Funds, Plan, Refusal, Room, loss_of_one, make_plan
from bot.domain.signal import Side, Signal
from tests.bot.desks import LIMITS
from tests.bot.fake_exchange import BTC


def is_liquidated_beyond(plan: Plan, times: Decimal) -> bool:
    """With isolated margin, one hundredth as maintenance, and the fee of closing."""
    sign = 1 if plan.side is Side.BUY else -1
    kept = Decimal("0.0105")
    liquidation = plan.price * (1 - sign / Decimal(plan.leverage)) / (1 - sign * kept)
    return sign * (plan.price - liquidation) >= times * abs(plan.price - plan.stop)


def test_any_plan_keeps_every_bound() -> None:
    random = Random(4)
    bound: Counter[str] = Counter()
    for _ in range(4000):
        last = Decimal(random.randint(1, 10**9)) / 1000
        contract = replace(
            BTC,
            price_tick=Decimal(1).scaleb(-random.randint(0, 4)),
            quantity_step=Decimal(1).scaleb(-random.randint(0, 6)),
        )
        signal = made_up(random, last)
        funds = Funds(equity=some(random), free_margin=some(random))
        room = Room(cap="a cap", left=some(random))
        plan = make_plan(signal, contract, last, LIMITS, funds, [room])
        if isinstance(plan, Refusal):
            bound[plan.reason] += 1
            continue
        highest = max(plan.price, last)
        lost = plan.quantity * loss_of_one(plan.price, plan.stop, LIMITS)
        used = {
            "risk": lost / (funds.equity / 100),
            "notional": plan.quantity * highest / LIMITS.max_notional,
            "room": plan.quantity * highest / room.left,
            "margin": plan.quantity * highest * (1 / Decimal(plan.leverage) + Decimal("0.0005")),
            "message": plan.quantity / signal.quantity if signal.quantity else Decimal(0),
        }
        used["margin"] /= funds.free_margin
        assert max(used.values()) <= 1, used
        bound[max(used, key=lambda name: used[name])] += 1
        assert plan.quantity % contract.quantity_step == 0
        assert plan.price % contract.price_tick == plan.stop % contract.price_tick == 0
        assert is_liquidated_beyond(plan, Decimal("1.5"))
        sign = 1 if plan.side is Side.BUY else -1
        assert sign * (min(sign * plan.price, sign * last) * sign - plan.stop) > 0
        assert sign * plan.price <= sign * last * (1 + sign * Decimal("0.005"))
        if signal.stop is None:
            assert abs(plan.price - plan.stop) <= plan.price * Decimal("0.02")
    # Each of them was what decided, and not only once.
    assert min(bound[name] for name in ("risk", "notional", "room", "margin", "message")) >= 20, bound


def some(random: Random) -> Decimal:
    return Decimal(random.randint(1, 10 ** random.randint(3, 9))) / 100


def made_up(random: Random, last: Decimal) -> Signal:
    """Some name their quantity, some their stop."""
    side = random.choice(list(Side))
    away = Decimal(random.randint(1, 600)) / 1000
    stop = last * (1 - away if side is Side.BUY else 1 + away)
    return Signal(
        side=side,
        symbol="BTC-USDT",
        quantity=some(random) / last if random.random() < 0.5 else None,
        stop=stop if random.random() < 0.5 else None,
    )
