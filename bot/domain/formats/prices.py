"""The prices behind a label: every sign among them is known to change nothing, or the message is refused."""

import re
from dataclasses import dataclass, field

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.numbers import Written, written
from bot.domain.formats.words import (
    CONDITION,
    ENTRY_FILLERS,
    FILLERS,
    MARKET,
    MOON,
    PAST,
    Kind,
    words,
)
from bot.domain.reason import Reason

TICKS = "✅✔☑✓🗸"
_TOKEN = re.compile(
    rf"""
      (?P<note>\([^()\n]{{0,60}}\)|\[[^\[\]\n]{{0,60}}\])
    | (?P<bullet>[0-9]{{1,2}}\))
    | (?P<percent>[+-]?[0-9]{{1,4}}(?:[.,][0-9]{{1,4}})?(?P<range>-[0-9]{{1,4}}(?:[.,][0-9]{{1,4}})?)?[ ]?%)
    | (?P<times>x[ ]?[0-9]{{1,3}}(?![\w.,])|[0-9]{{1,3}}(?:\.[0-9])?(?:-[0-9]{{1,3}})?x(?![^\W_]))
    | (?P<number>[0-9](?:[0-9.,]*[0-9])?)(?P<k>[ ]?k(?![^\W_]))?(?P<unit>[ ]?(?:[$€]|usdt?(?![^\W_])))?
    | (?P<word>[^\W\d_]+(?:['-][^\W\d_]+)*)
    | (?P<tick>[{TICKS}])
    | (?P<break>\n)
    | (?P<space>[ ]+)
    | (?P<other>.)
    """,
    re.VERBOSE,
)
_LINE_BULLET = re.compile(r"\s*(?:#(?P<hash>[0-9]{1,2})[ :.)]|(?P<dot>[0-9]{1,2})(?:\.|:|[.]?-)(?=[ ]))")
_DASH_BULLET = re.compile(r"[^\w\n]{0,20}([0-9]{1,2}) ?[-:.] *(?:[$]?[0-9]|[^\w\s$])")
_HARMLESS = re.compile(
    r"(?:[0-9]{1,3}(?:[.,][0-9]{1,2})?(?:-[0-9]{1,3})? ?%|[0-9]{1,3}(?:\.[0-9])?x|x[0-9]{1,3})"
)
_INTEGERS = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}(?: [0-9]{3})+(?![0-9.,])|[0-9]_[0-9]{3}(?![0-9.,])")

_FILLERS, _MARKET, _MOON = words(FILLERS), words(MARKET), words(MOON)
_ENTRY_FILLERS = words(ENTRY_FILLERS)
_PAST, _CONDITION = words(PAST), words(CONDITION)


class _UnknownWord(Doubt):
    pass


@dataclass(slots=True, kw_only=True)
class Values:
    """What was found behind a label, and where it ends."""

    prices: list[Written] = field(default_factory=list)
    market: bool = False
    percent: bool = False
    end: int = 0
    bullet: int = 0
    waits: bool = False  # a bullet that has no price yet
    decorated: bool = False  # by a sign behind that bullet
    open_end: bool = False  # the last target is no price
    joined: bool = False  # more than white space between market and price


def read_values(folded: str, kind: Kind, start: int, end: int) -> Values:
    """Raises Doubt where a price may stand that is not understood; lines of talk end the value."""
    found = Values(end=start)
    if _INTEGERS.search(folded, start, end):
        raise Doubt(
            Reason.NUMBER, f"the {kind} may be one number or several: write it without spaces or underscores"
        )
    position, is_first = start, True
    bullets = _dash_bullets(folded, start, end)
    while position < end:
        stop = folded.find("\n", position, end)
        stop = end if stop < 0 else stop
        line = folded[position:stop]
        before = (list(found.prices), found.bullet, found.waits)
        try:
            if not is_first and not any(char.isalnum() for char in line):
                _Line(found, kind, line, position, bullets=False).read()
            elif line.strip():
                _Line(found, kind, line, position, bullets=bullets).read()
        except _UnknownWord:
            if is_first or found.waits:
                raise
            found.prices, found.bullet, found.waits = before
            break
        found.end = stop
        position, is_first = stop + 1, is_first and not line.strip()
    _close(found, kind)
    return found


