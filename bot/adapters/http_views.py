"""Domain values as the JSON that people read: what /health, /status and /debug/signal answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.desk import Desk, is_ready
from bot.domain.health import Check
from bot.domain.money import plain
from bot.domain.order import Order, State
from bot.domain.plan import Plan
from bot.ports import SignalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What does not change while the bot runs."""

    version: str
    config_hash: str
    sources: Sequence[str]
    admin_token: str | None


def health(desk: Desk) -> dict[str, Any]:
    now = desk.clock()
    ready = is_ready(desk)
    return {
        "status": "ok" if ready else "not ready",
        "ready": ready,
        "checks": {name: _check(check, now) for name, check in desk.checks.items()},
        **({"stopped": desk.stopped} if desk.stopped else {}),
    }


def _check(check: Check, now: float) -> dict[str, Any]:
    return {
        "ok": check.ok,
        "reason": check.reason,
        "for_seconds": round(now - check.since, 1),
        "checked_seconds_ago": round(now - check.checked, 1),
    }


def status(
    desk: Desk,
    about: About,
    now: datetime,
    counts: Mapping[State, int] | None,
    rows: Sequence[SignalRow],
    unknown: Sequence[Order],
) -> dict[str, Any]:
    closed = desk.closed()
    return {
        "summary": _summary(desk, len(unknown) if counts is not None else None),
        "mode": desk.mode.value,
        "trading_enabled": desk.trading_enabled,
        "accepts_orders": not closed,
        "closed_because": closed or None,
        "health": health(desk),
        "orders": {state.value: counts.get(state, 0) for state in State} if counts is not None else None,
        "unknown": [{**order(each), "age_seconds": _age(each.created_at, now)} for each in unknown],
        "signals": [signal(row) for row in rows],
        "clock_offset_seconds": desk.clock_offset,
        "version": about.version,
        "config_hash": about.config_hash,
    }


def _summary(desk: Desk, unknown: int | None) -> str:
    parts = ["ready" if is_ready(desk) else "not ready"]
    parts += [check.reason for check in desk.checks.values() if not check.ok]
    closed = desk.closed()
    if closed:
        parts.append(f"places no orders ({closed})")
    elif is_ready(desk):
        parts.append("places orders" if not desk.failed_in_a_row else _failing(desk.failed_in_a_row))
    if unknown:
        parts.append(f"{unknown} order{'s' if unknown > 1 else ''} of unknown outcome")
    if unknown is None:
        parts.append("orders cannot be read")
    return f"The bot in {desk.mode} mode: {', '.join(parts)}."


def _failing(count: int) -> str:
    return "the latest order failed" if count == 1 else f"the latest {count} orders failed"


def _age(then: datetime | None, now: datetime) -> float | None:
    return None if then is None else round((now - then).total_seconds(), 1)


def signal(row: SignalRow) -> dict[str, Any]:
    told = row.incoming
    return {
        **({"created_at": row.created_at.isoformat()} if row.created_at else {}),
        "source": told.source,
        "chat": told.chat,
        "id": told.message_id,
        "message": told.text,
        "verdict": row.verdict.value,
        "reason": row.reason,
        "order": order(row.order) if row.order else None,
    }


def order(each: Order) -> dict[str, Any]:
    return {
        "client_id": each.client_id,
        "exchange_id": each.exchange_id,
        "symbol": each.symbol,
        "side": each.side.value,
        "quantity": plain(each.quantity),
        "price": plain(each.price),
        "stop": plain(each.stop),
        "state": each.state.value,
        "reason": each.reason,
        "filled_quantity": plain(each.filled_quantity),
        "average_price": _plain_or_none(each.average_price),
    }


def plan(each: Plan) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "side": each.side.value,
        "type": "LIMIT",
        "quantity": plain(each.quantity),
        "price": plain(each.price),
        "stop": plain(each.stop),
        "notional_usdt": plain(each.notional),
    }


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
