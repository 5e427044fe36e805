"""The switch: whoever closes it is obeyed at once; whoever opens it hears every reason against that."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from bot import notices
from bot.desk import Desk
from bot.domain import signal as signals
from bot.domain.money import plain
from bot.domain.switch import MEANING, Halt, Level, Switch, stricter
from bot.ports import OutcomeUnknown, TryAgain

DATABASE_PATIENCE = 1.0  # seconds for which somebody who halts waits until the database knows it
LONGEST = 500  # characters of a reason
FILE, DATABASE = "HALT file", "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What holds after somebody asked for a level."""

    level: Level
    kept_by: tuple[str, ...] = ()  # what brings it back after a restart
    troubles: tuple[str, ...] = ()  # what does not keep it, and why
    against: tuple[str, ...] = ()  # why less strict was refused


async def set_level(
    desk: Desk,
    level: Level,
    reason: str,
    who: str,
    size_factor: Decimal = Decimal(1),
    symbols: tuple[str, ...] = (),
) -> Outcome:
    """What a person asks for; to allow more than now may be refused, or raise what the database raises."""
    if level is not Level.OPEN and level >= desk.level():
        return await halt(desk, level, reason, who)
    asked = _asked(desk, level, reason, who)
    return await _allow_more(desk, replace(asked, size_factor=size_factor, symbols=symbols))


async def halt(desk: Desk, level: Level, reason: str, who: str) -> Outcome:
    """Never less strict than before; it holds in memory even if nothing else works."""
    asked = _asked(desk, level, reason or "no reason given", who)
    if desk.switch is None or level > desk.switch.level:
        _hold(desk, asked, kept=False)
    desk.look_now.set()
    kept_by, troubles = [], []
    try:
        desk.control.halt(Halt(level=level, reason=f"{asked.reason}, by {asked.who}"))
        kept_by.append(FILE)
    except OSError as error:
        troubles.append(f"the HALT file was not written: {error}")
    try:
        await _tell_database(desk)
        kept_by.append(DATABASE)
    except (TryAgain, OutcomeUnknown) as error:
        troubles.append(f"the database does not know it yet, and is told when it answers: {error}")
    desk.log.warning("halted", switch_level=int(level), reason=asked.reason, who=who, kept_by=kept_by)
    return Outcome(level=desk.level(), kept_by=tuple(kept_by), troubles=tuple(troubles))


def see_halt(desk: Desk) -> None:
    """Taking a HALT file away re-opens nothing; a directory that comes back does."""
    seen = desk.control.read()
    if seen and seen.written and (desk.switch is None or seen.level > desk.switch.level):
        _hold(desk, _asked(desk, seen.level, seen.reason, FILE), kept=False)
    show_switch(desk)


async def keep_switch(desk: Desk) -> None:
    """Once a second: read the row, and write to it what it does not know yet."""
    see_halt(desk)
    async with desk.switching:
        _compare(desk, await desk.store.switch())
        held = desk.switch
        if held and not desk.switch_kept:
            row = await desk.store.set_switch(held)
            if desk.switch is held:
                _hold(desk, row, kept=True)


def reasons_against(desk: Desk, level: Level) -> tuple[str, ...]:
    """Every reason why not even this level may take the place of a stricter one now."""
    stopped = f"trading stopped until a person restarts the bot: {desk.stopped}" if desk.stopped else ""
    disabled = level is Level.OPEN and not desk.trading_enabled
    reasons = (
        stopped,
        "the bot is stopping" if desk.leaving else "",
        *([check.reason for check in desk.checks.values() if not check.ok] or [""]),
        "" if desk.checks and desk.switch else "nothing was read yet",
        "TRADING_ENABLED is not true: start the bot with TRADING_ENABLED=true" if disabled else "",
        _halt_there(desk),
        *_unsound(desk),
    )
    return tuple(reason for reason in reasons if reason)


def show_switch(desk: Desk) -> None:
    desk.metrics.bot_switch_level.set(desk.level())
    if desk.switch and desk.switch.changed_at:
        desk.metrics.bot_switch_changed_timestamp_seconds.set(desk.switch.changed_at.timestamp())


async def _allow_more(desk: Desk, asked: Switch) -> Outcome:
    async with desk.switching:
        against = reasons_against(desk, asked.level)
        if not asked.reason:
            against += ("a reason is missing: say why it is safe to trade again",)
        if against:
            return Outcome(level=desk.level(), against=against)
        before = desk.switch
        try:
            row = await desk.store.set_switch(asked)
        except OutcomeUnknown:
            desk.switch_kept = False  # it may say open: what holds here is written over it
            raise
        if desk.switch is not before:
            return Outcome(level=desk.level(), against=("somebody halted it at the same moment",))
        _hold(desk, row, kept=True)
    return Outcome(level=desk.level(), kept_by=(DATABASE,))


async def _tell_database(desk: Desk) -> None:
    if desk.switch_kept:
        return
    try:
        async with asyncio.timeout(DATABASE_PATIENCE):
            await keep_switch(desk)
    except TimeoutError:
        raise TryAgain(f"no answer within {DATABASE_PATIENCE:g} s") from None


def _compare(desk: Desk, row: Switch) -> None:
    """The row holds, unless this bot was told something stricter that it does not know, or knows no more."""
    known = desk.switch
    if known is None or (desk.switch_kept and not _is_older(row, known)):
        _hold(desk, row, kept=True)
        return
    # Of two that allow the same holds the one that is kept, with whoever said it first.
    is_kept = row.changed_at is not None and not desk.switch_kept
    held = stricter(row, known) if is_kept else stricter(known, row)
    _hold(desk, held, kept=held is row)


def _is_older(row: Switch, known: Switch) -> bool:
    """As after a restore from a backup, which must not re-open what was halted since."""
    return known.changed_at is not None and (row.changed_at is None or row.changed_at < known.changed_at)


def _hold(desk: Desk, switch: Switch, *, kept: bool) -> None:
    before = desk.switch
    desk.switch, desk.switch_kept = switch, kept
    show_switch(desk)
    notices.switched(desk, before, switch, kept=kept)
    if before is None or before.level is not switch.level:
        desk.look_now.set()
        told = {"switch_level": int(switch.level), "reason": switch.reason, "who": switch.who}
        desk.log.warning("switch", meaning=MEANING[switch.level], **told)


def _asked(desk: Desk, level: Level, reason: str, who: str) -> Switch:
    return Switch(
        level=level,
        reason=signals.clean(reason).strip()[:LONGEST],
        who=signals.clean(who).strip()[:LONGEST] or "nobody",
        changed_at=desk.wall(),
    )


def _halt_there(desk: Desk) -> str:
    seen = desk.control.read()
    if seen is None:
        return ""
    if not seen.written:
        return seen.reason
    return f"there is a HALT file: {seen.reason}; `python -m bot resume` takes it away"


def _unsound(desk: Desk) -> Iterator[str]:
    """What the last look at the account found, or that there was none lately."""
    yield desk.unseen()
    for holding in desk.picture.holdings if desk.picture else ():
        if holding.uncovered:
            symbol, is_long = holding.key
            side = "long" if is_long else "short"
            bare, quantity = plain(holding.uncovered), plain(holding.position.quantity)
            yield f"{symbol} {side}: {bare} of {quantity} has no stop; place one, close it or adopt it"