def _dash_bullets(folded: str, start: int, end: int) -> bool:
    """Whether 1 - 0.5 numbers the price 0.5: two lines or more that count from 1."""
    lines = [line for line in folded[start:end].split("\n") if line.strip()]
    numbers = [int(match[1]) for line in lines if (match := _DASH_BULLET.match(line))]
    if numbers == [1] and re.match(r"[^\w\n]*1 ?- ?[0-9.,]+ *$", lines[0]):
        raise Doubt(Reason.NUMBER, f"{lines[0].strip()[:40]!r}: is 1 its number or a price")
    return len(numbers) > 1 and numbers == list(range(1, len(numbers) + 1))


def _close(found: Values, kind: Kind) -> None:
    ends_openly = kind is Kind.TARGETS and found.prices and (found.decorated or found.open_end)
    if found.waits and not ends_openly:
        raise Doubt(Reason.FORMAT, f"a numbered line of the {kind} has no price")
    if found.open_end and not found.prices:
        raise Doubt(Reason.FORMAT, "the first target is no price")


@dataclass(slots=True)
class _Line:
    found: Values
    kind: Kind
    line: str
    offset: int
    bullets: bool
    previous: str = ""  # the kind of token before this one, white space aside

    def read(self) -> None:
        position = 0
        if (
            bullet := _LINE_BULLET.match(self.line)
            or (self.bullets and _DASH_BULLET.match(self.line))
            or None
        ):
            number = next(group for group in bullet.groups() if group)
            if self.bullets or "dot" not in bullet.re.groupindex or bullet["hash"] or self._is_dotted(bullet):
                self._bullet(int(number))
                position = bullet.end() if bullet.re is _LINE_BULLET else bullet.end(1) + 1
                if bullet.re is _DASH_BULLET:
                    position = re.compile(r" ?[-:.]").match(self.line, bullet.end(1)).end()  # type: ignore[union-attr]
        while position < len(self.line):
            token = _TOKEN.match(self.line, position)
            assert token is not None, "every character is a token"
            self._token(token)
            position = token.end()

    def _is_dotted(self, bullet: re.Match[str]) -> bool:
        return self.line[bullet.end("dot")] in ".:"

    def _token(self, token: re.Match[str]) -> None:
        name = str(token.lastgroup)
        if token["number"]:
            self._number(token)
            name = "number"
        elif token["percent"]:
            self._percent(token)
            name = "percent"
        elif name == "word":
            self._word(token[0])
        elif name == "times" and self.line[token.start() - 1 : token.start()].strip(" (|"):
            raise Doubt(Reason.NUMBER, f"{token[0]!r} in the {self.kind} is no certain price")
        elif name == "bullet":
            self._bullet(int(token[0][:-1]))
        elif name == "note":
            self._note(token[0])
        elif name == "other":
            self._other(token)
        if name != "space":
            self.previous = token[0] if name == "other" else name

    def _number(self, token: re.Match[str]) -> None:
        run, at = token["number"], token.start()
        before, after = self.line[at - 1 : at], self.line[token.end() : token.end() + 1]
        wrong_before = before and (
            before.isalnum() or (before in ".,'+<>≤≥#\ufffd" and not self._is_arrow(at))
        )
        is_negative = before == "-" and self.previous_is_free(at)
        wrong_after = after and (after.isalnum() or after in "%)'\ufffd*^°²³" or _is_mark(after))
        wrong_after = wrong_after or (
            after in tuple(",.") and self.line[token.end() + 1 : token.end() + 2].isalnum()
        )
        is_ratio = after == ":" and self.line[token.end() + 1 : token.end() + 2].isdigit()
        if wrong_before or wrong_after or is_negative or is_ratio:
            shown = self.line[max(at - 1, 0) : token.end() + 4].strip()
            raise Doubt(Reason.NUMBER, f"{shown!r} in the {self.kind} is no certain price")
        if self.found.open_end:
            raise Doubt(Reason.FORMAT, "a price stands behind the target that is none")
        if self.found.waits and self.found.decorated and "\n" in self.previous:
            raise Doubt(Reason.FORMAT, f"a numbered line of the {self.kind} has no price")
        if self.previous and self.found.market:
            self.found.joined |= self.previous in "-~_/&"
        if self.previous in ("-", "/") and self.found.prices and _is_rest(self.found.prices[-1].digits, run):
            raise Doubt(Reason.NUMBER, f"{run!r} in the {self.kind} may be the end of a price")
        self.found.open_end = after == "+"
        if self.found.open_end and self.kind is not Kind.TARGETS:
            self._unclear(self.line[at : token.end() + 1])
        self.found.prices.extend(written(run, bool(token["k"])))
        self.found.waits = False

    def _is_arrow(self, at: int) -> bool:
        return self.line[max(at - 2, 0) : at] in ("->", "=>", ">>")

    def previous_is_free(self, at: int) -> bool:
        """Whether the minus belongs to the number: nothing that it could part stands before it."""
        rest = self.line[: at - 1].rstrip()
        return not rest or not (rest[-1].isalnum() or rest[-1] in "$€)")

    def _percent(self, token: re.Match[str]) -> None:
        if token["range"] and self.kind is not Kind.STOP:
            raise Doubt(Reason.NUMBER, f"{token[0]!r} in the {self.kind} is no certain price")
        after = self.line[token.end() : token.end() + 1]
        if after.isalnum() or (self.kind is not Kind.STOP and token[0][0] in "+-" and self.found.prices):
            raise Doubt(Reason.NUMBER, f"{token[0]!r} in the {self.kind} is no certain price")
        price = self.found.prices[-1].digits if self.found.prices else ""
        # 5 - 10% is a range of percent; 29 - 100% is the price of all of it.
        if (
            self.kind is Kind.STOP
            and price.isdigit()
            and int(price) <= 100
            and not token[0].startswith("100")
        ):
            raise Doubt(Reason.STOP, f"the stop {price} - {token[0]} may be a percentage")
        self.found.percent = True

    def _bullet(self, number: int) -> None:
        if self.found.waits:
            raise Doubt(Reason.FORMAT, f"a numbered line of the {self.kind} has no price")
        if number != self.found.bullet + 1 or (self.found.prices and not self.found.bullet):
            raise Doubt(
                Reason.FORMAT, f"the {self.kind} are numbered {self.found.bullet or 'from'}, {number}"
            )
        self.found.bullet, self.found.waits, self.found.decorated = number, True, False

    def _note(self, note: str) -> None:
        inner = note[1:-1]
        if inner.isascii() and inner.isdigit() and len(inner) <= 2:
            self._bullet(int(inner))
            return
        said = set(re.findall(r"[^\W\d_]+", inner))
        if said & _PAST:
            raise Doubt(Reason.TICKED, f"{note!r} in the {self.kind} tells of an old signal")
        if said & _CONDITION or any(char.isdigit() for char in _HARMLESS.sub("", inner)):
            self._unclear(note)

    def _word(self, word: str) -> None:
        if word in _PAST:
            raise Doubt(Reason.TICKED, f"{word!r} in the {self.kind} tells of an old signal")
        if self.kind is Kind.TARGETS and word in _MOON:
            self.found.open_end = True
        elif self.kind is Kind.ENTRY and word in _MARKET:
            self.found.market = True
            self.found.joined |= bool(self.found.prices) and self.previous in ("-", "~", "_", "/", "&")
        elif word not in _FILLERS and not (self.kind is Kind.ENTRY and word in _ENTRY_FILLERS):
            raise _UnknownWord(self._reason(), f"{word[:40]!r} in the {self.kind} is not understood")

    def _other(self, token: re.Match[str]) -> None:
        char = token[0]
        if char == "∞" and self.kind is Kind.TARGETS:
            self.found.open_end = True
        elif char in "<>≤≥≈±?%" and not self._arrow_part(token.start()):
            self._unclear(char)
        elif char.isdigit() or char.isnumeric():
            raise Doubt(Reason.NUMBER, f"{char!r} in the {self.kind} is no plain digit")
        elif char in ".," and self.line[token.end() : token.end() + 1].isdigit():
            raise Doubt(
                Reason.NUMBER,
                f"{self.line[token.start() : token.end() + 6]!r} in the {self.kind} is no certain price",
            )
        elif not char.isascii() and not _is_mark(char):
            self.found.decorated = True

    def _arrow_part(self, at: int) -> bool:
        around = self.line[max(at - 1, 0) : at + 2]
        return "->" in around or "=>" in around or ">>" in around

    def _unclear(self, shown: str) -> None:
        raise Doubt(self._reason(), f"{shown[:40]!r} in the {self.kind} is not understood")

    def _reason(self) -> Reason:
        return Reason.STOP if self.kind is Kind.STOP else Reason.FORMAT


def _is_rest(before: str, run: str) -> bool:
    """60 behind 26.50, as people write 26.50-60 for 26.50 to 26.60."""
    whole, _, fraction = before.partition(".")
    if not (whole.isdigit() and fraction.isdigit() and run.isdigit()) or len(run) != len(fraction):
        return False
    return len(fraction) > 1 and not int(whole) / 1.5 <= int(run) <= (int(whole) + 1) * 1.5


def _is_mark(char: str) -> bool:
    """A combining mark, such as the one that strikes a digit out."""
    return "\u0300" <= char <= "\u036f" or "\u20d0" <= char <= "\u20ff"
