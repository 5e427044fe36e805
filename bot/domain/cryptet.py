"""A post of cryptet names one signal by its link; the pair is all that it may say besides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.reason import Reason
from bot.domain.signal import Remark, Unreadable

LIFE = timedelta(hours=6)  # of a signal, from the time in its link
ANY_ZONE = timedelta(hours=14)  # a time of day is at most so far ahead of the same one in UTC
SHORTEST_HIDDEN = 8  # a shorter value of a cookie is no secret, and may well stand in a price

_HOST = r"https?://(?P<host>(?:www\.)?cryptet\.com)"
_PATH = r"(?:/(?P<language>[a-z]{2}))?/signals/one/(?P<base>[a-z0-9]{1,20})_(?P<quote>[a-z0-9]{1,10})"
_TIME = r"/(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/(?P<day>[0-9]{2})/(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})"
_LINK = re.compile(rf"{_HOST}{_PATH}{_TIME}/?(?:[?#]\S*)?", re.ASCII | re.IGNORECASE)
_OF_SIGNALS = re.compile(r"https?://[^/?#]*cryptet[^?#]*/signals\b", re.ASCII | re.IGNORECASE)
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
# Without anything in between only USDT makes a pair of a word: "soon BTC" is none.
PAIRS = re.compile(
    r"(?<![A-Z0-9])([A-Z0-9]{1,20}?)(?: ?[/_-] ?|(?=USDT))(USDT|USDC|USD|EUR|BTC|ETH)(?![A-Z0-9])",
    re.ASCII | re.IGNORECASE,
)

LOCKED_OUT = (
    "asks to log in or whether a person is there: CRYPTET_COOKIES is missing or has expired; set it anew"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link to a signal says; the URL is made of this again, and never used as it was given."""

    host: str
    language: str
    base: str
    quote: str
    at: datetime  # in UTC, as far as anybody knows

    @property
    def path(self) -> str:
        language = f"/{self.language}" if self.language else ""
        return f"{language}/signals/one/{self.base}_{self.quote}/{self.at:%Y/%m/%d/%H%M}"

    @property
    def pair(self) -> tuple[str, str]:
        return self.base.upper(), self.quote.upper()

    def is_same_signal(self, other: "Link") -> bool:
        return (self.pair, self.at) == (other.pair, other.at)


def parse_link(url: str) -> Link | None:
    found = _LINK.fullmatch(url)
    if found is None:
        return None
    parts = {name: (text or "").lower() for name, text in found.groupdict().items()}
    try:
        told = "".join(parts[name] for name in ("year", "month", "day", "hour", "minute"))
        at = datetime.strptime(told, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Link(
        host=parts["host"], language=parts["language"], base=parts["base"], quote=parts["quote"], at=at
    )


def find_link(text: str, links: Sequence[str]) -> Link | Remark | Unreadable:
    """The one signal that the post is about. It may show the pair, its link, and no word more."""
    found = [link for url in links if (link := parse_link(url))]
    shown = {(base.upper(), quote.upper()) for base, quote in PAIRS.findall(_URL.sub(" ", text))}
    if not found:
        if not shown and not any(_OF_SIGNALS.match(url) for url in links):
            return Remark(reason=Reason.COMMENTARY, text="neither a pair nor a link to a signal")
        return no(Reason.LINK, "no link to a signal; open the post in Telegram and look where it leads")
    link = found[0]
    if not all(link.is_same_signal(other) for other in found):
        return no(
            Reason.LINK,
            f"links to {len({(each.pair, each.at) for each in found})} signals; a post is about one",
        )
    if len(shown) > 1:
        return no(Reason.SYMBOLS, f"shows {len(shown)} pairs; a post is about one")
    if shown and shown != {link.pair}:
        return no(Reason.LINK, f"shows {'/'.join(*shown)}, and links to {'/'.join(link.pair)}")
    if link.pair[1] != "USDT":
        return no(Reason.NO_SYMBOL, f"{'/'.join(link.pair)} is not traded against USDT")
    more = PAIRS.sub(" ", _URL.sub(" ", text))
    if any(each.isalnum() for each in more):
        return no(Reason.FORMAT, f"says more than the pair: {short(more)}; a new signal of cryptet does not")
    return link


def check_time(link: Link, now: datetime) -> Unreadable | None:
    """The zone of a link's time is not known. As UTC it may seem hours off, so this only bounds it."""
    if link.at > now + ANY_ZONE:
        return no(Reason.FUTURE, f"its link is of {link.at:%Y-%m-%d %H:%M}, which is later than now anywhere")
    if link.at + LIFE < now:
        return no(Reason.EXPIRED, f"its link is of {link.at:%Y-%m-%d %H:%M}, more than 6 hours ago")
    return None


def cookie_values(cookies: str) -> list[str]:
    """What of a Cookie header nobody may read."""
    values = (each.partition("=")[2].strip() for each in cookies.split(";"))
    return [value for value in values if len(value) >= SHORTEST_HIDDEN]


def no(reason: Reason, text: str) -> Unreadable:
    return Unreadable(reason=reason, text=text)


def short(text: str) -> str:
    return repr(" ".join(text.split())[:40])
