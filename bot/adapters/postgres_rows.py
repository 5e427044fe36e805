"""The SQL of the order store, and rows to domain values and back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.domain.mode import Mode
from bot.domain.order import Order, State
from bot.domain.reason import Verdict
from bot.domain.signal import Side, clean
from bot.domain.switch import Level, Switch
from bot.ports import Incoming, SignalRow

# One statement, so one round trip and one commit: no order without its signal, no signal without its verdict,
# and no order that the switch or the lease forbids. Nothing comes back for a message that is already there.
PREPARE = """
PREPARE admit (text, text, text, text, text, text, bigint,
               text, text, text, numeric, numeric, numeric, numeric[], integer, timestamptz) AS
WITH decided AS (
    SELECT CASE
        WHEN $5 <> 'accepted' THEN $6
        WHEN switch.level IS NULL THEN 'halted: the switch was never set'
        WHEN switch.level > 0
            THEN 'halted: ' || switch.reason || ' (level ' || switch.level || ', by ' || switch.who || ')'
        WHEN NOT EXISTS (SELECT FROM lease WHERE epoch = $7 AND until > now())
            THEN 'halted: the lease is not held'
    END AS reason
    FROM (SELECT) one LEFT JOIN (SELECT * FROM switch ORDER BY id DESC LIMIT 1) switch ON true
), signal AS (
    INSERT INTO signals (source, chat, message_id, message, verdict, reason)
    SELECT $1, $2, $3, $4, CASE WHEN $5 = 'accepted' AND reason IS NOT NULL THEN 'refused' ELSE $5 END, reason
    FROM decided
    ON CONFLICT (source, chat, message_id) DO NOTHING
    RETURNING id, created_at, verdict, reason
), intent AS (
    INSERT INTO orders (signal_id, source, lease_epoch, client_id, symbol, side, quantity, price, stop,
                        targets, leverage, expires_at, state)
    SELECT id, $1, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'intent' FROM signal
    WHERE verdict = 'accepted'
)
SELECT created_at, verdict, reason FROM signal;

PREPARE save (text, text, text, text, text, numeric, numeric, integer) AS
UPDATE orders
SET state = $3, reason = $4, exchange_id = $5, filled_quantity = $6, average_price = $7, leverage = $8,
    closed_at = CASE WHEN $6 > filled_quantity THEN NULL ELSE closed_at END, updated_at = now()
