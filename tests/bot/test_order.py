"""The table of an order's life, walked in full, and the id that the exchange knows an order by."""

import re
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from bot.domain.mode import Mode
from bot.domain.order import FINAL, NEXT, Event, Ignored, Order, Report, State, apply, client_id
from bot.domain.signal import Side

ORDER = Order(
    client_id="a1",
    source="test",
    symbol="BTC-USDT",
    side=Side.BUY,
    quantity=Decimal(1),
    price=Decimal(2),
    stop=Decimal(1),
)


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_either_moves_as_the_table_says_or_changes_nothing(state: State, event: Event) -> None:
    after = apply(replace(ORDER, state=state), Report(client_id="a1", event=event, reason="r"))
    if (state, event) in NEXT:
        filled = ORDER.quantity if event is Event.FILLED else Decimal(0)
        assert after == replace(ORDER, state=NEXT[state, event], reason="r", filled_quantity=filled)
    else:
        assert isinstance(after, Ignored)


def test_every_state_is_reached_from_intent() -> None:
    reached = {State.INTENT}
    for _ in State:
        reached |= {after for (before, _), after in NEXT.items() if before in reached}
    assert reached == set(State)


def test_these_states_are_final() -> None:
    assert {State.FILLED, State.CANCELLED, State.REJECTED, State.NOT_SENT} == FINAL


def test_nothing_goes_back_to_intent() -> None:
    assert State.INTENT not in NEXT.values()


def test_unknown_is_entered_only_by_a_lost_answer_to_the_first_sending_or_to_another() -> None:
    into = {state for (state, event), after in NEXT.items() if after is State.UNKNOWN and event is Event.LOST}
    assert into == {State.INTENT, State.UNKNOWN}
    assert [event for (_, event), after in NEXT.items() if after is State.UNKNOWN] == [Event.LOST] * 2


def test_a_later_report_never_unfills() -> None:
    part = replace(ORDER, state=State.PENDING, filled_quantity=Decimal("0.4"), exchange_id="7")
    after = apply(part, Report(client_id="a1", event=Event.CANCELLED))
    assert isinstance(after, Order)
    assert (after.filled_quantity, after.exchange_id) == (Decimal("0.4"), "7")


@pytest.mark.parametrize(
    ("side", "last", "reached"),
    [
        (Side.BUY, "90.1", ""),
        (Side.BUY, "90", "stop"),
        (Side.BUY, "109.9", ""),
        (Side.BUY, "110", "target"),
        (Side.SELL, "109.9", ""),
        (Side.SELL, "110", "stop"),
        (Side.SELL, "90.1", ""),
        (Side.SELL, "90", "target"),
    ],
)
def test_an_entry_is_over_once_the_price_is_at_its_stop_or_its_nearest_target(
    side: Side, last: str, reached: str
) -> None:
    low, high = Decimal(90), Decimal(110)
    stop, target, further = (low, high, high + 10) if side is Side.BUY else (high, low, low - 10)
    order = replace(ORDER, side=side, stop=stop, targets=(target, further))
    assert order.crossed(Decimal(last)) == (f"the price reached its {reached} first" if reached else "")


def test_client_id_is_pure_short_and_plain() -> None:
    name = name_of()
    assert name == name_of()
    assert re.fullmatch(r"[a-z0-9]{1,40}", name_of(leg=99, attempt=99, message="m" * 500))
    assert name == "tws" + name[3:33] + "l0a0"


def test_client_ids_differ_when_anything_differs() -> None:
    names = [
        name_of(),
        name_of(mode=Mode.LIVE),
        name_of(mode=Mode.VST),
        name_of(source="http"),
        name_of(chat="x"),
        name_of(message="x"),
        name_of(leg=1),
        name_of(attempt=1),
        # Joined without care, these two would be one.
        name_of(chat="a", message="bc"),
        name_of(chat="ab", message="c"),
    ]
    assert len(set(names)) == len(names)


def test_a_leg_or_attempt_that_would_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 99"):
        name_of(leg=100)


def name_of(
    mode: Mode = Mode.SIMULATOR,
    source: str = "test",
    chat: str = "c",
    message: str = "1",
    leg: int = 0,
    attempt: int = 0,
) -> str:
    return client_id(mode=mode, source=source, chat=chat, message=message, leg=leg, attempt=attempt)
