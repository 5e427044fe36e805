"""The use case of knowing the money: the account as the exchange tells it, against what it should hold."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.desk import Desk
from bot.domain import health
from bot.domain.account import Balance
from bot.domain.ledger import (
    ASSETS,
    LATE,
    ZERO,
    Anchor,
    Book,
    Day,
    Money,
    carried,
    main_balance,
    moved,
    realised,
)
from bot.domain.money import plain
from bot.domain.risk import OLDEST_EQUITY
from bot.domain.switch import Level
from bot.ports import TryAgain
from bot.switching import halt

AHEAD = timedelta(minutes=1)  # asked beyond now, so that no clock hides what just moved


def read_money(day: Day) -> Callable[[Desk], Awaitable[None]]:
    async def read_money(desk: Desk) -> None:
        """Without an equity of late no entry has a size, so the bot is not ready then."""
        try:
            await measure(desk)
        finally:
            desk.checks["money"] = _checked(desk)

    async def measure(desk: Desk) -> None:
        """All of it into `desk.money` and the gauges, or nothing.

        A failing database leaves the difference alone as it was, and raises after the rest was measured.
        """
        identified = _is_identified(desk)  # it may become so while the exchange is asked
        anchor, trouble = await _anchor(desk) if identified else (None, None)
        now = desk.wall() + timedelta(seconds=desk.clock_offset or 0.0)
        midnight = day.began(now)
        money, stood_still = await _measured(desk, day, now, anchor)
        if anchor and stood_still:
            expected = anchor.amount + moved(money.book.rows, anchor.at)
            money = replace(money, difference=money.balance - expected)
        _show(desk, money)
        if money.loss_today >= money.loss_limit and desk.level() < Level.CANCEL_ENTRIES:
            await halt(desk, Level.CANCEL_ENTRIES, _over_limit(money), "the daily loss limit")
        if trouble:
            raise trouble
        if anchor is None and stood_still and identified:
            amount = money.balance - moved(money.book.rows, midnight)
            await _keep(desk, replace(money, difference=ZERO), Anchor(amount=amount, at=midnight))
        elif anchor and anchor.at < midnight <= now - LATE:
            await _keep(desk, money, carried(anchor, money.book.rows, midnight))

    return read_money


def _checked(desk: Desk) -> health.Check:
    check, now, money = desk.checks["money"], desk.clock(), desk.money
    if money and now - money.measured_at <= OLDEST_EQUITY:
        return health.passed(check, now)
    return health.failed(check, "the equity was not read lately", now)


def _over_limit(money: Money) -> str:
    return f"today's loss of {money.loss_today:.2f} USDT has reached the limit of {plain(money.loss_limit)}"


async def _anchor(desk: Desk) -> tuple[Anchor | None, TryAgain | None]:
    if desk.money and desk.money.anchor:
        return desk.money.anchor, None
    try:
        kept = await desk.store.expected_balance()
    except TryAgain as error:
        return None, error
    return (Anchor(amount=kept[0], at=kept[1]) if kept else None), None


def _is_identified(desk: Desk) -> bool:
    """What the database expects is of no account but its own."""
    return desk.hedged is not None


async def _measured(desk: Desk, day: Day, now: datetime, anchor: Anchor | None) -> tuple[Money, bool]:
    """Also whether no money moved between the questions, so that their answers go together."""
    midnight = day.began(now)
    first, _ = await _balances(desk)
    book = await _book(desk, midnight, now, anchor)
    main, bitcoin = await _balances(desk)
    money = Money(
        balance=main.balance,
        equity=main.equity,
        available=main.available,
        unrealised=main.unrealised,
        realised_today=realised(book.rows, midnight),
        btc=bitcoin,
        anchor=anchor,
        difference=desk.money.difference if desk.money else None,
        loss_limit=day.loss_limit,
        book=book,
        measured_at=desk.clock(),
    )
    return money, first.balance == main.balance


async def _balances(desk: Desk) -> tuple[Balance, Decimal]:
    """What is traded with, and the BTC; an asset that the account does not tell it does not hold."""
    told = await desk.account.balances()
    main = main_balance(desk.mode, told)
    if main is None:
        names = ", ".join(each.asset for each in told) or "none"
        raise TryAgain(f"the account tells no balance in {' or '.join(ASSETS[desk.mode])}, but: {names}")
    return main, sum((each.balance for each in told if each.asset == "BTC"), ZERO)


async def _book(desk: Desk, midnight: datetime, now: datetime, anchor: Anchor | None) -> Book:
    since = min(midnight, anchor.at) if anchor else midnight
    book = desk.money.book if desk.money else Book(since=since, until=since)
    told = await desk.account.income(book.ask_from(since), now + AHEAD)
    return book.told((row for row in told if row.asset in ASSETS[desk.mode]), since, now)


async def _keep(desk: Desk, money: Money, anchor: Anchor) -> None:
    await desk.store.expect_balance(anchor.amount, anchor.at)
    desk.log.info("balance to expect", amount=anchor.amount, at=anchor.at, difference=money.difference)
    _show(desk, replace(money, anchor=anchor))


def _show(desk: Desk, money: Money) -> None:
    desk.money = money
    metrics, at = desk.metrics, desk.wall().timestamp()
    metrics.exchange_balance_usdt.set(float(money.balance))
    metrics.exchange_balance_usdt_updated_timestamp_seconds.set(at)
    metrics.exchange_balance_btc.set(float(money.btc))
    metrics.exchange_balance_btc_updated_timestamp_seconds.set(at)
    metrics.equity_usdt.set(float(money.equity))
    metrics.equity_usdt_updated_timestamp_seconds.set(at)
    metrics.unrealised_pnl_usdt.set(float(money.unrealised))
    metrics.realised_pnl_today_usdt.set(float(money.realised_today))
    metrics.daily_loss_usdt.set(float(money.loss_today))
    metrics.daily_loss_limit_usdt.set(float(money.loss_limit))
    if money.difference is not None:
        metrics.balance_difference_usdt.set(float(money.difference))