WHERE client_id = $1 AND state = $2
RETURNING id
"""
ADMIT = f"EXECUTE admit ({', '.join(['%s'] * 16)})"
SAVE = f"EXECUTE save ({', '.join(['%s'] * 8)})"

_ORDER = """o.client_id, o.source, o.symbol, o.side, o.quantity, o.price, o.stop, o.state, o.reason,
    o.exchange_id, o.filled_quantity, o.average_price, o.created_at, o.targets, o.leverage, o.expires_at"""
_SIGNAL = f"""SELECT s.source, s.chat, s.message_id, s.message, s.verdict, s.reason, s.created_at, {_ORDER}
    FROM signals s LEFT JOIN orders o ON o.signal_id = s.id"""
FIND = f"{_SIGNAL} WHERE s.source = %s AND s.chat = %s AND s.message_id = %s"
LATEST = f"{_SIGNAL} ORDER BY s.created_at DESC, s.id DESC LIMIT %s"
SIGNALS_BY_SOURCE = """SELECT source, count(*) FROM signals
    WHERE created_at > now() - interval '24 hours' GROUP BY source"""
# The index orders_live has the same condition.
LIVE = f"""SELECT {_ORDER} FROM orders o
    WHERE o.state IN ('intent', 'unknown', 'pending')
        OR (o.closed_at IS NULL AND (o.state = 'filled' OR o.filled_quantity > 0))
    ORDER BY o.id"""
CLOSE = """UPDATE orders SET closed_at = now(), updated_at = now()
    WHERE client_id = ANY(%s) AND closed_at IS NULL RETURNING id"""
ADOPT = """WITH signal AS (
        INSERT INTO signals (source, chat, message_id, message, verdict)
        VALUES (%(source)s, '', %(client_id)s, %(message)s, 'accepted')
        ON CONFLICT (source, chat, message_id) DO NOTHING
        RETURNING id
    )
    INSERT INTO orders (signal_id, source, client_id, symbol, side, quantity, price, stop, targets, leverage,
                        state, reason, exchange_id, filled_quantity, average_price)
    SELECT id, %(source)s, %(client_id)s, %(symbol)s, %(side)s, %(quantity)s, %(price)s, %(stop)s,
           %(targets)s::numeric[], %(leverage)s, %(state)s, %(reason)s, %(exchange_id)s,
           %(filled_quantity)s, %(average_price)s
    FROM signal RETURNING id"""
COUNTS = "SELECT state, count(*) FROM orders GROUP BY state"
FAILED_IN_A_ROW = """SELECT count(*) FROM orders WHERE state IN ('rejected', 'not_sent') AND id > coalesce(
    (SELECT id FROM orders WHERE state IN ('pending', 'filled', 'cancelled') ORDER BY id DESC LIMIT 1), 0)"""

READ_UP_TO = "SELECT chat, message_id FROM chats"
SET_READ_UP_TO = """INSERT INTO chats (chat, message_id) VALUES (%s, %s)
    ON CONFLICT (chat) DO UPDATE
    SET message_id = greatest(chats.message_id, excluded.message_id), updated_at = now()
    RETURNING message_id"""

_SWITCH = "level, reason, who, changed_at, size_factor, symbols"
SWITCH = f"SELECT {_SWITCH} FROM switch ORDER BY id DESC LIMIT 1"
SET_SWITCH = f"""INSERT INTO switch (level, reason, who, size_factor, symbols)
    VALUES (%s, %s, %s, %s, %s) RETURNING {_SWITCH}"""
NEVER_SET = Switch(level=Level.NO_ENTRIES, reason="the switch was never set", who="nobody")

TAKE_LEASE = """UPDATE lease SET
        holder = %(holder)s,
        epoch = CASE WHEN holder = %(holder)s AND until > now() THEN epoch ELSE epoch + 1 END,
        until = now() + make_interval(secs => %(seconds)s)
    WHERE holder = %(holder)s OR until <= now() RETURNING epoch"""
GIVE_LEASE_BACK = "UPDATE lease SET until = now() WHERE holder = %s AND until > now() RETURNING epoch"

# Whoever binds the database also sets the switch, unless somebody has closed it before.
STAMP = """WITH bound AS (
        INSERT INTO account (mode, uid) VALUES (%(mode)s, %(uid)s) ON CONFLICT DO NOTHING RETURNING mode
    )
    INSERT INTO switch (level, reason, who)
    SELECT %(level)s, %(reason)s, 'bot' FROM bound WHERE NOT EXISTS (SELECT FROM switch) RETURNING id"""
BOUND = "SELECT mode, uid FROM account"
EXPECTED_BALANCE = "SELECT expected_balance, expected_at FROM account WHERE expected_balance IS NOT NULL"
EXPECT_BALANCE = "UPDATE account SET expected_balance = %s, expected_at = %s RETURNING mode"


def admission(row: SignalRow, epoch: int | None) -> Sequence[Any]:
    told, order = row.incoming, row.order
    signal = (
        told.source,
        told.chat,
        told.message_id,
        told.text,
        row.verdict.value,
        _clean(row.reason),
        epoch,
    )
    if order is None:
        return (*signal, *[None] * 9)
    asked = (order.client_id, order.symbol, order.side.value, order.quantity, order.price, order.stop)
    return (*signal, *asked, list(order.targets), order.leverage, order.expires_at)


def admitted(row: SignalRow, stored: Sequence[Any]) -> SignalRow:
    """What was asked for, as the statement decided."""
    created_at, verdict, reason = stored[0], Verdict(stored[1]), stored[2]
    kept = row.order if verdict is Verdict.ACCEPTED else None
    order = replace(kept, created_at=created_at) if kept else None
    return replace(row, verdict=verdict, reason=reason, order=order, created_at=created_at)


def change(order: Order, was: State) -> Sequence[Any]:
    filled = (order.filled_quantity, order.average_price, order.leverage)
    return (order.client_id, was.value, order.state.value, _clean(order.reason), order.exchange_id, *filled)


def adoption(order: Order, reason: str) -> Mapping[str, Any]:
    return {
        "source": order.source,
        "client_id": order.client_id,
        "message": clean(reason),
        "symbol": order.symbol,
        "side": order.side.value,
        "quantity": order.quantity,
        "price": order.price,
        "stop": order.stop,
        "targets": list(order.targets),
        "leverage": order.leverage,
        "state": order.state.value,
        "reason": _clean(order.reason),
        "exchange_id": order.exchange_id,
        "filled_quantity": order.filled_quantity,
        "average_price": order.average_price,
    }


def setting(switch: Switch) -> Sequence[Any]:
    told = (int(switch.level), clean(switch.reason), clean(switch.who))
    return (*told, switch.size_factor, list(switch.symbols))


def binding(mode: Mode, uid: str) -> Mapping[str, Any]:
    is_play = mode is Mode.SIMULATOR
    level = Level.OPEN if is_play else Level.NO_ENTRIES
    reason = "a new database of the simulator" if is_play else "a new database; a person opens it"
    return {"mode": mode.value, "uid": uid, "level": int(level), "reason": reason}


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
        targets=tuple(row[13]),
        leverage=row[14],
        expires_at=row[15],
    )


def signal_of(row: Sequence[Any]) -> SignalRow:
    return SignalRow(
        incoming=Incoming(source=row[0], chat=row[1], message_id=row[2], text=row[3]),
        verdict=Verdict(row[4]),
        reason=row[5],
        created_at=row[6],
        order=order_of(row[7:]) if row[7] is not None else None,
    )


def switch_of(row: Sequence[Any]) -> Switch:
    return Switch(
        level=Level(row[0]),
        reason=row[1],
        who=row[2],
        changed_at=row[3],
        size_factor=row[4],
        symbols=tuple(row[5]),
    )


def _clean(text: str | None) -> str | None:
    return clean(text) if text is not None else None
