"""What has to hold after a recovery, by the exchange's book and the database's rows, past the bot's eyes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg2
from psycopg2.extras import RealDictCursor

CLOSING_ID = re.compile(r"tws[0-9a-f]{30}x")
ORDERS = """SELECT s.message_id AS message, s.verdict, o.client_id, o.state, o.filled_quantity AS filled,
        o.stop, o.source, o.closed_at IS NOT NULL AS is_closed, o.targets, o.symbol, o.side
    FROM signals s LEFT JOIN orders o ON o.signal_id = s.id ORDER BY s.id"""
RESTS = {"PENDING", "PARTIALLY_FILLED"}
AT_EXCHANGE = {"filled": {"FILLED"}, "cancelled": {"CANCELLED", "CANCELED"}, "pending": RESTS}
STOP, TARGET = "STOP_MARKET", "TAKE_PROFIT_MARKET"
UNDECIDED = ("intent", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    message: str
    verdict: str
    client_id: str | None
    state: str | None
    filled: Decimal
    stop: Decimal
    source: str
    is_closed: bool
    targets: Sequence[Decimal]
    symbol: str
    side: str

    @property
    def rests(self) -> bool:
        return self.state == "pending"

    @property
    def key(self) -> tuple[str, str]:
        return self.symbol, "LONG" if self.side == "BUY" else "SHORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Both books at one moment."""

    rows: Sequence[Row]
    sent: Sequence[Mapping[str, Any]]
    account: Mapping[str, Any]

    @property
    def entries(self) -> list[Mapping[str, Any]]:
        return [each for each in self.sent if each["type"] == "LIMIT"]

    def guards(self, position: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
        """The orders of that type that would end the position."""
        closing = "SELL" if position["positionSide"] == "LONG" else "BUY"
        sides = (position["positionSide"], "BOTH")
        return [
            each
            for each in self.account["open_orders"]
            if (each["symbol"], each["type"], each["side"]) == (position["symbol"], kind, closing)
            and each["positionSide"] in sides
        ]

    def covered(self, position: Mapping[str, Any]) -> Decimal:
        """A stop without a quantity is for the whole position."""
        stops = self.guards(position, STOP)
        if any(not Decimal(each["origQty"]) for each in stops):
            return abs(Decimal(position["positionAmt"]))
        return _left(stops)


def rows(dsn: str) -> list[Row]:
    return [Row(**found) for found in _asked(dsn, ORDERS)]


def holder(dsn: str) -> str:
    """Of the lease, as a bot left it; empty if none ever had it."""
    [lease] = _asked(dsn, "SELECT holder FROM lease")
    return "" if lease["holder"] == "nobody" else str(lease["holder"])


def _asked(dsn: str, statement: str) -> list[dict[str, Any]]:
    connection = psycopg2.connect(dsn, cursor_factory=RealDictCursor)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [dict(found) for found in cursor.fetchall()]
    finally:
        connection.close()


def always(scene: Scene) -> Iterator[str]:
    """From the first moment after a recovery on."""
    ours = {row.client_id: row for row in scene.rows if row.client_id}
    ids = [each["clientOrderId"] for each in scene.entries]
    for name in ids:
        if name not in ours:
            yield f"the exchange has an entry {name or 'without id'} that no signal led to"
        if ids.count(name) > 1:
            yield f"two entries with the id {name}"
    accepted = [row for row in scene.rows if row.verdict == "accepted" and row.source != "adopted"]
    if len(ids) > len(accepted):
        yield f"{len(ids)} entries at the exchange for {len(accepted)} accepted signals"
    for row in scene.rows:
        if (row.verdict == "accepted") != (row.client_id is not None):
            yield f"message {row.message} is {row.verdict}, and its order is {row.client_id}"
    for each in scene.sent:
        name = each["clientOrderId"]
        if name and each["type"] != "LIMIT" and not CLOSING_ID.fullmatch(name):
            yield f"a {each['type']} order with the id {name}"


def settled(scene: Scene, foreign: Decimal) -> Iterator[str]:
    """Once the next bot has looked for a while; `foreign` is how much a person holds."""
    found = {each["clientOrderId"]: each for each in scene.entries}
    for row in scene.rows:
        if row.client_id and row.source != "adopted":
            yield from _agrees(row, found.get(row.client_id))
    for position in scene.account["positions"]:
        yield from _is_covered(scene, position, foreign)


def _agrees(row: Row, order: Mapping[str, Any] | None) -> Iterator[str]:
    told = f"the order of message {row.message} is {row.state}, filled {row.filled}"
    if row.state in UNDECIDED:
        yield told
    elif row.state not in AT_EXCHANGE:
        if order is not None:
            yield f"{told}, but the exchange has it: {order['status']}"
    elif order is None:
        yield f"{told}, but the exchange never had it"
    elif order["status"] not in AT_EXCHANGE[row.state or ""] or Decimal(order["executedQty"]) != row.filled:
        yield f"{told}, but the exchange says {order['status']}, filled {order['executedQty']}"


def _is_covered(scene: Scene, position: Mapping[str, Any], foreign: Decimal) -> Iterator[str]:
    held = abs(Decimal(position["positionAmt"]))
    key = (position["symbol"], position["positionSide"])
    mine = [row for row in scene.rows if row.client_id and row.key == key]
    trades = [row for row in mine if row.filled and not row.is_closed]
    told, ours = f"{position['symbol']} {position['positionSide']} {held}", held - foreign
    if ours > sum(row.filled for row in trades):
        yield f"{told}: our orders account for {sum(row.filled for row in trades)}"
    stops, covered = scene.guards(position, STOP), scene.covered(position)
    if not ours <= covered <= held:
        yield f"{told}: its stops cover {covered}"
    if wrong := _triggers(stops) - {row.stop for row in trades}:
        yield f"{told}: stops at {sorted(wrong)}, which no signal says"
    targets, entering = scene.guards(position, TARGET), any(row.rests for row in mine)
    if wrong := _triggers(targets) - {target for row in trades for target in row.targets}:
        yield f"{told}: targets at {sorted(wrong)}, which no signal says"
    if not entering and all(row.targets for row in trades) and _left(targets) != ours:
        yield f"{told}: its targets are for {_left(targets)}"


def _triggers(orders: Sequence[Mapping[str, Any]]) -> set[Decimal]:
    return {Decimal(each["stopPrice"]) for each in orders}


def _left(orders: Sequence[Mapping[str, Any]]) -> Decimal:
    return sum((Decimal(each["origQty"]) - Decimal(each["executedQty"]) for each in orders), Decimal(0))


def ended(scene: Scene) -> Iterator[str]:
    """After prices took every position to its stop."""
    for position in scene.account["positions"]:
        yield f"still open: {position['symbol']} {position['positionSide']} {position['positionAmt']}"
    for order in scene.account["open_orders"]:
        yield f"left over: {order['symbol']} {order['type']} {order['origQty']} at {order['stopPrice']}"
    for row in scene.rows:
        if row.rests or row.state in UNDECIDED:
            yield f"the order of message {row.message} is {row.state} for ever"
        elif row.filled and not row.is_closed:
            yield f"the trade of message {row.message} was never closed"
