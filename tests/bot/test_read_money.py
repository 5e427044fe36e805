"""The money as the bot reads it from the true simulator: fees, funding, midnights, and what does not fit."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.account import Balance, Income
from bot.domain.ledger import LATE, Day
from bot.domain.mode import Mode
from bot.domain.switch import Level
from bot.ledger import read_money
from bot.ports import OutcomeUnknown, TryAgain
from bot.simulator.switches import parse
from tests.bot.bank import HOUR, MIDNIGHT, NOON, Bank, Kept, Moving, open_bank
from tests.bot.fake_exchange import FakeExchange
from tests.bot.room import BEGAN, Room


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as made:
        yield made


async def test_fees_funding_and_profit_add_up(bank: Bank) -> None:
    first = await bank.read()
    assert (first.balance, first.equity, first.realised_today) == (10_000_000, 10_000_000, 0)
    assert bank.kept.anchor == (Decimal(10_000_000), MIDNIGHT)
    await bank.open()
    bank.price("61000")
    opened = await bank.read()
    assert (opened.realised_today, opened.unrealised, opened.loss_today) == (-3, 100, 0)
    assert opened.equity == opened.balance + 100
    bank.simulator.book.account.pay_funding(round(bank.seconds() * 1000))
    funded = await bank.read()
    assert funded.realised_today == Decimal("-3.61")
    await bank.close()
    closed = await bank.read()
    assert closed.realised_today == Decimal("93.34")
    assert closed.balance == Decimal("10000093.34")
    assert [each.difference for each in (first, opened, funded, closed)] == [0, 0, 0, 0]


async def test_the_gauges_say_what_was_read_and_when(bank: Bank) -> None:
    assert bank.gauge("equity_usdt") is None
    await bank.open()
    bank.price("58000")
    await bank.read()
    assert {
        name: bank.gauge(name)
        for name in (
            "exchange_balance_usdt",
            "equity_usdt",
            "unrealised_pnl_usdt",
            "realised_pnl_today_usdt",
            "daily_loss_usdt",
            "daily_loss_limit_usdt",
            "balance_difference_usdt",
            "exchange_balance_btc",
        )
    } == {
        "exchange_balance_usdt": 9_999_997.0,
        "equity_usdt": 9_999_797.0,
        "unrealised_pnl_usdt": -200.0,
        "realised_pnl_today_usdt": -3.0,
        "daily_loss_usdt": 203.0,
        "daily_loss_limit_usdt": 1000.0,
        "balance_difference_usdt": 0.0,
        "exchange_balance_btc": 0.0,
    }
    for name in ("exchange_balance_usdt", "equity_usdt"):
        assert bank.gauge(f"{name}_updated_timestamp_seconds") == bank.seconds()


async def test_a_midnight_begins_a_new_day_and_loses_no_money(bank: Bank) -> None:
    await bank.open()
    bank.price("59000")
    assert (await bank.read()).loss_today == 103
    bank.now = MIDNIGHT + timedelta(days=1)
    # The funding of that midnight is the first of the new day: 0.1 * 59000 * 0.0001.
    after = await bank.read(timedelta())
    assert (after.realised_today, after.loss_today) == (Decimal("-0.59"), Decimal("100.59"))
    assert bank.kept.anchor == (Decimal(10_000_000), MIDNIGHT)
    bank.now += LATE
    late = await bank.read()
    assert bank.kept.anchor == (Decimal(9_999_997), MIDNIGHT + timedelta(days=1))
    again = await bank.read()
    assert [each.difference for each in (after, late, again)] == [0, 0, 0]
    bank.restart()
    fresh = await bank.read()
    assert (fresh.difference, fresh.realised_today) == (0, Decimal("-0.59"))


async def test_days_without_the_bot_are_made_up_for(bank: Bank) -> None:
    await bank.read()
    await bank.open()
    bank.price("61000")
    bank.now += timedelta(days=9)
    bank.simulator.book.fill_crossed(Decimal(1))
    await bank.close()
    bank.now += timedelta(days=3)
    bank.restart()
    money = await bank.read()
    assert (money.difference, money.realised_today) == (0, 0)
    assert (await bank.read()).difference == 0
    assert bank.kept.anchor == (money.balance, MIDNIGHT + timedelta(days=12))


@pytest.mark.parametrize(("clocks", "day_hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
async def test_the_day_on_which_clocks_change_is_shorter_or_longer(
    bank: Bank, clocks: str, day_hours: int
) -> None:
    bank.timezone = "Europe/Berlin"
    bank.now = datetime.fromisoformat(clocks).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    end = bank.now + day_hours * HOUR
    await bank.open()
    await bank.close()
    assert (await bank.read()).realised_today == -6
    bank.now = end - timedelta(seconds=1)
    assert (await bank.read(timedelta())).realised_today == -6
    bank.now = end
    money = await bank.read(timedelta())
    assert (money.realised_today, money.difference) == (0, 0)


async def test_money_paid_in_is_expected_and_no_profit(bank: Bank) -> None:
    await bank.read()
    bank.simulator.book.account.earn("", "TRANSFER", Decimal(500), round(bank.seconds() * 1000))
    money = await bank.read()
    assert (money.balance, money.difference, money.realised_today) == (10_000_500, 0, 0)


async def test_money_that_nobody_told_of_is_missed_until_a_person_has_looked(bank: Bank) -> None:
    await bank.read()
    bank.simulator.book.account.balance -= 7
    assert (await bank.read()).difference == -7
    bank.restart()
    assert (await bank.read()).difference == -7
    bank.now += timedelta(days=2)
    await bank.read()
    assert (await bank.read()).difference == -7
    assert bank.gauge("balance_difference_usdt") == -7.0


async def test_what_the_exchange_tells_late_is_still_counted(bank: Bank) -> None:
    await bank.read()
    account = bank.simulator.book.account
    await bank.open()
    told = [account.income.pop() for _ in range(len(account.income))]
    bank.now += LATE - timedelta(minutes=1)
    assert (await bank.read()).difference == -3
    account.income.extend(told)
    money = await bank.read()
    assert (money.difference, money.realised_today) == (0, -3)


async def test_the_exchanges_clock_says_what_day_it_is(bank: Bank) -> None:
    await bank.open()
    await bank.close()
    bank.now = MIDNIGHT + timedelta(days=1) - timedelta(seconds=10)
    bank.desk.clock_offset = 5.0
    assert (await bank.read(timedelta())).realised_today == -6
    bank.desk.clock_offset = 10.0
    assert (await bank.read(timedelta(seconds=0.001))).realised_today == 0


@pytest.mark.parametrize("asset", ["USDT", "VST"])
async def test_play_money_may_go_by_either_name(bank: Bank, asset: str) -> None:
    bank.simulator.book.switches = parse(bank.simulator.book.switches, {"asset": asset})
    await bank.open()
    money = await bank.read()
    assert (money.realised_today, money.difference) == (-3, 0)


async def test_without_its_asset_nothing_is_measured(bank: Bank) -> None:
    bank.simulator.book.switches = parse(bank.simulator.book.switches, {"asset": "VST"})
    bank.desk.mode = Mode.LIVE
    with pytest.raises(TryAgain, match="no balance in USDT, but: VST, USDC"):
        await bank.read()
    assert (bank.desk.money, bank.gauge("equity_usdt")) == (None, None)


async def test_without_the_database_the_rest_is_measured(bank: Bank) -> None:
    bank.kept.fail = TryAgain("database: away")
    with pytest.raises(TryAgain, match="away"):
        await bank.read()
    assert bank.gauge("equity_usdt") == 10_000_000.0
    assert bank.gauge("balance_difference_usdt") is None
    await bank.open()
    bank.kept.fail = None
    await bank.read()
    assert (bank.desk.money.difference, bank.kept.anchor) == (0, (Decimal(10_000_000), MIDNIGHT))
    bank.kept.fail = TryAgain("database: away")
    await bank.close()
    assert (await bank.read()).difference == 0


async def test_a_database_that_comes_back_in_between_keeps_what_it_knew(bank: Bank) -> None:
    bank.kept = bank.desk.store = Kept((Decimal(10_000_007), MIDNIGHT), TryAgain("database: away"), True)
    with pytest.raises(TryAgain, match="away"):
        await bank.read()
    assert (await bank.read()).difference == -7
    assert bank.kept.anchor == (Decimal(10_000_007), MIDNIGHT)


async def test_another_accounts_database_is_let_be(bank: Bank) -> None:
    bank.kept.anchor = (Decimal(7), MIDNIGHT - timedelta(days=3))
    bank.desk.hedged = None
    for _ in range(2):
        assert (await bank.read()).difference is None
    assert bank.gauge("equity_usdt") == 10_000_000.0
    bank.kept.anchor = None
    await bank.read()
    assert bank.kept.anchor is None
    bank.desk.hedged = False
    await bank.read()
    assert bank.kept.anchor == (Decimal(10_000_000), MIDNIGHT)


async def test_what_cannot_be_carried_over_midnight_is_carried_later(bank: Bank) -> None:
    await bank.read()
    bank.now = MIDNIGHT + timedelta(days=1) + LATE
    bank.kept.fail = OutcomeUnknown("database: no answer")
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await bank.read()
        assert bank.gauge("balance_difference_usdt") == 0.0
    bank.kept.fail = None
    await bank.read()
    assert bank.kept.anchor == (Decimal(10_000_000), MIDNIGHT + timedelta(days=1))


async def test_answers_that_do_not_go_together_are_not_compared(bank: Bank) -> None:
    account = bank.desk.account = Moving(times=1)
    assert (await bank.read()).difference is None
    assert bank.kept.anchor is None
    assert (await bank.read()).difference == 0
    account.times = 1
    assert (await bank.read()).difference == 0
    account.balance -= 5
    assert (await bank.read()).difference == -5
    account.times = 1
    assert (await bank.read()).difference == -5


async def test_only_the_last_hour_is_asked_for_again(bank: Bank) -> None:
    account = bank.desk.account = Moving()
    await bank.read(timedelta())
    await bank.read(timedelta())
    bank.now += 3 * HOUR
    await bank.read(timedelta())
    assert [since for since, _ in account.asked] == [MIDNIGHT, NOON - LATE, NOON - LATE]
    assert all(until > bank.now - 4 * HOUR for _, until in account.asked)


async def test_an_asset_that_the_account_tells_of_is_shown_even_if_there_is_none(bank: Bank) -> None:
    bank.desk.account = Moving()
    await bank.read()
    assert bank.gauge("exchange_balance_btc") == 0.0
    assert bank.gauge("exchange_balance_btc_updated_timestamp_seconds") == bank.seconds()


@dataclass(slots=True, kw_only=True)
class Losing(FakeExchange):
    lost: Decimal

    async def balances(self) -> Sequence[Balance]:
        return [
            Balance(
                uid="1",
                asset="USDT",
                balance=Decimal(5000),
                equity=5000 - self.lost,
                unrealised=-self.lost,
                available=Decimal(4000),
                used=Decimal(1000),
            )
        ]


async def test_an_account_that_gets_known_in_the_middle_of_a_reading_overwrites_nothing(room: Room) -> None:
    class GetsKnown(Losing):
        async def income(self, since: datetime, until: datetime) -> Sequence[Income]:
            room.desk.hedged = True
            return []

    room.desk.account = GetsKnown(lost=Decimal(0))
    room.desk.hedged = None
    room.store.expected = (Decimal(5007), BEGAN)
    read = read_money(Day(timezone=ZoneInfo("UTC"), loss_limit=Decimal(1000)))
    await read(room.desk)
    assert room.store.expected == (Decimal(5007), BEGAN)
    await read(room.desk)
    assert room.desk.money is not None
    assert room.desk.money.difference == -7


async def test_at_the_limit_of_the_day_entries_end_until_a_person_opens_again(room: Room) -> None:
    account = room.desk.account = Losing(lost=Decimal("999.99"))
    read = read_money(Day(timezone=ZoneInfo("UTC"), loss_limit=Decimal(1000)))
    await read(room.desk)
    assert room.desk.level() is Level.OPEN
    account.lost = Decimal("1000.00")
    await read(room.desk)
    switch = room.desk.switch
    assert switch is not None
    assert (switch.level, switch.who) == (Level.CANCEL_ENTRIES, "the daily loss limit")
    assert switch.reason == "today's loss of 1000.00 USDT has reached the limit of 1000"
    assert room.store.switches[-1].level is Level.CANCEL_ENTRIES
    account.lost = Decimal(0)
    await read(room.desk)
    assert room.desk.level() is Level.CANCEL_ENTRIES
    _, row = await room.send()
    assert (row.reason or "").startswith("halted: today's loss")
