"""What is told to a person, when it happens, and how it gets there; what happens never waits for that."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from bot.desk import Desk
from bot.domain import notice
from bot.domain.notice import Kind, Notice
from bot.domain.order import FAILED, FINAL, Order
from bot.domain.picture import Picture
from bot.domain.reason import Reason, Verdict, code_of
from bot.domain.result import result_of
from bot.domain.signal import Reading, Remark
from bot.domain.switch import Level, Switch
from bot.outbox import Closing
from bot.ports import Later, Messenger, OutcomeUnknown, Refused, SignalRow, TryAgain

APART = 1.0  # seconds between two messages to a chat: more often is not allowed for long
LATE = timedelta(minutes=1)  # what comes later says of when it is
LONGEST_PAUSE = 60.0  # seconds between two attempts
ANSWER_WITHIN = timedelta(minutes=1)  # nobody waits longer for the answer to a command
RESULTS_EVERY = 5.0
RESULT_WITHIN = 120.0  # seconds for which the exchange may take its time to tell of profits and fees
CLOCKS_DIFFER = timedelta(minutes=1)
_TOLD_IF_HELD = (Reason.CLOSE, Reason.MOVE_STOP)


def decided(desk: Desk, verdict: Verdict, row: SignalRow, reading: Reading) -> None:
    source, text = row.incoming.source, row.incoming.text
    if verdict in (Verdict.REFUSED, Verdict.UNREADABLE):
        _put(desk, Kind.REFUSED, notice.refused(source, row.reason, text), code_of(row.reason))
    elif verdict is Verdict.IGNORED and isinstance(reading, Remark) and reading.reason in _TOLD_IF_HELD:
        held = [each for each in _held(desk) if reading.symbol in (None, each[0])]
        if held:
            shown = [f"{symbol} {'long' if is_long else 'short'}" for symbol, is_long in held]
            _put(desk, Kind.REMARK, notice.remark(source, reading.reason, reading.symbol, shown, text))


def _held(desk: Desk) -> list[tuple[str, bool]]:
    listed = {each.key for each in desk.picture.holdings} if desk.picture else set()
    return sorted(listed | {each.key for each in desk.live.values() if each.filled_quantity})


def settled(desk: Desk, before: Order, after: Order) -> None:
    """At the first fill; if that was a part, once more when it is known what else was filled."""
    ended = after.state in FINAL and before.state not in FINAL
    if after.filled_quantity and (not before.filled_quantity or ended):
        _put(desk, Kind.OPENED, notice.opened(after))
    elif after.state in FAILED and ended:
        _put(desk, Kind.REFUSED, notice.not_opened(after), after.state.value)


def closed(desk: Desk, trades: Sequence[Order]) -> None:
    """Told by `tell_results` as soon as the exchange tells what it brought."""
    if desk.notices.is_read:
        ended = desk.wall() + timedelta(seconds=desk.clock_offset or 0.0)
        desk.notices.closings.append(Closing(trades=tuple(trades), ended=ended, since=desk.clock()))


def looked(desk: Desk, picture: Picture) -> None:
    """What stays for as long as the exchange may show it late, and its end."""
    if desk.notices.is_read:
        _tell_bare(desk, picture)
        _tell_differences(desk, picture)


def _tell_bare(desk: Desk, picture: Picture) -> None:
    told = desk.notices.bare
    for each in picture.holdings:
        bare_for = picture.asked_at - desk.uncovered_since.get(each.key, picture.asked_at)
        if each.uncovered and bare_for >= desk.pace.protect_after and each.key not in told:
            told[each.key] = each.uncovered
            _put(desk, Kind.UNPROTECTED, notice.unprotected(each.position, each.uncovered))
    held = {each.key: each.uncovered for each in picture.holdings}
    for key in [key for key in told if not held.get(key)]:
        del told[key]
        _put(desk, Kind.UNPROTECTED, notice.protected(*key, held=key in held))


def _tell_differences(desk: Desk, picture: Picture) -> None:
    """But for stops that are missing: those are told apart."""
    box = desk.notices
    now = {kind: count for kind, count in picture.differences.items() if count and kind != "stop_missing"}
    if box.found[0] != now:
        box.found = now, picture.asked_at
    if box.differences != now and picture.asked_at - box.found[1] >= desk.pace.visibility_window:
        box.differences = now
        _put(desk, Kind.MISMATCH, notice.mismatch(now))


def switched(desk: Desk, before: Switch | None, now: Switch, *, kept: bool) -> None:
    """What the database says at the start is no news."""
    is_first = before is None and (kept or now.level is Level.OPEN)
    if not is_first and (before is None or before.level is not now.level):
        _put(desk, Kind.HALTED, notice.switched(now))


def answer(desk: Desk, chat: int, text: str) -> None:
    desk.notices.put(Notice(kind=Kind.ANSWER, text=text, at=desk.wall(), chat=chat))


def _put(desk: Desk, kind: Kind, text: str, code: str = "") -> None:
    desk.notices.put(Notice(kind=kind, text=text, at=desk.wall(), code=code))


def tell_results(scale: float) -> Callable[[Desk], Awaitable[None]]:
    async def tell_results(desk: Desk) -> None:
        """Of each position that was closed, once the exchange tells all of it, or its time is over."""
        closings = desk.notices.closings
        for _ in range(len(closings)):
            closing = closings.popleft()
            if (text := await _result(desk, closing, RESULT_WITHIN / scale)) is None:
                closings.append(closing)
            else:
                _put(desk, Kind.CLOSED, text)

    return tell_results


async def _result(desk: Desk, closing: Closing, patience: float) -> str | None:
    is_over = desk.clock() - closing.since >= patience
    began = min(each.created_at or closing.ended for each in closing.trades) - CLOCKS_DIFFER
    try:
        history = await desk.account.history(closing.trades[0].symbol, began, closing.ended + CLOCKS_DIFFER)
        income = await desk.account.income(began, closing.ended + CLOCKS_DIFFER)
    except (TryAgain, OutcomeUnknown, Refused) as error:
        return notice.closed(closing.trades, None, str(error)) if is_over else None
    result = result_of(closing.trades, history, income, closing.ended)
    return notice.closed(closing.trades, result) if is_over or not result.doubt else None


async def deliver(desk: Desk, messenger: Messenger, chat: int, scale: float) -> None:
    """One after the other, for ever; what Telegram does not take now is tried again, before all others."""
    while True:
        what = await desk.notices.take()
        desk.notices.is_sending = True
        pause = APART / scale
        while (left := await _attempt(desk, messenger, chat, what, pause)) is not None:
            await asyncio.sleep(left)
            pause = min(2 * pause, LONGEST_PAUSE / scale)
        desk.notices.is_sending = False
        await asyncio.sleep(APART / scale)


async def _attempt(desk: Desk, messenger: Messenger, chat: int, what: Notice, pause: float) -> float | None:
    """Seconds until the next one; None if it is done with."""
    box, age = desk.notices, desk.wall() - what.at
    told = box.lost
    text = notice.message(desk.mode, what.text, lost=told, written=what.at if age > LATE else None)
    try:
        await messenger.send(chat if what.chat is None else what.chat, text)
    except Refused as error:
        _say(desk, str(error))
        box.lose()
        return None
    except TryAgain as error:
        _say(desk, str(error))
        if what.kind is Kind.ANSWER and age > ANSWER_WITHIN:
            return None
        return max(pause, error.after) if isinstance(error, Later) else pause
    _say(desk, "")
    box.lost -= told
    return None


def _say(desk: Desk, reason: str) -> None:
    if not desk.notices.fail("sending", reason):
        return
    if reason:
        desk.log.warning("notices are not delivered", reason=reason, waiting=len(desk.notices.waiting))
    else:
        desk.log.info("notices are delivered")


def state(desk: Desk) -> dict[str, Any]:
    """As /status shows it."""
    box = desk.notices
    return {
        "told": "to a chat in Telegram" if box.is_read else "to nobody: TELEGRAM_BOT_TOKEN is not set",
        "waiting": len(box.waiting) + box.is_sending,
        "results_awaited": len(box.closings),
        "failing": dict(box.failing),
    }
