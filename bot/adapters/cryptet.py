"""Fetches the page that a post of cryptet links to, from that site alone, and has it read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import urljoin

import aiohttp

from bot.domain.cryptet import LOCKED_OUT, Link, check_time, cookie_values, find_link, parse_link
from bot.domain.cryptet_page import read_page
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Unreadable

LARGEST = 2**20  # bytes of a page
MOST_REDIRECTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. The page may come a little later than the post, so it is tried again after each pause."""

    once: float = 10.0
    pauses: tuple[float, ...] = (2.0, 4.0)
    in_all: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whose pages to read, and as whom; `base_url` is that of a simulated one."""

    cookies: str = ""
    base_url: str = ""

    def __repr__(self) -> str:
        return f"Site(base_url={self.base_url!r}, cookies hidden)"

    def url(self, link: Link) -> str:
        return f"{self.base_url or f'https://{link.host}'}{link.path}"

    def link(self, url: str) -> Link | None:
        if self.base_url and url.startswith(f"{self.base_url}/"):
            url = f"https://cryptet.com{url.removeprefix(self.base_url)}"
        return parse_link(url)


class _NotYet(Exception):  # noqa: N818 - named by what follows from it
    """The page did not come, and may come in a moment."""


class _Refused(Exception):  # noqa: N818 - named by what follows from it
    """The page did not come, and trying again would not change that."""


def _refuse(text: str) -> NoReturn:
    raise _Refused(text)


class Cryptet:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        site: Site,
        patience: Patience | None = None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = http
        self._site = site
        self._patience = patience or Patience()
        self._wall = wall

    async def read(self, text: str, links: Sequence[str]) -> Reading:
        link = find_link(text, links)
        if not isinstance(link, Link):
            return link
        if late := check_time(link, self._wall()):
            return late
        try:
            html = await self._fetch(link)
        except _Refused as error:
            return Unreadable(reason=Reason.PAGE, text=str(error))
        return read_page(html, link, self._wall())

    async def _fetch(self, link: Link) -> str:
        failed = "no answer"
        try:
            async with asyncio.timeout(self._patience.in_all):
                for pause in (*self._patience.pauses, None):
                    try:
                        return await self._once(link)
                    except _NotYet as error:
                        failed = str(error)
                    if pause is not None:
                        await asyncio.sleep(pause)
        except TimeoutError:
            pass
        _refuse(f"the page did not come: {failed}; see whether {self._site.url(link)} opens in a browser")

    async def _once(self, link: Link) -> str:
        """Raises _NotYet or _Refused; no text of aiohttp's goes out, for it may hold what was sent."""
        try:
            async with asyncio.timeout(self._patience.once):
                return await self._followed(link)
        except TimeoutError:
            raise _NotYet(f"no answer within {self._patience.once:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _NotYet(type(error).__name__) from None

    async def _followed(self, link: Link) -> str:
        """Redirects lead to the same signal, as to one in another language, or nowhere."""
        there = link
        for _ in range(MOST_REDIRECTS + 1):
            url = self._site.url(there)
            headers = {"Accept": "text/html", "Accept-Encoding": "identity"}
            if self._site.cookies:
                headers["Cookie"] = self._site.cookies
            async with self._http.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    return await self._page(response)
                found = self._site.link(_joined(url, response.headers.get("Location", "")))
            if found is None or not found.is_same_signal(link):
                _refuse(
                    "the page sends one elsewhere instead of showing the signal; "
                    "if to a login, CRYPTET_COOKIES is missing or has expired; set it anew"
                )
            there = found
        _refuse(f"the page redirects more than {MOST_REDIRECTS} times; see whether {url} opens in a browser")

    async def _page(self, response: aiohttp.ClientResponse) -> str:
        if response.status in (404, 408, 425, 429) or response.status >= 500:
            raise _NotYet(f"status {response.status}")
        if response.status in (401, 403):
            _refuse(f"cryptet answered with status {response.status}, as if it {LOCKED_OUT}")
        if response.status != 200:
            _refuse(f"the page did not come: status {response.status}")
        if response.content_type != "text/html" or (response.charset or "utf-8").lower() != "utf-8":
            _refuse(
                f"the page is {response.headers.get('Content-Type', 'nothing')[:60]!r}, not HTML in UTF-8"
            )
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            _refuse("the page came compressed, which was not asked for")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST:
                _refuse(f"the page is larger than {LARGEST} bytes; a signal's is not")
        try:
            return self._without_cookies(body.decode("utf-8"))
        except UnicodeDecodeError:
            _refuse("the page is not in UTF-8")

    def _without_cookies(self, html: str) -> str:
        """What is told of a page quotes it, so it must not hold what we sent."""
        for value in cookie_values(self._site.cookies):
            html = html.replace(value, "(cookie)")
        return html


def _joined(url: str, to: str) -> str:
    try:
        return urljoin(url, to)
    except ValueError:
        return ""


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[Cryptet]:
    """With connections of its own: nothing of this site is kept, and nothing goes to another."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as session:
        yield Cryptet(session, site)
