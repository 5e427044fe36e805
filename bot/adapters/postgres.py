"""The order store in PostgreSQL: starts while the database is down, and survives its restart."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self

from bot.adapters import postgres_rows as rows
from bot.adapters.postgres_connections import Connections
from bot.domain.mode import Mode
from bot.domain.order import Order, State
from bot.domain.switch import Switch
from bot.log import Log
from bot.metrics import Metrics
from bot.ports import Incoming, SignalRow, StopTrading, TryAgain


class Postgres:
    """Implements bot.ports.OrderStore. Every call raises TryAgain until `prepare` has succeeded once.

    After OutcomeUnknown the same call may be made again: what was done before is not done twice, and
    what is there then can be read. (A second switch row says the same as the first.)
    """

    def __init__(self, dsn: str, *, size: int, echo: bool, log: Log, metrics: Metrics) -> None:
        self._database = Connections(dsn, size=size, echo=echo, log=log, metrics=metrics)
        self._read = self._database.read
        self._write = self._database.write

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()

    async def prepare(self) -> None:
        await self._database.open()

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        stored = await self._write(rows.ADMIT, rows.admission(row, epoch))
        return rows.admitted(row, stored[0]) if stored else None

    async def find(self, incoming: Incoming) -> SignalRow | None:
        found = await self._read(rows.FIND, (incoming.source, incoming.chat, incoming.message_id))
        return rows.signal_of(found[0]) if found else None

    async def save(self, order: Order, *, was: State) -> bool:
        return bool(await self._write(rows.SAVE, rows.change(order, was)))

    async def live(self) -> Sequence[Order]:
        return [rows.order_of(row) for row in await self._read(rows.LIVE)]

    async def close(self, client_ids: Sequence[str]) -> None:
        await self._write(rows.CLOSE, (list(client_ids),))

    async def adopt(self, order: Order, reason: str) -> None:
        await self._write(rows.ADOPT, rows.adoption(order, reason))

    async def counts(self) -> Mapping[State, int]:
        return {State(state): count for state, count in await self._read(rows.COUNTS)}

    async def read_up_to(self) -> Mapping[str, int]:
        return dict(await self._read(rows.READ_UP_TO))

    async def set_read_up_to(self, chat: str, message_id: int) -> None:
        await self._write(rows.SET_READ_UP_TO, (chat, message_id))

    async def failed_in_a_row(self) -> int:
        [[count]] = await self._read(rows.FAILED_IN_A_ROW)
        return int(count)

    async def signals_by_source(self) -> Mapping[str, int]:
        return dict(await self._read(rows.SIGNALS_BY_SOURCE))

    async def latest(self, limit: int) -> Sequence[SignalRow]:
        return [rows.signal_of(row) for row in await self._read(rows.LATEST, (limit,))]

    async def switch(self) -> Switch:
        found = await self._read(rows.SWITCH)
        return rows.switch_of(found[0]) if found else rows.NEVER_SET

    async def set_switch(self, switch: Switch) -> Switch:
        [stored] = await self._write(rows.SET_SWITCH, rows.setting(switch))
        return rows.switch_of(stored)

    async def take_lease(self, holder: str, seconds: float) -> int | None:
        taken = await self._write(rows.TAKE_LEASE, {"holder": holder, "seconds": seconds})
        return int(taken[0][0]) if taken else None

    async def give_lease_back(self, holder: str) -> None:
        await self._write(rows.GIVE_LEASE_BACK, (holder,))

    async def stamp(self, mode: Mode, uid: str) -> None:
        await self._write(rows.STAMP, rows.binding(mode, uid))
        [[bound_mode, bound_uid]] = await self._read(rows.BOUND)
        if (bound_mode, bound_uid) != (mode.value, uid):
            raise StopTrading(
                f"the database belongs to account {bound_uid} in mode {bound_mode}, not to {uid} in {mode}: "
                "set DATABASE_URL to one of its own"
            )

    async def expected_balance(self) -> tuple[Decimal, datetime] | None:
        found = await self._read(rows.EXPECTED_BALANCE)
        return (found[0][0], found[0][1]) if found else None

    async def expect_balance(self, amount: Decimal, at: datetime) -> None:
        if not await self._write(rows.EXPECT_BALANCE, (amount, at)):
            raise TryAgain("the database is not bound to an account yet")
