"""What a closed position brought: its own income alone, and a doubt where income and orders differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot import notices
from bot.domain.account import ExchangeOrder, Income, PositionSide
from bot.domain.result import Result, result_of
from bot.domain.signal import Side
from bot.ports import TryAgain
from tests.bot.room import Room
from tests.bot.test_notices import outbox
from tests.bot.test_protection import guard, trade

D = Decimal
NOW = datetime(2026, 1, 2, tzinfo=UTC)
OURS = trade("2")


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def done(
    id_: str, second: int, quantity: str, price: str, profit: str = "0", **changes: object
) -> ExchangeOrder:
    order = replace(
        guard("STOP_MARKET", "90", quantity, id_=id_),
        filled_quantity=D(quantity), average_price=D(price), profit=D(profit), commission=D("-0.5"),
        created_at=at(second), updated_at=at(second),
    )  # fmt: skip
    return replace(order, **changes)  # type: ignore[arg-type]


def paid(kind: str, second: float, amount: str, symbol: str = "BTC-USDT") -> Income:
    return Income(
        kind=kind, amount=D(amount), asset="USDT", symbol=symbol, at=at(second), id=f"{second}", trade_id=""
    )


ENTRY = done("1", 0, "2", "100", client_id=OURS.client_id, side=Side.BUY)
HISTORY = [ENTRY, done("2", 10, "1", "110", "10"), done("3", 20, "1", "90", "-7")]
INCOME = [
    paid("TRADING_FEE", 0, "-0.5"),
    paid("FUNDING_FEE", 5, "0.25"),
    *(paid(kind, 10, amount) for kind, amount in (("REALIZED_PNL", "10"), ("TRADING_FEE", "-0.5"))),
    *(paid(kind, 20, amount) for kind, amount in (("REALIZED_PNL", "-7"), ("TRADING_FEE", "-0.5"))),
]
WHOLE = Result(realised=D(3), fees=D("-1.5"), funding=D("0.25"), average=D(100))


def test_it_is_the_income_between_the_first_entry_and_the_close() -> None:
    others = [
        paid("REALIZED_PNL", -1, "1000"),
        paid("REALIZED_PNL", 31, "1000"),
        paid("REALIZED_PNL", 10, "1000", "ETH-USDT"),
        paid("TRANSFER", 10, "1000"),
    ]
    before = done("0", -1, "5", "100", "1000")
    result = result_of([OURS], [before, *HISTORY], [*INCOME, *others], at(30))
    assert result == WHOLE
    assert result.total == D("1.75")


@pytest.mark.parametrize("missing", [0, 2, 3, 4, 5])
def test_income_that_is_not_there_yet_is_a_doubt(missing: int) -> None:
    rows = [row for number, row in enumerate(INCOME) if number != missing]
    assert result_of([OURS], HISTORY, rows, at(30)).doubt == (
        "the exchange's income and its orders do not agree"
    )


def test_where_the_other_side_was_traded_too_profit_and_fees_are_of_the_orders() -> None:
    other = done("9", 15, "1", "100", "50", side=Side.BUY, position_side=PositionSide.SHORT)
    rows = [*INCOME, paid("REALIZED_PNL", 15, "50"), paid("TRADING_FEE", 15, "-0.5")]
    result = result_of([OURS], [*HISTORY, other], rows, at(30))
    assert replace(result, doubt="") == WHOLE
    assert result.doubt.startswith("others traded BTC-USDT, too")


def test_a_position_that_was_adopted_begins_with_its_row() -> None:
    adopted = replace(OURS, client_id="adopted", created_at=at(5))
    result = result_of([adopted], HISTORY[1:], INCOME, at(30))
    assert (result.realised, result.fees, result.funding) == (D(3), D(-1), D("0.25"))


@dataclass(slots=True)
class Told:
    """An exchange that tells of income late, or not at all."""

    income_: Sequence[Income] = field(default_factory=list)
    fail: TryAgain | None = None

    async def history(self, *_: object) -> Sequence[ExchangeOrder]:
        if self.fail:
            raise self.fail
        return HISTORY

    async def income(self, *_: object) -> Sequence[Income]:
        return self.income_


async def closed(room: Room, told: Told) -> None:
    room.desk.notices, _ = outbox()
    room.desk.account = told  # type: ignore[assignment]
    room.desk.wall = lambda: at(30)
    notices.closed(room.desk, [replace(OURS, average_price=D("100.50"))])


def texts(room: Room) -> list[str]:
    return [each.text for each in room.desk.notices.waiting]


async def test_it_is_told_once_and_when_the_exchange_tells_all_of_it(room: Room) -> None:
    told = Told(INCOME[:3])
    await closed(room, told)
    look = notices.tell_results(1)
    await look(room.desk)
    assert texts(room) == []
    told.income_ = INCOME
    for _ in range(2):
        await look(room.desk)
    assert texts(room) == [
        "closed BTC-USDT long 2, from test, 100.5 to 100\n"
        "+1.75 USDT: realised +3.00, fees -1.50, funding +0.25"
    ]


async def test_what_is_not_told_within_two_minutes_is_told_with_a_doubt(room: Room) -> None:
    await closed(room, Told(INCOME[:3]))
    room.now += 121
    await notices.tell_results(1)(room.desk)
    [text] = texts(room)
    assert text.endswith("\nnot certain yet: the exchange's income and its orders do not agree")


async def test_an_exchange_that_does_not_answer_is_asked_again_and_then_named(room: Room) -> None:
    await closed(room, Told(fail=TryAgain("no answer")))
    await notices.tell_results(1)(room.desk)
    assert texts(room) == []
    room.now += 121
    await notices.tell_results(1)(room.desk)
    assert texts(room) == [
        "closed BTC-USDT long 2, from test, entered at 100.5\nthe result is not known: no answer"
    ]
