"""What the use cases need from the outside, and the errors they get, named by what the caller does next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bot.domain.account import (
    Balance,
    ExchangeOrder,
    Income,
    Leverage,
    MarginType,
    NewOrder,
    Position,
    PositionSide,
)
from bot.domain.mode import Mode
from bot.domain.order import Order, Report, State
from bot.domain.plan import Contract
from bot.domain.reason import Verdict
from bot.domain.signal import Reading
from bot.domain.switch import Halt, Switch


class TryAgain(Exception):  # noqa: N818 - named by what the caller does
    """Nothing was done; later it may work."""


class Later(TryAgain):
    """Nothing was done, and nothing will be within so many seconds."""

    def __init__(self, text: str, after: float) -> None:
        super().__init__(text)
        self.after = after


class Refused(Exception):  # noqa: N818 - named by what the caller does
    """Nothing was done, and the same request will not be taken."""


class OutcomeUnknown(Exception):  # noqa: N818 - named by what the caller does
    """It may or may not have been done: ask before doing anything else."""


class AlreadyTaken(OutcomeUnknown):
    """The exchange has an order of this id, whether it shows it or not."""


class StopTrading(Exception):  # noqa: N818 - named by what the caller does
    """Nothing was done, and nothing will be until a person has looked at it."""


class Halted(TryAgain):
    """Nothing was sent: trading was closed while the request waited for its turn."""


class NothingLeft(Refused):
    """There is nothing to close or to cancel, or less than that: look at what there is."""


class PastTrigger(Refused):
    """The price is past the stop or target already, so the exchange does not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message as a source delivers it; (source, chat, message_id) is unique for ever."""

    source: str
    chat: str
    message_id: str
    text: str
    sent_at: datetime | None = None  # by the message's own date; none: it is of now
    edited: bool = False
    reply: bool = False
    reading: Reading | None = None  # of a source that reads more than the text; none: the text is parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message as its chat keeps it; the ids of a chat go up, with holes."""

    id: int
    date: datetime
    text: str  # empty: a picture, or word of the chat itself
    written: datetime  # before `date` if it was forwarded
    edited: bool = False
    reply: bool = False
    links: tuple[str, ...] = ()  # also those that stand behind words


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A stored signal with what was decided about it, and its order if it became one."""

    incoming: Incoming
    verdict: Verdict
    reason: str | None  # as bot.domain.reason.told makes it
    order: Order | None
    created_at: datetime | None = None


class Exchange(Protocol):
    async def contracts(self) -> Mapping[str, Contract]: ...

    async def prices(self) -> Mapping[str, Decimal]: ...

    async def clock_offset(self) -> float:
        """Seconds that the exchange's clock is ahead of ours; measured now and used from now on."""
        ...

    async def place(self, order: Order, gate: Callable[[], str]) -> Report:
        """`gate` says why no entry may leave now, and is asked last.

        Raises TryAgain, Refused or StopTrading only if the order was certainly not taken."""
        ...

    async def find(self, symbol: str, client_id: str) -> Report | None:
        """None only if the exchange said in so many words that it has no such order.

        It may say so of an order older than two hours, too: for that one look into the history.
        """
        ...


class Account(Protocol):
    """The rest of the exchange: what the account holds, and orders that protect or end a position.

    A question that is not answered raises TryAgain or StopTrading. What changes something may raise
    OutcomeUnknown, and Refused if it was certainly not done.
    """

    async def balances(self) -> Sequence[Balance]: ...

    async def positions(self) -> Sequence[Position]: ...

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]: ...

    async def history(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExchangeOrder]: ...

    async def income(self, since: datetime, until: datetime) -> Sequence[Income]:
        """Profits, fees, funding and transfers, the oldest first; the exchange keeps three months."""
        ...

    async def submit(self, order: NewOrder, gate: Callable[[], str]) -> Report:
        """`gate` says why no entry may leave now, and is asked last; protection and closes pass it."""
        ...

    async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
        """None if there is nothing to cancel: the order is closed, or was never there."""
        ...

    async def cancel_all(self, symbol: str) -> Sequence[str]:
        """Cancels stops and targets, too. The exchange's ids of the orders that could not be cancelled."""
        ...

    async def is_hedged(self) -> bool:
        """Whether the account has LONG and SHORT apart; read now, and used by `place` from now on."""
        ...

    async def leverage(self, symbol: str) -> Leverage: ...

    async def set_leverage(self, symbol: str, side: PositionSide, leverage: int) -> None: ...

    async def margin_type(self, symbol: str) -> MarginType: ...

    async def set_margin_type(self, symbol: str, margin_type: MarginType) -> None: ...

    def entries_halted(self) -> str:
        """Why no entry should be made for now: too many equal errors; empty if one may."""
        ...

    def banned_for(self) -> float:
        """Seconds until the last endpoint that the exchange closed to us opens again; 0 if none is closed."""
        ...


