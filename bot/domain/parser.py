"""A message becomes a signal, or the reason why it is none; what cannot be read with certainty is refused.

A message is brought into one way of writing (formats/normal.py), and goes to the first of FORMATS that claims
it. Most channels differ only in their words and decorations, so that a new format is:

- a word that is new: one more phrase in its row of LABELS, or of another table in formats/words.py;
- a way of writing that no word can name: one more row of the quirks in formats/normal.py;
- something else altogether: a row of FORMATS, with a reader in a file of its own in formats/;

and always a case in tests/bot/messages/, beside one that differs a little and must be refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain.formats import labelled, order_line, remarks
from bot.domain.formats.normal import fold, normalise
from bot.domain.reason import Reason
from bot.domain.signal import LONGEST, Reading, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message as it came, in one way of writing, and the same as long folded for comparing words."""

    raw: str
    text: str
    folded: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way in which people write. `claims` is loose, so that `read` can say what is wrong."""

    name: str
    claims: Callable[[Post], bool]
    read: Callable[[Post], Reading]


def parse(text: str) -> Reading:
    if len(text) > LONGEST:
        return Unreadable(reason=Reason.TOO_LONG, text=f"longer than {LONGEST} characters")
    usual = normalise(text)
    post = Post(raw=text, text=usual, folded=fold(usual))
    return next(form.read(post) for form in FORMATS if form.claims(post))


_SIDE_WORD = re.compile(r"(?<!\w)(?:buy|sell)(?!\w)", re.ASCII | re.IGNORECASE)
_LABELLED = re.compile(r"[:=#|()✅✔☑]|entry|target|leverage|stop|long|short|zone|\btp[0-9]")


def _is_order_line(post: Post) -> bool:
    """One line that begins with the side, or names it beside a symbol, and no word that only posts have."""
    words = post.folded.split()
    if not _SIDE_WORD.search(post.raw) or _LABELLED.search(post.folded) or "\n" in post.raw.strip():
        return False
    starts = bool(_SIDE_WORD.fullmatch(words[0])) and (
        len(words) < 3 or re.search("[0-9]", post.folded) is not None
    )
    return starts or "usdt" in post.folded


FORMATS: Sequence[Format] = (
    Format(
        name="quoted reply",
        claims=lambda post: remarks.is_quote(post.folded),
        read=lambda post: remarks.remark(post.text, post.folded),
    ),
    Format(name="order line", claims=_is_order_line, read=lambda post: order_line.read(post.raw)),
    Format(
        name="labelled post", claims=lambda _: True, read=lambda post: labelled.read(post.text, post.folded)
    ),
)
