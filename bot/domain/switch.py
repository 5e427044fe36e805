"""The switch that keeps the bot from trading: the strictest level wins, and only a person re-opens it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum


class Level(IntEnum):
    OPEN = 0
    NO_ENTRIES = 1
    CANCEL_ENTRIES = 2  # and those that rest are cancelled; what protects stays
    FLATTEN = 3  # and every position is closed, then its stops are cancelled


MEANING = {
    Level.OPEN: "trading is open",
    Level.NO_ENTRIES: "no new entries",
    Level.CANCEL_ENTRIES: "no new entries, resting ones are cancelled",
    Level.FLATTEN: "no new entries, positions are closed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What was decided last. To re-open in steps: quantities times `size_factor`, only `symbols` if any."""

    level: Level
    reason: str
    who: str
    changed_at: datetime | None = None  # the database's clock
    size_factor: Decimal = Decimal(1)
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """What the control directory says: a level above OPEN, and why."""

    level: Level
    reason: str
    written: bool = True  # False if the directory cannot be read: that ends once it can be


def stricter(one: Switch, other: Switch) -> Switch:
    """`one` unless `other` allows less."""
    return other if other.level > one.level else one
