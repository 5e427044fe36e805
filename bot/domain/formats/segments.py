"""A message cut into labelled parts; which words are labels here is decided by what stands around them."""

import re
from dataclasses import dataclass, replace

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.words import BEGIN, CONDITION, END, LABELS, Kind, Label, pattern, words
from bot.domain.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """From `at` to `end`; the value begins at `start`."""

    kind: Kind
    phrase: str
    english: bool
    at: int
    start: int
    end: int
    index: int | None = None  # the 1 of TP1
    glued: bool = False  # the value follows the last letter of the label: SL0.37
    marked: bool = False  # by a colon or the like


_BY_PHRASE = {phrase: label for label in LABELS for phrase in words(label.phrases)}
_COMPACT = {re.sub("[ _-]", "", phrase): label for phrase, label in _BY_PHRASE.items()}
_PHRASE = re.compile(
    rf"(?:{BEGIN}(?:{pattern(', '.join(_BY_PHRASE.keys() - {'@'}))})(?![^\W\d_])|@(?= ?[$]?[0-9]))"
)
_INDEX = re.compile(
    r"[-_]?(?P<glued>[0-9]{1,2})(?![0-9.,%xk]|[0-9]*[.,][0-9])"
    r"|[ ]?[-_]?[#№]?(?P<named>[0-9]{1,2})(?=[ ]?[:=)])"
    r"|[ ](?P<bare>[0-9]{1,2})(?=[ ](?:-[ ])?[$]?[0-9])"
)
_NOTE = re.compile(
    r"(?:[ ]?\((?![^()\n]*[0-9])[^()\n]{1,40}\)){0,2}(?:[ ]?[^\w\s:=()\-$€@.,+<>~|/%\"'✅✔☑✓]){0,6}"
)
_MARK = re.compile(r"(?:[ ]*[.]?[ ]*(?::+|=+>?|-+>|→|➜)[)]?)|-(?=[$]?[0-9])|[ ]?[)](?=[ ]?[0-9])")
_NUMBER = re.compile(r"[ @$€~*-]*[0-9]")
_NUMBER_BELOW = re.compile(r"[\s@$€~*-]*\(?[0-9]")
_NO_PRICE = re.compile(
    r"[ @$€~*-]*[0-9][0-9.,]*(?:[ ]?[x×%]|[ ]?-[ ]?[0-9]+[ ]?[x×%]|[^\W\d_ku]|[ ](?:m|h|d|w|min|м"
    r"|ч)(?![^\W_]))"
)
_BEFORE = re.compile(r"(?:[^\w\n]|_){0,40}(?:[0-9]{1,2}[.)] ?(?:[^\w\n]|_){0,9})?")


_CONDITIONAL = re.compile(rf"{BEGIN}(?:{pattern(CONDITION)}){END}")
_NUMBERED = (Kind.ENTRY, Kind.TARGETS, Kind.STOP, Kind.UNSURE)
_MOST = 80


def cut(folded: str) -> list[Segment]:
    found: list[Segment] = []
    for match in _PHRASE.finditer(folded):
        if segment := _labelled(folded, match):
            found.append(segment)
        if len(found) > _MOST:
            raise Doubt(Reason.FORMAT, f"has more than {_MOST} labels: one message is one trade")
    ends = [segment.at for segment in found[1:]] + [len(folded)]
    return [replace(segment, end=end) for segment, end in zip(found, ends, strict=False)]


def line_of(folded: str, segment: Segment) -> tuple[int, int]:
    """Where the line of a value that is no price begins, and its length; a bare label takes the next."""
    start = segment.start
    while start < segment.end and folded[start] in " \n":
        start += 1
    end = folded.find("\n", start, segment.end)
    return start, (end if end >= 0 else segment.end) - start


def _labelled(folded: str, match: re.Match[str]) -> Segment | None:
    """None where the word is talk."""
    phrase = re.sub("[ _-]", "", match[0])
    label = _COMPACT.get(phrase)
    if label is None:
        return None
    position = match.end()
    index = None
    numbered = _INDEX.match(folded, position) if label.kind in _NUMBERED else None
    if numbered and (not numbered["bare"] or _is_one_of_many(folded, match[0], int(numbered["bare"]))):
        index = int(numbered["glued"] or numbered["named"] or numbered["bare"])
        position = numbered.end()
    if note := _NOTE.match(folded, position):
        if label.kind in _NUMBERED and _CONDITIONAL.search(note[0]):
            raise Doubt(Reason.FORMAT, f"{(match[0] + note[0])[:60]!r} makes it a condition")
        position = note.end()
    mark = _MARK.match(folded, position)
    if not _counts(folded, match.start(), label, index, mark.end() if mark else position, marked=bool(mark)):
        return None
    start = mark.end() if mark else position
    return Segment(
        kind=label.kind, phrase=match[0], english=label.english, at=match.start(), start=start, end=start,
        index=index, glued=start == match.end(), marked=bool(mark),
    )  # fmt: skip


def _is_one_of_many(folded: str, phrase: str, bare: int) -> bool:
    """Whether TP 1 0.5 numbers the target 0.5, which its neighbour tells."""
    numbers = {
        int(number) for number in re.findall(rf"{re.escape(phrase)} ([0-9]{{1,2}})(?![0-9.,])", folded)
    }
    if {bare - 1, bare + 1} & numbers:
        return True
    if bare == 1:
        raise Doubt(Reason.NUMBER, f"{phrase} 1: is that its number or a price")
    return False


def _counts(folded: str, at: int, label: Label, index: int | None, position: int, *, marked: bool) -> bool:
    has_number = bool(_NUMBER.match(folded, position))
    begins = bool(_BEFORE.fullmatch(folded, folded.rfind("\n", 0, at) + 1, at))
    if label.kind in (Kind.SYMBOL, Kind.SIDE):
        return marked
    if label.kind is Kind.NOISE:
        return begins
    if label.kind is Kind.LEVERAGE:
        return marked or begins or has_number
    if label.loose:
        below = marked and bool(_NUMBER_BELOW.match(folded, position))
        return (has_number or below) and not _NO_PRICE.match(folded, position)
    return marked or begins or has_number
