"""A post of a channel: labels with values behind them. Whatever is not certain of it raises Doubt within."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bot.domain.formats import leverage, remarks, sides, symbols
from bot.domain.formats.doubt import Doubt
from bot.domain.formats.normal import UNKNOWN
from bot.domain.formats.numbers import Written, values
from bot.domain.formats.prices import TICKS, Values, read_values
from bot.domain.formats.segments import Segment, cut, line_of
from bot.domain.formats.stray import refuse_stray
from bot.domain.formats.words import Kind
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Remark, Side, Signal, Unreadable

_PARTS = (Kind.ENTRY, Kind.TARGETS, Kind.STOP)
_MOST = {Kind.ENTRY: 10, Kind.TARGETS: 20}
_DIGIT = re.compile(r"\d")  # of any script
_PERCENT = re.compile(r"[0-9.,]+ ?%")
_PRICES = re.compile(r"[^\w\n]{0,9}[0-9][0-9.,$€k ~/&-]*")
_EXPLAINED = {
    Kind.SYMBOL: re.compile(r"[^\w\n]{0,9}\w{1,20}"),
    Kind.IGNORED: _PRICES,
    Kind.UNSURE: _PRICES,
}
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
# How far apart the prices of one trade may lie; further is a slip of the pen, such as a lost decimal point.
_ENTRIES_APART, _STOP_APART, _TARGETS_APART = 3, 5, 10


def read(text: str, folded: str) -> Reading:
    """`text` is normalised, and `folded` is made of it."""
    try:
        segments = cut(folded)
        said = remarks.remark(text, folded, segments)
        if not _means_a_signal(text, folded, segments, said):
            return said
        if remarks.orders_to_close(folded):
            return replace(said, reason=Reason.CLOSE, text="asks to close")
        return _signal(text, folded, segments)
    except Doubt as doubt:
        return Unreadable(reason=doubt.reason, text=doubt.text)


def _means_a_signal(text: str, folded: str, segments: Sequence[Segment], said: Remark) -> bool:
    """Whether it has enough of a signal that calling it talk would hide a signal that could not be read."""
    named = {segment.kind for segment in segments if segment.kind in _PARTS}
    priced = {
        segment.kind
        for segment in segments
        if segment.kind in _PARTS and _DIGIT.search(folded, segment.start, segment.end)
    }
    if len(priced) > 1:
        return True
    if said.reason is not Reason.COMMENTARY:
        return False
    has_side = bool(sides.said(text, folded))
    has_symbol = bool(symbols.named(text, segments))
    has_number = bool(_DIGIT.search(symbols.without(text)))
    return (has_side and has_symbol and (has_number or bool(named))) or (len(named) > 1 and bool(priced))


def _signal(text: str, folded: str, segments: list[Segment]) -> Signal:
    if digit := _FOREIGN_DIGIT.search(text):
        raise Doubt(Reason.NUMBER, f"{digit[0]!r} is no plain digit")
    _refuse_ticks(folded, segments)
    remarks.refuse_old(text, folded)
    side = sides.the_side(text, folded, segments)
    symbol = symbols.the_symbol(text, segments)
    found, consumed = _values(folded, segments)
    remarks.refuse_struck(text)
    prices = {kind: [price for part in found[kind] for price in part.prices] for kind in (*_PARTS, Kind.NOW)}
    kinds = {segment.kind for segment in segments}
    entries = _entries(found, prices, is_announced=Kind.ENTRY in kinds)
    stop, targets = _stop(found, prices), prices[Kind.TARGETS]
    if not targets and Kind.TARGETS in kinds:
        raise Doubt(Reason.FORMAT, "the targets have no price")
    if not stop and not targets:
        raise Doubt(Reason.FORMAT, "names neither a stop nor a target")
    is_english = not any(char.isalpha() and not char.isascii() for char in folded)
    english = is_english and all(segment.english for segment in segments)
    numbers = values([*entries, *stop, *targets], english=english)
    times = leverage.read(folded, segments)
    noise = [segment for segment in segments if segment.kind is Kind.NOISE and segment.marked]
    talk = [(segment.start, (folded + "\n").find("\n", segment.start)) for segment in noise]
    refuse_stray(symbols.without(text), folded, [*consumed, *times.spans], talk, numbers)
    signal = Signal(
        side=side,
        symbol=symbol,
        entries=tuple(numbers[: len(entries)]),
        stop=numbers[len(entries)] if stop else None,
        targets=tuple(numbers[len(entries) + len(stop) :]),
        leverage=times.times,
        margin_mode=times.mode,
    )
    _refuse_contradiction(signal)
    return signal


def _refuse_ticks(folded: str, segments: Sequence[Segment]) -> None:
    """A tick behind anything marks it as reached; as a bullet it stands before every single target."""
    if UNKNOWN in folded:
        raise Doubt(Reason.FORMAT, "has a character that cannot be shown")
    lines = folded.split("\n")
    boxed = [line for line in lines if re.match(r"[^\w\n]{0,20}☑[^\w]*[0-9]", line)]
    plain = [line for line in lines if re.match(r" *(?:[0-9]{1,2}\) *)?[0-9]", line)]
    for line in lines:
        ticks = [at for at, char in enumerate(line) if char in TICKS]
        if not ticks:
            continue
        is_bullet = line in boxed and not plain and len(boxed) > 1 and not _alnum(line[: ticks[-1]])
        is_title = not _DIGIT.search(line) and not _alnum(line[: ticks[0]])
        if not is_bullet and not is_title:
            raise Doubt(Reason.TICKED, f"{line.strip()[:60]!r} is marked as reached")


def _alnum(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _values(
    folded: str, segments: Sequence[Segment]
) -> tuple[dict[Kind, list[Values]], list[tuple[int, int]]]:
    """The values of each kind, and the spans that they were read from."""
    found: dict[Kind, list[Values]] = {kind: [] for kind in (*_PARTS, Kind.NOW)}
    consumed, numbered = [], dict.fromkeys(Kind, 0)
    for segment in segments:
        if segment.kind not in found:
            consumed.append((segment.at, _known(folded, segment)))
            said = _PERCENT.sub("", folded[segment.start : sum(line_of(folded, segment))])
            if segment.kind is Kind.UNSURE and _DIGIT.search(said):
                raise Doubt(Reason.FORMAT, f"what {segment.phrase!r} means for the trade is not certain")
            continue
        segment = _unglued(folded, segment, numbered[segment.kind])
        part = read_values(folded, segment.kind, segment.start, segment.end)
        consumed.append((segment.at, part.end))
        if segment.index is not None:
            _count(segment, numbered, part)
        if part.prices or part.market or part.percent or segment.kind is Kind.STOP:
            _once(segment, part, found, numbered)
            found[segment.kind].append(part)
        elif segment.index is not None and not part.open_end and not part.decorated:
            raise Doubt(Reason.FORMAT, f"{segment.phrase} {segment.index} has no price")
    return found, consumed


def _known(folded: str, segment: Segment) -> int:
    """Where the part ends that a label which is no price explains; numbers behind it are looked at."""
    start, length = line_of(folded, segment)
    explained = _EXPLAINED.get(segment.kind)
    match = explained.match(folded, start, start + length) if explained else None
    return match.end() if match else segment.start


def _unglued(folded: str, segment: Segment, before: int) -> Segment:
    """TP41.3100 behind TP3 is target 4 at 1.3100."""
    run = re.compile("[0-9][0-9.,]*").match(folded, segment.start)
    if not (segment.glued and run and segment.kind in (Kind.TARGETS, Kind.ENTRY)) or segment.phrase == "@":
        return segment
    number = str(before + 1)
    if before < 1 or not re.match(rf"{number}[0-9]", run[0]):
        raise Doubt(Reason.NUMBER, f"{segment.phrase + run[0]!r}: where its number ends is not certain")
    return replace(segment, start=segment.start + len(number), index=before + 1)


def _count(segment: Segment, numbered: dict[Kind, int], part: Values) -> None:
    if segment.index != numbered[segment.kind] + 1:
        raise Doubt(Reason.FORMAT, f"{segment.phrase} {segment.index} is not the next of its kind")
    numbered[segment.kind] += 1
    if len(part.prices) > 1 and segment.kind is Kind.TARGETS:
        raise Doubt(Reason.FORMAT, f"{segment.phrase} {segment.index} has {len(part.prices)} prices")


def _once(segment: Segment, part: Values, found: dict[Kind, list[Values]], numbered: dict[Kind, int]) -> None:
    """One list, or numbered parts, or unnumbered targets of one price each, or lists by their term."""
    before = found[segment.kind]
    if not before:
        return
    are_numbered = segment.index is not None and numbered[segment.kind] == len(before) + 1
    are_single = segment.index is None and not numbered[segment.kind]
    are_single = are_single and all(len(one.prices) == 1 for one in (*before, part))
    is_term = segment.phrase.split("-")[0].split(" ")[0] in ("short", "mid", "long")
    if segment.kind is Kind.TARGETS and (are_numbered or are_single or is_term):
        return
    if segment.kind is Kind.ENTRY and are_numbered:
        return
    reason = Reason.STOP if segment.kind is Kind.STOP else Reason.FORMAT
    raise Doubt(reason, f"names the {segment.kind} twice")


def _entries(
    found: dict[Kind, list[Values]], prices: dict[Kind, list[Written]], *, is_announced: bool
) -> list[Written]:
    entries = prices[Kind.ENTRY]
    if any(part.market for part in found[Kind.ENTRY]):
        if len(entries) > 1 or any(part.joined for part in found[Kind.ENTRY]):
            raise Doubt(Reason.FORMAT, "the entry is both at the market and at a price")
        return entries
    if not found[Kind.ENTRY] and is_announced:
        raise Doubt(Reason.FORMAT, "the entry is announced and not given")
    if not found[Kind.ENTRY]:
        now = prices[Kind.NOW]
        if len(now) > 1:
            raise Doubt(Reason.FORMAT, "names more than one price of now")
        return now
    if not entries:
        raise Doubt(Reason.FORMAT, "the entry has no price")
    return entries


def _stop(found: dict[Kind, list[Values]], prices: dict[Kind, list[Written]]) -> list[Written]:
    if not found[Kind.STOP]:
        return []
    if len(prices[Kind.STOP]) != 1:
        has = "a percentage" if found[Kind.STOP][0].percent else f"{len(prices[Kind.STOP])} prices"
        raise Doubt(Reason.STOP, f"the stop has {has} where one price should stand")
    return prices[Kind.STOP]


def _refuse_contradiction(signal: Signal) -> None:
    """Raises Doubt where stop, entries and targets do not lie in the order that the side wants."""
    entries, targets = signal.entries, signal.targets
    if len(entries) > _MOST[Kind.ENTRY] or len(targets) > _MOST[Kind.TARGETS]:
        raise Doubt(Reason.FORMAT, f"has {len(entries)} entries and {len(targets)} targets")
    if len(set(targets)) < len(targets):
        raise Doubt(Reason.FORMAT, "names a target twice")
    sign = 1 if signal.side is Side.BUY else -1
    stop = () if signal.stop is None else (signal.stop,)
    _refuse_apart(entries, _ENTRIES_APART)
    if stop and any(sign * price <= sign * stop[0] for price in entries or targets):
        raise Doubt(
            Reason.STOP_SIDE, f"the stop {stop[0]:f} lies on the wrong side for a {_name(signal.side)}"
        )
    for target in targets:
        if any(sign * target <= sign * entry for entry in entries):
            raise Doubt(
                Reason.TARGET_SIDE, f"the target {target:f} lies on the wrong side for a {_name(signal.side)}"
            )
    _refuse_apart((*entries, *stop), _STOP_APART)
    _refuse_apart((*entries, *targets), _TARGETS_APART)
    _refuse_apart((*stop, *targets), _STOP_APART + _TARGETS_APART)


def _refuse_apart(prices: Sequence[Decimal], times: int) -> None:
    if prices and max(prices) > min(prices) * times:
        raise Doubt(Reason.NUMBER, f"{min(prices):f} and {max(prices):f} are too far apart for one trade")


def _name(side: Side) -> str:
    return "long" if side is Side.BUY else "short"
