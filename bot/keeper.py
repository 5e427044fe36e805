"""One look at the account after the other: what is not as it should be is put right, whatever went before.

A look concludes from what is there, never from what an earlier one did: a crash at any point loses nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import notices
from bot.attempts import raise_first, tried
from bot.desk import Desk
from bot.domain import health
from bot.domain.account import ExchangeOrder, Position
from bot.domain.order import UNPLACED
from bot.domain.picture import Picture, draw
from bot.entries import cancel_entries, settle_orders
from bot.ports import StopTrading, TryAgain
from bot.positions import close_trades, keep_positions


async def look(desk: Desk) -> None:
    """Raises the first failure, after everything else was done that does not need what failed."""
    failures = [await tried(_read_live, desk)]
    account = Account()
    failures.append(await tried(_read_account, desk, account))
    if not desk.follows:
        failures.append(await tried(settle_orders, desk, account.orders))
    if account.read_at:
        # Drawn now, since what was settled just now belongs to it.
        desk.picture = _drawn(desk, account, account.read_at)
        _show(desk, desk.picture)
    if not desk.follows:
        failures += await _put_right(desk, desk.picture if account.read_at else None)
    raise_first(failures)


async def _put_right(desk: Desk, picture: Picture | None) -> list[Exception | None]:
    """At once, because a cancel that is not answered must keep no position waiting for its stop."""
    steps = [tried(cancel_entries, desk)]
    if picture:
        steps.append(tried(keep_positions, desk, picture))
    failures = await asyncio.gather(*steps)
    if picture:
        failures.append(await tried(close_trades, desk, picture))
    return failures


@dataclass(slots=True, kw_only=True)
class Account:
    """The answers of one look, and when it asked."""

    asked_at: float = 0.0
    read_at: datetime | None = None
    positions: Sequence[Position] = ()
    orders: Sequence[ExchangeOrder] = ()


async def _read_live(desk: Desk) -> None:
    """What the database says, but for orders that changed here while it was asked."""
    desk.touched.clear()
    stored = {order.client_id: order for order in await desk.store.live()}
    newer = {name: desk.live[name] for name in desk.touched | desk.sends.keys() if name in desk.live}
    desk.live = stored | newer
    desk.absent_since = {name: seen for name, seen in desk.absent_since.items() if name in desk.live}
    desk.missing &= desk.live.keys()
    now = desk.wall()
    waiting = [order.created_at for order in stored.values() if order.state in UNPLACED]
    oldest = min((created for created in waiting if created), default=now)
    desk.metrics.signals_unfinished_age_seconds.set(max(0.0, (now - oldest).total_seconds()))
    desk.metrics.signals_unfinished_age_seconds_updated_timestamp_seconds.set(now.timestamp())


async def _read_account(desk: Desk, account: Account) -> None:
    """Positions before orders: a stop that came with its position is then listed if the position is."""
    desk.filled_before = {each.client_id for each in desk.live.values() if each.filled_quantity > 0}
    account.asked_at, read_at = desk.clock(), desk.wall()
    try:
        positions = await desk.account.positions()
        orders = await desk.account.open_orders()
    except (TryAgain, StopTrading) as error:
        desk.checks["account"] = health.failed(desk.checks["account"], str(error), desk.clock())
        raise
    account.positions, account.orders, account.read_at = positions, orders, read_at
    desk.checks["account"] = health.passed(desk.checks["account"], desk.clock())


def _show(desk: Desk, picture: Picture) -> None:
    """What the look found, for alerts."""
    metrics, read_at = desk.metrics, picture.read_at.timestamp()
    desk.uncovered_since = {
        each.key: desk.uncovered_since.get(each.key, picture.asked_at)
        for each in picture.holdings
        if each.uncovered
    }
    notices.looked(desk, picture)
    for state, count in picture.counts.items():
        metrics.positions.labels(state=state).set(count)
    metrics.positions_updated_timestamp_seconds.set(read_at)
    for kind, count in picture.differences.items():
        metrics.reconciliation_differences.labels(kind=kind).set(count)
    metrics.reconciliation_differences_updated_timestamp_seconds.set(read_at)
    metrics.position_liquidation_distance_ratio.clear()
    for symbol, distance in picture.liquidation_distances.items():
        metrics.position_liquidation_distance_ratio.labels(symbol=symbol).set(float(distance))


def _drawn(desk: Desk, account: Account, read_at: datetime) -> Picture:
    return draw(
        positions=account.positions,
        orders=account.orders,
        live=list(desk.live.values()),
        missing=desk.missing,
        before=desk.picture,
        contracts=desk.market.contracts,
        hedged=desk.hedged is not False,
        asked_at=account.asked_at,
        read_at=read_at,
        window=desk.pace.visibility_window,
    )
