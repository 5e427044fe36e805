"""The SQL of the order store, and rows to domain values and back."""

from collections.abc import Sequence
from typing import Any

from bot.domain.order import Order, State
from bot.domain.signal import Side
from bot.ports import Incoming, SignalRow, Verdict

# One statement, so one round trip and one commit: no order without its signal, no signal without its verdict.
# Nothing comes back for a message that is already there.
PREPARE = """
PREPARE admit (text, text, text, text, text, text,
               text, text, text, numeric, numeric, numeric) AS
WITH signal AS (
    INSERT INTO signals (source, chat, message_id, message, verdict, reason)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (source, chat, message_id) DO NOTHING
    RETURNING id
), intent AS (
    INSERT INTO orders (signal_id, source, client_id, symbol, side, quantity, price, stop, state)
    SELECT id, $1, $7, $8, $9, $10, $11, $12, 'intent' FROM signal WHERE $7 IS NOT NULL
)
SELECT id FROM signal;

PREPARE save (text, text, text, text, text, numeric, numeric) AS
UPDATE orders
SET state = $3, reason = $4, exchange_id = $5, filled_quantity = $6, average_price = $7, updated_at = now()
WHERE client_id = $1 AND state = $2
RETURNING id
"""
ADMIT = "EXECUTE admit (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
SAVE = "EXECUTE save (%s, %s, %s, %s, %s, %s, %s)"

_ORDER = """o.client_id, o.source, o.symbol, o.side, o.quantity, o.price, o.stop, o.state, o.reason,
    o.exchange_id, o.filled_quantity, o.average_price, o.created_at"""
_SIGNAL = f"""SELECT s.source, s.chat, s.message_id, s.message, s.verdict, s.reason, s.created_at, {_ORDER}
    FROM signals s LEFT JOIN orders o ON o.signal_id = s.id"""
FIND = f"{_SIGNAL} WHERE s.source = %s AND s.chat = %s AND s.message_id = %s"
LATEST = f"{_SIGNAL} ORDER BY s.created_at DESC, s.id DESC LIMIT %s"
UNSETTLED = f"""SELECT {_ORDER} FROM orders o
    WHERE o.state IN ('intent', 'unknown', 'pending') ORDER BY o.id"""
COUNTS = "SELECT state, count(*) FROM orders GROUP BY state"

FAILED_IN_A_ROW = """SELECT count(*) FROM orders WHERE state IN ('rejected', 'not_sent') AND id > coalesce(
    (SELECT id FROM orders WHERE state IN ('pending', 'filled', 'cancelled') ORDER BY id DESC LIMIT 1), 0)"""


def admission(row: SignalRow) -> Sequence[Any]:
    told, order = row.incoming, row.order
    signal = (told.source, told.chat, told.message_id, told.text, row.verdict.value, row.reason)
    if order is None:
        return (*signal, *[None] * 6)
    planned = (order.symbol, order.side.value, order.quantity, order.price, order.stop)
    return (*signal, order.client_id, *planned)


def change(order: Order, was: State) -> Sequence[Any]:
    filled = (order.filled_quantity, order.average_price)
    return (order.client_id, was.value, order.state.value, order.reason, order.exchange_id, *filled)


def order_of(row: Sequence[Any]) -> Order:
    return Order(
        client_id=row[0],
        source=row[1],
        symbol=row[2],
        side=Side(row[3]),
        quantity=row[4],
        price=row[5],
        stop=row[6],
        state=State(row[7]),
        reason=row[8],
        exchange_id=row[9],
        filled_quantity=row[10],
        average_price=row[11],
        created_at=row[12],
    )


def signal_of(row: Sequence[Any]) -> SignalRow:
    return SignalRow(
        incoming=Incoming(source=row[0], chat=row[1], message_id=row[2], text=row[3]),
        verdict=Verdict(row[4]),
        reason=row[5],
        created_at=row[6],
        order=order_of(row[7:]) if row[7] is not None else None,
    )
