"""The answer of /status as a page for a terminal; pure."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

WIDEST = 44  # characters of a cell: messages come from outside and may be long
Told = Mapping[str, Any]

_POSITIONS: Mapping[str, Callable[[Told], object]] = {
    "symbol": lambda each: each["symbol"],
    "side": lambda each: each["side"],
    "quantity": lambda each: each["quantity"],
    "not ours": lambda each: each["foreign_quantity"] if float(each["foreign_quantity"]) else None,
    "entry": lambda each: each["entry_price"],
    "price": lambda each: each["mark_price"],
    "stops": lambda each: " ".join(each["stops"]) or "NONE",
    "covered": lambda each: each["covered_quantity"],
    "to liquidation": lambda each: _percent(each["liquidation_distance_percent"]),
    "profit": lambda each: _short(each["unrealised_usdt"]),
}
_ENTRIES: Mapping[str, Callable[[Told], object]] = {
    "symbol": lambda each: each["symbol"],
    "side": lambda each: each["side"],
    "quantity": lambda each: each["quantity"],
    "filled": lambda each: each["filled_quantity"],
    "price": lambda each: each["price"],
    "stop": lambda each: each["stop"],
    "expires in": lambda each: _seconds(each["expires_in_seconds"]),
    "id": lambda each: each["client_id"],
}
_UNKNOWN: Mapping[str, Callable[[Told], object]] = {
    **{name: _ENTRIES[name] for name in ("symbol", "side", "quantity", "price")},
    "for": lambda each: _seconds(each["age_seconds"]),
    "id": lambda each: each["client_id"],
}
_SIGNALS: Mapping[str, Callable[[Told], object]] = {
    "at": lambda each: each.get("created_at", "")[:19],
    "source": lambda each: each["source"],
    "message": lambda each: each["message"],
    "verdict": lambda each: each["verdict"],
    "why, or what became of it": lambda each: each["reason"] or (each["order"] or {}).get("state"),
}


def page(told: Told) -> str:
    parts = [_clean(told["summary"], limit=None), _facts(told)]
    for title, name, columns in (
        ("positions", "positions", _POSITIONS),
        ("resting entries", "entries", _ENTRIES),
        ("orders of unknown outcome", "unknown", _UNKNOWN),
        ("last signals", "signals", _SIGNALS),
    ):
        if told[name]:
            parts.append(f"{title}\n{_table(told[name], columns)}")
    return "\n\n".join(parts)


def _facts(told: Told) -> str:
    facts = {
        "switch": _switch(told["switch"]),
        "control directory": _control(told["switch"]),
        "money": _money(told["money"]),
        "account": _account(told["reconciliation"]),
        "orders": _counts(told["orders"]),
        "not well": "; ".join(each["reason"] for each in told["health"]["checks"].values() if not each["ok"]),
        "ban": _ban(told["ban_seconds"]),
        "notices": _notices(told["notices"]),
        "telegram": _telegram(told["telegram"]),
        "clock": _clock(told["clock_offset_seconds"]),
        "version": f"{told['version']}, config {told['config_hash']}, mode {told['mode']}",
    }
    width = max(map(len, facts))
    return "\n".join(f"{name:{width}}  {_clean(text, limit=None)}" for name, text in facts.items() if text)


def _switch(switch: Told) -> str:
    parts = [f"level {switch['level']}, {switch['meaning']}: {switch['reason']}, by {switch['who']}"]
    parts += [f"since {switch['since']}"] if switch["since"] else []
    parts += [] if switch["kept"] else ["not in the database"]
    if not switch["level"] and switch["size_factor"] != "1":
        parts.append(f"quantities times {switch['size_factor']}")
    if not switch["level"] and switch["symbols"]:
        parts.append(f"only {', '.join(switch['symbols'])}")
    return "; ".join(parts)


def _control(switch: Told) -> str:
    return f"HALT file: {switch['halt_file']}" if switch["halt_file"] else str(switch["control_directory"])


def _money(money: Told | None) -> str:
    if money is None:
        return "not read yet"
    parts = [
        f"equity {_cents(money['equity_usdt'])} USDT",
        f"lost today {_cents(money['loss_today_usdt'])} of at most {_short(money['loss_limit_usdt'])}",
        f"read {_seconds(money['age_seconds'])} ago",
    ]
    # The exchange rounds what it tells: less than a cent is no difference.
    if (difference := _cents(money["difference_usdt"] or "0")) not in ("0", "-0"):
        parts.append(f"differs from what it should be by {difference}")
    return ", ".join(parts)


def _account(told: Told | None) -> str:
    if told is None:
        return "not looked at yet"
    found = [f"{name} {count}" for name, count in told["differences"].items() if count]
    return f"looked at {_seconds(told['age_seconds'])} ago; differences: {', '.join(found) or 'none'}"


def _counts(orders: Told | None) -> str:
    if orders is None:
        return "the database does not answer"
    return ", ".join(f"{count} {state}" for state, count in orders.items() if count) or "none yet"


def _ban(seconds: float) -> str:
    return f"the exchange refuses some calls for another {_seconds(seconds)}" if seconds else ""


def _notices(notices: Told) -> str:
    failing = [f"{what}: {why}" for what, why in notices["failing"].items()]
    return "; ".join([f"{notices['told']}, {notices['waiting']} waiting", *failing])


def _telegram(telegram: Told | None) -> str:
    if telegram is None:
        return "off: no channel is read"
    parts = [] if telegram["connected"] else [telegram["reason"]]
    for name, channel in telegram["channels"].items():
        silent = channel["silent_seconds"]
        since = "nothing read yet" if silent is None else f"silent for {_seconds(silent)}"
        parts.append(f"{name} {channel['trouble'] or since}")
    return "; ".join(parts)


def _clock(offset: float | None) -> str:
    return "" if offset is None else f"the exchange's is {offset:+.3f} s from ours"


def _table(rows: Sequence[Told], columns: Mapping[str, Callable[[Told], object]]) -> str:
    cells = [list(columns), *([_clean(show(row)) for show in columns.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _clean(value: object, limit: int | None = WIDEST) -> str:
    """What somebody else wrote must not steer the terminal."""
    text = "-" if value is None else str(value)
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return shown if limit is None or len(shown) <= limit else f"{shown[: limit - 1]}…"


def _short(amount: str) -> str:
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


def _cents(amount: str) -> str:
    return _short(f"{Decimal(amount):.2f}")


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:g} %"


def _seconds(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.0f} s" if abs(value) < 120 else f"{value / 60:.0f} min"
