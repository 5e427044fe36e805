"""What /status answers: one sentence first, then all that the bot knows of itself and of the account."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.adapters.http_hearing import telegram, troubles
from bot.adapters.http_views import About, health, order, plain_or_none, signal
from bot.desk import Desk, is_ready
from bot.domain.money import plain
from bot.domain.order import Order, State
from bot.domain.protection import STOPS, Holding, covered
from bot.domain.switch import MEANING, Level
from bot.notices import state
from bot.ports import SignalRow


def status(
    desk: Desk, about: About, now: datetime, counts: Mapping[State, int] | None, rows: Sequence[SignalRow]
) -> dict[str, Any]:
    """`counts` is None while the database does not answer."""
    closed = desk.closed()
    orders = {state.value: counts.get(state, 0) for state in State} if counts is not None else None
    return {
        "summary": _summary(desk, counts is not None),
        "mode": desk.mode.value,
        "switch": switch(desk),
        "accepts_orders": is_ready(desk) and not closed,
        "closed_because": closed or None,
        "money": _money(desk),
        "positions": [_position(each) for each in desk.picture.holdings] if desk.picture else None,
        "entries": [_entry(each, now) for each in _in(desk, State.PENDING)],
        "unknown": [_aged(each, now) for each in _in(desk, State.UNKNOWN)],
        "orders": orders,
        "signals": [signal(row) for row in rows],
        "reconciliation": _reconciliation(desk, now),
        "health": health(desk),
        "telegram": telegram(desk, now),
        "notices": state(desk),
        "lease": {"held": desk.holds_lease(), "epoch": desk.epoch},
        "clock_offset_seconds": desk.clock_offset,
        "ban_seconds": round(desk.account.banned_for(), 1),
        "version": about.version,
        "config_hash": about.config_hash,
    }


def switch(desk: Desk) -> dict[str, Any]:
    """The strictest of all that closes, and who closed it."""
    level, row, halt = desk.level(), desk.switch, desk.control.read()
    if row and row.level is level:
        said = {
            "reason": row.reason,
            "who": row.who,
            "since": _time(row.changed_at),
            "kept": desk.switch_kept,
        }
    elif halt and halt.level is level:
        said = {"reason": halt.reason, "who": "control directory", "since": None, "kept": halt.written}
    else:
        why = desk.closed().removeprefix("halted: ")
        said = {"reason": why, "who": "the bot", "since": None, "kept": False}
    return {
        "level": int(level),
        "meaning": MEANING[level],
        **said,
        "halt_file": halt.reason if halt and halt.written else None,
        "control_directory": halt.reason if halt and not halt.written else "ok",
        "trading_enabled": desk.trading_enabled,
        "size_factor": plain(row.size_factor) if row else None,
        "symbols": row.symbols if row else None,
    }


def _summary(desk: Desk, is_read: bool) -> str:
    parts = ["ready" if is_ready(desk) else "not ready", _trading(desk)]
    parts += dict.fromkeys(check.reason for check in desk.checks.values() if not check.ok)
    parts += troubles(desk)
    unknown = len(_in(desk, State.UNKNOWN))
    if unknown:
        parts.append(f"{_number(unknown, 'order')} of unknown outcome")
    if bare := [each for each in desk.picture.holdings if each.uncovered] if desk.picture else []:
        parts.append(f"{_number(len(bare), 'position')} WITHOUT A STOP")
    if not is_read:
        parts.append("the database does not answer")
    return f"The bot in {desk.mode} mode: {'; '.join(parts)}."


def _trading(desk: Desk) -> str:
    level, closed = desk.level(), desk.closed()
    if level is Level.OPEN:
        if closed:
            return f"places no orders ({closed})"
        if not is_ready(desk):
            return "cannot place orders"
        return "places orders" if not desk.failed_in_a_row else _failing(desk.failed_in_a_row)
    held = switch(desk)
    return (
        f"HALTED at level {level:d} by {held['who']} ({held['reason']}): no new entries, {_left(desk, level)}"
    )


def _left(desk: Desk, level: Level) -> str:
    """What becomes of the rest, and how much of it there is."""
    resting = len(_in(desk, State.PENDING))
    entries = f"those that rest are cancelled, {resting} left"
    if level is Level.NO_ENTRIES:
        entries = f"{resting} that {'rests' if resting == 1 else 'rest'} may still be filled"
    if level is not Level.FLATTEN:
        return f"{entries}, positions keep their stops"
    count = "how many are left is not known" if desk.picture is None else f"{len(desk.picture.holdings)} left"
    return f"{entries}, positions are closed, {count}"


def _failing(count: int) -> str:
    return f"places orders, but the latest {'one' if count == 1 else count} failed"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _money(desk: Desk) -> dict[str, Any] | None:
    held = desk.money
    if held is None:
        return None
    return {
        "balance_usdt": plain(held.balance),
        "equity_usdt": plain(held.equity),
        "unrealised_usdt": plain(held.unrealised),
        "realised_today_usdt": plain(held.realised_today),
        "loss_today_usdt": plain(held.loss_today),
        "loss_limit_usdt": plain(held.loss_limit),
        "difference_usdt": plain_or_none(held.difference),
        "age_seconds": round(desk.clock() - held.measured_at, 1),
    }


def _position(holding: Holding) -> dict[str, Any]:
    position = holding.position
    stops = [each.trigger for each in holding.guards if each.type in STOPS and each.trigger is not None]
    distance = position.liquidation_distance
    return {
        "symbol": position.symbol,
        "side": "long" if position.is_long else "short",
        "quantity": plain(position.quantity),
        "foreign_quantity": plain(holding.foreign),
        "entry_price": plain(position.entry_price),
        "mark_price": plain_or_none(position.mark_price),
        "stops": [plain(each) for each in sorted(stops)],
        "covered_quantity": plain(min(position.quantity, covered(position, holding.guards))),
        "uncovered_quantity": plain(holding.uncovered),
        "liquidation_price": plain_or_none(position.liquidation_price),
        "liquidation_distance_percent": None if distance is None else round(float(distance) * 100, 2),
        "leverage": position.leverage,
        "unrealised_usdt": plain(position.unrealised),
    }


def _entry(each: Order, now: datetime) -> dict[str, Any]:
    left = None if each.expires_at is None else round((each.expires_at - now).total_seconds(), 1)
    return {**order(each), "expires_at": _time(each.expires_at), "expires_in_seconds": left}


def _aged(each: Order, now: datetime) -> dict[str, Any]:
    age = None if each.created_at is None else round((now - each.created_at).total_seconds(), 1)
    return {**order(each), "age_seconds": age}


def _reconciliation(desk: Desk, now: datetime) -> dict[str, Any] | None:
    if desk.picture is None:
        return None
    return {
        "read_at": _time(desk.picture.read_at),
        "age_seconds": round((now - desk.picture.read_at).total_seconds(), 1),
        "differences": dict(desk.picture.differences),
    }


def _in(desk: Desk, state: State) -> list[Order]:
    """From memory, so that it is known while the database is not."""
    return [each for each in desk.live.values() if each.state is state]


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="seconds")
