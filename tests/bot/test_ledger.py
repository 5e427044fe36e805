"""Where a day begins, and what adds up to the day's result and to the balance that should be there."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.domain.account import Balance, Income
from bot.domain.ledger import LATE, Anchor, Book, Day, Money, carried, main_balance, moved, realised
from bot.domain.mode import Mode

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(amount: str, at: datetime = MIDNIGHT, kind: str = "REALIZED_PNL", id_: str = "") -> Income:
    return Income(
        kind=kind, amount=Decimal(amount), asset="USDT", symbol="BTC-USDT", at=at, id=id_, trade_id=""
    )


def money(realised_today: str, unrealised: str) -> Money:
    return Money(
        balance=Decimal(100),
        equity=Decimal(100),
        available=Decimal(100),
        unrealised=Decimal(unrealised),
        realised_today=Decimal(realised_today),
        btc=Decimal(0),
        anchor=None,
        difference=None,
        loss_limit=Decimal(100),
        book=Book(since=MIDNIGHT, until=MIDNIGHT),
        measured_at=0.0,
    )


def balance(asset: str) -> Balance:
    one = Decimal(1)
    return Balance(uid="1", asset=asset, balance=one, equity=one, unrealised=one, available=one, used=one)


def day(timezone: str) -> Day:
    return Day(timezone=ZoneInfo(timezone), loss_limit=Decimal(100))


@pytest.mark.parametrize(
    ("timezone", "now", "began", "hours"),
    [
        ("UTC", "2026-03-10T23:59:59+00:00", "2026-03-10T00:00:00+00:00", 24),
        ("UTC", "2026-03-10T00:00:00+00:00", "2026-03-10T00:00:00+00:00", 24),
        ("Europe/Berlin", "2026-03-09T22:59:59+00:00", "2026-03-08T23:00:00+00:00", 24),
        ("Europe/Berlin", "2026-03-09T23:00:00+00:00", "2026-03-09T23:00:00+00:00", 24),
        ("Asia/Kolkata", "2026-03-10T18:30:00+00:00", "2026-03-10T18:30:00+00:00", 24),
        # Clocks go forward, then back.
        ("Europe/Berlin", "2026-03-29T12:00:00+00:00", "2026-03-28T23:00:00+00:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00:00+00:00", "2026-10-24T22:00:00+00:00", 25),
        # There was no midnight: at that moment it was one o'clock.
        ("Africa/Cairo", "2026-04-24T12:00:00+00:00", "2026-04-23T22:00:00+00:00", 23),
        # There were two midnights: the day began with the first.
        ("America/Havana", "2026-11-01T12:00:00+00:00", "2026-11-01T04:00:00+00:00", 25),
    ],
)
def test_a_day_begins_at_local_midnight(timezone: str, now: str, began: str, hours: int) -> None:
    start = day(timezone).began(datetime.fromisoformat(now))
    assert start == datetime.fromisoformat(began)
    assert start.utcoffset() == timedelta(0)
    last = start + timedelta(hours=hours) - timedelta(microseconds=1)
    assert day(timezone).began(last) == start
    assert day(timezone).began(last + timedelta(microseconds=1)) > last


def test_what_moved_at_a_midnight_belongs_to_the_day_that_begins() -> None:
    rows = [row("1", MIDNIGHT - timedelta(milliseconds=1)), row("2", MIDNIGHT), row("4", MIDNIGHT + HOUR)]
    assert moved(rows, MIDNIGHT) == 6
    assert moved(rows, MIDNIGHT - HOUR, MIDNIGHT) == 1


def test_a_transfer_moves_the_balance_and_is_no_result() -> None:
    rows = [
        row("100", kind="TRANSFER"),
        row("-3", kind="TRADING_FEE"),
        row("-1", kind="FUNDING_FEE"),
        row("9"),
    ]
    assert moved(rows, MIDNIGHT) == 105
    assert realised(rows, MIDNIGHT) == 5
    assert realised(rows, MIDNIGHT + HOUR) == 0


@pytest.mark.parametrize(
    ("realised_today", "unrealised", "loss"),
    [
        ("-30", "-12.5", "42.5"),
        ("-30", "12.5", "17.5"),
        ("10", "-12", "2"),
        ("10", "-10", "0"),
        ("5", "1", "0"),
    ],
)
def test_the_days_loss_counts_what_is_open(realised_today: str, unrealised: str, loss: str) -> None:
    assert money(realised_today, unrealised).loss_today == Decimal(loss)


def test_a_book_counts_each_row_once_and_forgets_what_is_before_its_start() -> None:
    empty = Book(since=MIDNIGHT, until=MIDNIGHT)
    one = empty.told([row("1", id_="1"), row("1", id_="2")], MIDNIGHT, MIDNIGHT + HOUR)
    two = one.told([row("1", id_="2"), row("1", MIDNIGHT + HOUR, id_="3")], MIDNIGHT, MIDNIGHT + 2 * HOUR)
    assert [moved(book.rows, MIDNIGHT) for book in (one, two)] == [2, 3]
    three = two.told([], MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR)
    assert three.rows == {row("1", MIDNIGHT + HOUR, id_="3")}


def test_only_what_may_have_come_since_is_asked_for() -> None:
    book = Book(since=MIDNIGHT, until=MIDNIGHT + 5 * HOUR)
    assert book.ask_from(MIDNIGHT) == MIDNIGHT + 5 * HOUR - LATE
    assert book.ask_from(MIDNIGHT - HOUR) == MIDNIGHT - HOUR
    assert book.ask_from(MIDNIGHT + 5 * HOUR) == MIDNIGHT + 5 * HOUR
    assert Book(since=MIDNIGHT, until=MIDNIGHT).ask_from(MIDNIGHT) == MIDNIGHT


def test_what_should_be_there_is_carried_over_midnight() -> None:
    rows = [row("5", MIDNIGHT - HOUR), row("-2", MIDNIGHT - HOUR, kind="TRANSFER"), row("7", MIDNIGHT)]
    before = Anchor(amount=Decimal(100), at=MIDNIGHT - 24 * HOUR)
    after = carried(before, rows, MIDNIGHT)
    assert after == Anchor(amount=Decimal(103), at=MIDNIGHT)
    assert after.amount + moved(rows, after.at) == before.amount + moved(rows, before.at)


def test_play_money_goes_by_either_name_and_real_money_by_one() -> None:
    def asset(mode: Mode, *told: str) -> str | None:
        main = main_balance(mode, [balance(each) for each in told])
        return main.asset if main else None

    assert asset(Mode.LIVE, "BTC", "VST", "USDT") == "USDT"
    assert asset(Mode.LIVE, "VST", "USDC") is None
    assert asset(Mode.VST, "USDT", "VST") == "VST"
    assert asset(Mode.VST, "USDC", "USDT") == "USDT"
    assert asset(Mode.SIMULATOR, "VST") == "VST"