class OrderStore(Protocol):
    """Each call raises TryAgain if nothing was done; one that writes OutcomeUnknown if that is not known."""

    async def prepare(self) -> None:
        """Bring the schema up to date; cheap once that is done."""
        ...

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        """Commit signal, verdict and intent at once, and return them; None if the message was there before.

        What is accepted is refused in the same statement if the switch is not open, or if the lease is
        not held by this epoch.
        """
        ...

    async def find(self, incoming: Incoming) -> SignalRow | None: ...

    async def save(self, order: Order, *, was: State) -> bool:
        """False if the order is no longer in the state it was in."""
        ...

    async def live(self) -> Sequence[Order]:
        """Those whose end is not known, and those of which a position may be open, the oldest first."""
        ...

    async def close(self, client_ids: Sequence[str]) -> None:
        """Of these nothing is open any more."""
        ...

    async def adopt(self, order: Order, reason: str) -> None:
        """Commit a filled order, and a signal for it, of a position that a person opened."""
        ...

    async def counts(self) -> Mapping[State, int]: ...

    async def read_up_to(self) -> Mapping[str, int]:
        """By chat the number of the latest Telegram message that was decided on."""
        ...

    async def set_read_up_to(self, chat: str, message_id: int) -> None:
        """Never back."""
        ...

    async def failed_in_a_row(self) -> int:
        """How many of the latest orders failed since one was placed; those under way do not count."""
        ...

    async def signals_by_source(self) -> Mapping[str, int]:
        """Signals of the last 24 hours."""
        ...

    async def latest(self, limit: int) -> Sequence[SignalRow]: ...

    async def switch(self) -> Switch: ...

    async def set_switch(self, switch: Switch) -> Switch:
        """As it is kept, with its time."""
        ...

    async def take_lease(self, holder: str, seconds: float) -> int | None:
        """The epoch of the lease if it is ours, for so many seconds from now; None if another holds it.

        Renewing keeps the epoch. Whoever takes it from another, or after it had ended, gets a new one.
        """
        ...

    async def give_lease_back(self, holder: str) -> None: ...

    async def stamp(self, mode: Mode, uid: str) -> None:
        """Bind the database to the account; StopTrading if it is bound to another.

        With it the switch gets its first row: open for the simulator, else halted until a person opens it.
        """
        ...

    async def expected_balance(self) -> tuple[Decimal, datetime] | None:
        """What the balance should have been at that time; None if that was never written."""
        ...

    async def expect_balance(self, amount: Decimal, at: datetime) -> None: ...


class Messenger(Protocol):
    """Where people read what the bot tells them."""

    async def send(self, chat: int, text: str) -> None:
        """Raises TryAgain, also when it may have been sent, and Refused if this text will never be taken."""
        ...


class Control(Protocol):
    """The control directory, outside of everything that can fail together with the bot."""

    def read(self) -> Halt | None:
        """None if trading is open as far as it goes. What cannot be read is closed."""
        ...

    def halt(self, halt: Halt) -> None:
        """Write it so that it lasts; OSError if that fails."""
        ...


class PageReader(Protocol):
    """Reads what a message only links to."""

    async def read(self, text: str, links: Sequence[str]) -> Reading:
        """Why it could not be read is a reading, too; it never raises for what the page does."""
        ...


class Chats(Protocol):
    """A messenger that keeps what was posted. What it does not answer raises TryAgain."""

    async def newest(self, chat: int) -> Post | None:
        """None of a chat in which nothing stands. Refused if there is no such chat for us."""
        ...

    async def after(self, chat: int, id_: int) -> Sequence[Post]:
        """What stands after that, the oldest first, some at a time; nothing once there is no more."""
        ...


class Listener(Protocol):
    """Whom a messenger tells what it hears; none of it waits or raises."""

    def connected(self) -> None: ...

    def disconnected(self, reason: str) -> None: ...

    def given_up(self, reason: str) -> None:
        """Nothing will be heard until a person does what the reason says."""
        ...

    def heard(self, chat: int, post: Post) -> None:
        """Any number of times, and in any order."""
        ...

    def was_edited(self, chat: int, id_: int) -> None: ...
