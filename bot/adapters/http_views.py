"""Domain values as the JSON that people read."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.desk import Desk, is_ready
from bot.domain.health import Check
from bot.domain.money import plain
from bot.domain.order import Order
from bot.domain.plan import Plan
from bot.domain.signal import Signal
from bot.intake import Decision
from bot.ports import SignalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What does not change while the bot runs."""

    version: str
    config_hash: str
    sources: Sequence[str]
    admin_token: str | None
    overview: dict[str, Any] | None = None  # for GET /config, if that is on


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
        "targets": [plain(target) for target in each.targets],
        "state": each.state.value,
        "reason": each.reason,
        "filled_quantity": plain(each.filled_quantity),
        "average_price": plain_or_none(each.average_price),
    }


def decision(each: Decision) -> dict[str, Any]:
    """What the message was read as, too: so one sees at which step it ended."""
    return {
        "verdict": each.verdict.value,
        "reason": each.reason,
        "signal": reading(each.reading) if isinstance(each.reading, Signal) else None,
        "plan": plan(each.plan) if each.plan else None,
    }


def reading(each: Signal) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "side": each.side.value,
        "quantity": plain_or_none(each.quantity),
        "entries": [plain(entry) for entry in each.entries],
        "stop": plain_or_none(each.stop),
        "targets": [plain(target) for target in each.targets],
        "leverage": each.leverage,
        "margin_mode": each.margin_mode.value if each.margin_mode else None,
    }


def plan(each: Plan) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "side": each.side.value,
        "type": "LIMIT",
        "quantity": plain(each.quantity),
        "price": plain(each.price),
        "stop": plain(each.stop),
        "targets": [plain(target) for target in each.targets],
        "leverage": each.leverage,
        "notional_usdt": plain(each.notional),
    }


def plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
