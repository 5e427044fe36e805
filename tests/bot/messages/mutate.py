"""What goes wrong with a message: letters lost, lines swapped, marks added, a second message behind it."""

import random
from collections.abc import Callable

from tests.bot.messages.generate import good

Mutator = Callable[[random.Random, str], str]

LETTERS = "abcxyzABCXYZ0123456789.,-:%$#/()✅\n "
ALIKE = dict(zip("ABCEHKMOPTXaceopxy", "АВСЕНКМОРТХасеорху", strict=True))
MARKS = "\u200e\u200f\u202e\u200b\ufeff\x00\ud83d\u0301\u00ad"
EMOJI = ("🚀", "🔥", "📈", "🎯", "⚡️", "💎", "✨")


def _at(rng: random.Random, text: str) -> int:
    return rng.randrange(len(text) + 1)


def flip(rng: random.Random, text: str) -> str:
    where = _at(rng, text)
    return text[:where] + rng.choice(LETTERS) + text[where + 1 :]


def delete(rng: random.Random, text: str) -> str:
    where = _at(rng, text)
    return text[:where] + text[where + rng.randint(1, 3) :]


def insert(rng: random.Random, text: str) -> str:
    where = _at(rng, text)
    return text[:where] + rng.choice(LETTERS) + text[where:]


def swap_lines(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    rng.shuffle(lines)
    return "\n".join(lines)


def repeat_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return "\n".join(lines)


def lose_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def look_alike(rng: random.Random, text: str) -> str:
    return "".join(ALIKE[each] if each in ALIKE and rng.random() < 0.3 else each for each in text)


def digit(rng: random.Random, text: str) -> str:
    places = [where for where, each in enumerate(text) if each.isdigit()]
    if not places:
        return text
    where = rng.choice(places)
    return text[:where] + rng.choice("0123456789٣۵²OxX") + text[where + 1 :]


def separator(rng: random.Random, text: str) -> str:
    old = rng.choice(".,-:/ ")
    return text.replace(old, rng.choice((".", ",", " ", "'", "_", "–", ":", "", "%")), rng.choice((1, -1)))


def join(rng: random.Random, text: str) -> str:
    return text.replace("\n", rng.choice(("", " ", ", ")))


def split(rng: random.Random, text: str) -> str:
    return text.replace(" ", "\n", rng.randint(1, 4))


def mark(rng: random.Random, text: str) -> str:
    where = _at(rng, text)
    return text[:where] + rng.choice(MARKS) + text[where:]


def cut(rng: random.Random, text: str) -> str:
    return text[: _at(rng, text)]


def second(rng: random.Random, text: str) -> str:
    return text + rng.choice(("\n\n", "\n", " ", "")) + good(rng).text


def edge(rng: random.Random, text: str) -> str:
    """White space around the message, where nobody sees it."""
    return rng.choice((" ", "\n", "\u00a0", "\r\n", "\t\n")) + text + rng.choice((" ", "\n\n", "\u00a0"))


def wide(rng: random.Random, text: str) -> str:
    """Other white space between the same words."""
    if rng.random() < 0.3:
        return text.replace("\n", "\r\n")
    return text.replace(" ", rng.choice(("\u00a0", "  ", "\t", "\u2009")))


def emoji(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    where = rng.randrange(len(lines))
    lines[where] = rng.choice((f"{rng.choice(EMOJI)} {lines[where]}", f"{lines[where]} {rng.choice(EMOJI)}"))
    return "\n".join(lines)


def case(rng: random.Random, text: str) -> str:
    return rng.choice((text.upper(), text.lower(), text.swapcase()))


def bold(rng: random.Random, text: str) -> str:
    """Letters of mathematics, of which channels make their headlines."""
    first = text.partition("\n")[0]
    return "".join(map(_bold, first)) + text[len(first) :]


def _bold(letter: str) -> str:
    for start, to in (("A", 0x1D5D4), ("a", 0x1D5EE)):
        if 0 <= ord(letter) - ord(start) < 26:
            return chr(to + ord(letter) - ord(start))
    return letter


# The sense stays: the same signal, or a refusal.
HARMLESS: tuple[Mutator, ...] = (edge, wide, emoji, case, bold)
HARMFUL: tuple[Mutator, ...] = (
    flip,
    delete,
    insert,
    swap_lines,
    repeat_line,
    lose_line,
    look_alike,
    digit,
    separator,
    join,
    split,
    mark,
    cut,
    second,
)
