"""The side that a message says in words; it is never guessed from prices, nor taken from mere talk."""

import re

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.normal import is_cyrillic
from bot.domain.formats.segments import Segment
from bot.domain.formats.symbols import named
from bot.domain.formats.words import BEGIN, BUYS, END, NO_SIDE, NOT, SELLS, Kind, pattern
from bot.domain.reason import Reason
from bot.domain.signal import Side

_SIDE = re.compile(
    rf"{BEGIN}(?:(?P<talk>{pattern(NO_SIDE)})|(?P<BUY>{pattern(BUYS)})|(?P<SELL>{pattern(SELLS)})){END}"
)
_NOT = re.compile(rf"{BEGIN}(?:{pattern(NOT)})(?: [^\W\d_]+)?[^\w\n]{{0,20}}\Z")
_WORD = re.compile(r"[^\W\d_]+")
_SELL_TARGETS = re.compile(r"\bsell[ _-]{0,3}targets?\b")
_FEW = 4  # words: a line with no more is a heading


def said(text: str, folded: str) -> list[tuple[int, Side]]:
    """Each word that says a side, with where it stands."""
    found = []
    for match in _SIDE.finditer(folded):
        if match.lastgroup == "talk":
            continue
        if match[0].isascii() and any(is_cyrillic(char) for char in text[match.start() : match.end()]):
            raise Doubt(Reason.NO_SIDE, f"{text[match.start() : match.end()]!r} mixes two alphabets")
        found.append((match.start(), Side(str(match.lastgroup))))
    return found


def the_side(text: str, folded: str, segments: list[Segment]) -> Side:
    mentions = said(text, folded)
    sides = {side for _, side in mentions}
    if len(sides) > 1:
        raise Doubt(Reason.SIDES, "names 2 sides: one message is one trade in one direction")
    for at, _ in mentions:
        if denied := _NOT.search(folded, max(folded.rfind("\n", 0, at) + 1, at - 40), at):
            raise Doubt(Reason.NO_SIDE, f"{(denied[0] + text[at : at + 8]).strip()!r}: the side is denied")
    if not any(_is_clear(text, folded, at, segments) for at, _ in mentions):
        raise Doubt(Reason.NO_SIDE, "neither long nor short is said in the heading or behind a label")
    side = sides.pop()
    if side is Side.SELL and _SELL_TARGETS.search(folded):
        raise Doubt(Reason.SIDES, "names targets to sell at for a short")
    return side


def _is_clear(text: str, folded: str, at: int, segments: list[Segment]) -> bool:
    """Whether it stands where a side is announced: with the symbol, behind a label, in or as a heading."""
    start = folded.rfind("\n", 0, at) + 1
    end = folded.find("\n", at)
    line = folded[start : end if end >= 0 else len(folded)]
    if any(start <= segment.at <= at < segment.end and segment.kind is Kind.SIDE for segment in segments):
        return True
    if any(segment.at == at and segment.kind is Kind.ENTRY for segment in segments):
        return True
    is_first = not any(char.isalnum() for char in folded[start:at])
    return is_first or len(_WORD.findall(line)) <= _FEW or bool(named(text[start : start + len(line)]))
