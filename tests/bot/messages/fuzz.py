"""Reads made messages by the thousand and gathers what is wrong with the readings."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.domain.signal import Reading, Signal
from tests.bot.messages.bait import bait
from tests.bot.messages.cases import differences
from tests.bot.messages.generate import Made, good
from tests.bot.messages.mutate import HARMFUL, HARMLESS
from tests.bot.messages.oracle import faults, unused

Parse = Callable[[str], Reading]
SHOWN = 40


@dataclass
class Tally:
    """What became of the messages. `wrong` holds the first of them, and whether the test fails."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # style and reason of a good message
    read: Counter[str] = field(default_factory=Counter)  # style of a good message
    wrong: list[str] = field(default_factory=list)

    def blame(self, text: str, reading: Reading | None, why: str) -> None:
        self.counts["wrong"] += 1
        if len(self.wrong) < SHOWN:
            self.wrong.append(f"{why}\n  {text!r}\n  {reading}")

    @property
    def share(self) -> float:
        """Of the good messages, how many were read."""
        good = sum(self.read.values()) + sum(self.refused.values())
        return sum(self.read.values()) / max(1, good)


def read(tally: Tally, parse: Parse, text: str) -> Reading | None:
    """The reading, after what holds for every message was looked at."""
    tally.counts["messages"] += 1
    try:
        reading = parse(text)
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is the finding
        tally.blame(text, None, f"raised {problem!r}")
        return None
    for fault in faults(text, reading) + unused(text, reading) if isinstance(reading, Signal) else ():
        tally.blame(text, reading, fault)
    return reading


def untouched(tally: Tally, parse: Parse, made: Made) -> Reading | None:
    reading = read(tally, parse, made.text)
    if made.signal is None:
        if isinstance(reading, Signal):
            tally.blame(made.text, reading, f"{made.style} was read")
    elif not isinstance(reading, Signal):
        tally.refused[f"{made.style}: {reading.reason.value if reading else 'raised'}"] += 1
    else:
        tally.read[made.style] += 1
        for each in differences(made.signal, reading):
            tally.blame(made.text, reading, each)
    return reading


def harmless(tally: Tally, parse: Parse, rng: random.Random, made: Made, before: Reading | None) -> None:
    mutate = rng.choice(HARMLESS)
    text = mutate(rng, made.text)
    after = read(tally, parse, text)
    if isinstance(after, Signal) and isinstance(before, Signal) and differences(before, after):
        tally.blame(text, after, f"{mutate.__name__} made another signal of {before}")
    if isinstance(after, Signal) and made.signal is None:
        tally.blame(text, after, f"{mutate.__name__} made a signal of {made.style}")


def harmful(tally: Tally, parse: Parse, rng: random.Random, made: Made) -> None:
    text = made.text
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = rng.choice(HARMFUL)(rng, text)
    if isinstance(read(tally, parse, text), Signal):
        tally.counts["read although mutated"] += 1


def run(parse: Parse, count: int, seed: int) -> Tally:
    """Four readings a round: a message untouched, mutated without harm, and twice with."""
    tally, rng = Tally(), random.Random(seed)
    while tally.counts["messages"] < count:
        made = bait(rng) if rng.random() < 0.2 else good(rng)
        before = untouched(tally, parse, made)
        harmless(tally, parse, rng, made, before)
        for _ in range(2):
            harmful(tally, parse, rng, made)
    return tally
