"""Bots that are wrong on purpose: a sweep that does not catch them proves nothing."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bot.desk import Desk
from bot.domain.order import UNPLACED, Order, Report
from bot.ports import OutcomeUnknown, SignalRow
from bot.terms import set_terms


class Wrapped:
    """All that is not said here is done by what it wraps."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class EagerExchange(Wrapped):
    """Remembers what was sent too early."""

    def __init__(self, wrapped: Any) -> None:
        super().__init__(wrapped)
        self.reports: dict[str, Report] = {}

    async def place(self, order: Order, gate: Callable[[], str]) -> Report:
        if order.client_id not in self.reports:
            self.reports[order.client_id] = await self._wrapped.place(order, gate)
        return self.reports[order.client_id]


class EagerStore(Wrapped):
    def __init__(self, desk: Desk, exchange: EagerExchange) -> None:
        super().__init__(desk.store)
        self._desk = desk
        self._exchange = exchange

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        if row.order and not await set_terms(self._desk, row.order):
            with suppress(OutcomeUnknown):  # as after the first kill: it was sent before
                await self._exchange.place(row.order, lambda: "")
        told: SignalRow | None = await self._wrapped.admit(row, epoch)
        return told


def send_before_commit(desk: Desk) -> None:
    exchange = EagerExchange(desk.exchange)
    desk.exchange, desk.store = exchange, EagerStore(desk, exchange)


class ForgetfulExchange(Wrapped):
    """Does not ask what became of an order without an answer, but sends it again, under a new id."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.exchange)
        self._desk = desk

    async def find(self, symbol: str, client_id: str) -> Report | None:
        order = self._desk.live[client_id]
        if order.state in UNPLACED:
            report: Report = await self._wrapped.place(replace(order, client_id=f"{client_id}b"), lambda: "")
        else:
            report = await self._wrapped.find(symbol, client_id)
        return replace(report, client_id=client_id) if report else None


def recover_under_a_new_id(desk: Desk) -> None:
    desk.exchange = ForgetfulExchange(desk)


def nothing(desk: Desk) -> None:
    """The bot as it is."""


BROKEN: dict[str, Callable[[Desk], None]] = {
    "send-before-commit": send_before_commit,
    "recover-under-a-new-id": recover_under_a_new_id,
}
