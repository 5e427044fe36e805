"""The page behind a post: from which site it is fetched, with what, how often, and what comes of failures."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.adapters.cryptet import LARGEST, Cryptet, Patience, Site, opened
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Side, Signal, Unreadable

PATH = "/signals/one/btc_usdt/2025/08/14/1830"
LINK = f"https://cryptet.com{PATH}?utm_campaign=notification&utm_medium=telegram"
NOW = datetime(2025, 8, 14, 18, 31, tzinfo=UTC)
COOKIES = "session=sentinel-of-a-session; theme=dark"
PAGE = (
    "<html lang='en'><h1>BTC/USDT LONG</h1><p>Entry Price: 114950</p>"
    "<p>Take Profit*</p><p>115310</p><p>Stop Loss: 114490</p></html>"
)
SIGNAL = Signal(
    side=Side.BUY,
    symbol="BTC-USDT",
    entries=(Decimal(114950),),
    stop=Decimal(114490),
    targets=(Decimal(115310),),
)
SOON = Patience(once=2.0, pauses=(0.0, 0.0), in_all=5.0)
Answer = Callable[[web.Request], web.StreamResponse]


def html(text: str = PAGE, status: int = 200, **headers: str) -> Answer:
    made = {"Content-Type": "text/html; charset=utf-8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return lambda _: web.Response(status=status, body=text.encode(), headers=made)


def to(location: str, status: int = 302) -> Answer:
    return lambda _: web.Response(status=status, headers={"Location": location})


def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass(slots=True, kw_only=True)
class Stub:
    """Answers one after the other, the last again and again; remembers who asked for what."""

    answers: Sequence[Answer]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.raw_path)
        self.headers.append(dict(request.headers))
        return self.answers[min(len(self.asked), len(self.answers)) - 1](request)


@asynccontextmanager
async def serving(handler: Callable[[web.Request], object]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def site(*answers: Answer) -> AsyncIterator[Stub]:
    stub = Stub(answers=answers)
    async with serving(stub.answer) as url:
        stub.url = url
        yield stub


async def read(
    stub: Stub,
    patience: Patience = SOON,
    *,
    text: str = "BTC/USDT",
    links: Sequence[str] = (LINK,),
    cookies: str = COOKIES,
    now: datetime = NOW,
) -> Reading:
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as session:
        where = Site(cookies=cookies, base_url=f"{stub.url}/cryptet")
        return await Cryptet(session, where, patience, wall=lambda: now).read(text, links)


async def refused(told: str, *answers: Answer, asked: int = 1, reason: Reason = Reason.PAGE) -> None:
    async with site(*answers) as stub:
        got = await read(stub)
        assert isinstance(got, Unreadable), got
        assert got.reason is reason, got
        assert told in got.text
        assert "sentinel" not in got.text
        assert len(stub.asked) == asked


async def test_a_post_becomes_a_signal() -> None:
    async with site(html()) as stub:
        assert await read(stub) == SIGNAL
        assert stub.asked == [f"/cryptet{PATH}"], "what comes after ? is dropped"
        assert stub.headers[0]["Cookie"] == COOKIES
        assert stub.headers[0]["Accept-Encoding"] == "identity"


async def test_without_cookies_none_are_sent_and_none_are_kept() -> None:
    async with site(html(status=404, Set_Cookie="a=b"), html()) as stub:
        assert await read(stub, cookies="") == SIGNAL
        assert ["Cookie" in each for each in stub.headers] == [False, False]


async def test_a_post_that_leads_nowhere_is_never_asked_for() -> None:
    async with site(html()) as stub:
        for links in ((), (LINK, LINK.replace("btc", "eth")), ("https://cryptet.com.example.org" + PATH,)):
            got = await read(stub, links=links)
            assert isinstance(got, Unreadable)
            assert got.reason is Reason.LINK
        old = await read(stub, now=datetime(2025, 8, 15, 0, 31, tzinfo=UTC))
        assert isinstance(old, Unreadable)
        assert old.reason is Reason.EXPIRED
        assert stub.asked == []


@pytest.mark.parametrize("first", [html(status=404), html(status=500), html(status=502), cut])
async def test_a_page_that_comes_a_little_later(first: Answer) -> None:
    async with site(first, first, html()) as stub:
        assert await read(stub) == SIGNAL
        assert set(stub.asked) == {f"/cryptet{PATH}"}, "no other URL is guessed"


@pytest.mark.parametrize(("status", "told"), [(404, "status 404"), (503, "status 503")])
async def test_three_tries_and_no_more(status: int, told: str) -> None:
    await refused(told, html(status=status), asked=3)


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_locked_out_is_told_of_the_cookies(status: int) -> None:
    await refused("CRYPTET_COOKIES", html(status=status))


async def test_a_login_page_tells_of_the_cookies() -> None:
    await refused("CRYPTET_COOKIES", html("<form><input type=password></form>"))
    await refused("CRYPTET_COOKIES", to("/cryptet/login"))


async def test_other_statuses_are_the_end() -> None:
    await refused("status 410", html(status=410))
    await refused("status 204", html(status=204))


@pytest.mark.parametrize(
    "location",
    [
        f"/cryptet/de{PATH}",
        f"https://cryptet.com/de{PATH}",
        f"http://www.cryptet.com/de{PATH}/?again",
        f"//cryptet.com/de{PATH}",
    ],
)
async def test_a_redirect_to_the_same_signal_is_followed(location: str) -> None:
    async with site(to(location), html()) as stub:
        assert await read(stub) == SIGNAL
        assert stub.asked == [f"/cryptet{PATH}", f"/cryptet/de{PATH}"]


async def test_a_redirect_to_anywhere_else_is_not() -> None:
    other = Stub(answers=[html()])
    async with serving(other.answer) as url:
        for location in (
            f"{url}/cryptet{PATH}",
            f"https://cryptet.com.example.org{PATH}",
            f"https://cryptet.com@127.0.0.1{PATH}",
            f"https://cryptet.com:8443{PATH}",
            f"/cryptet{PATH}".replace("1830", "1831"),
            f"/cryptet{PATH}".replace("btc", "eth"),
            "/cryptet/de/",
            "file:///etc/passwd",
            "http://[",
        ):
            await refused("elsewhere", to(location))
        assert other.asked == []


async def test_redirects_in_a_circle_end() -> None:
    await refused("redirects more than 3 times", to(f"/cryptet{PATH}"), asked=4)


async def test_a_page_that_is_too_large_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while sent < 64 * LARGEST:
            await response.write(b"x" * 65536)
            sent += 65536
        return response

    async with serving(endless) as url:
        got = await read(Stub(answers=[], url=url))
    assert isinstance(got, Unreadable)
    assert "larger than 1048576 bytes" in got.text
    assert sent < 64 * LARGEST
    async with site(html(PAGE + "x" * (LARGEST - len(PAGE)))) as stub:
        assert await read(stub) == SIGNAL


async def test_what_is_no_html_in_utf_8_is_not_read() -> None:
    await refused("application/json", html(Content_Type="application/json"))
    await refused("not HTML in UTF-8", html(Content_Type="text/html; charset=utf-7"))
    await refused("compressed", html(Content_Encoding="gzip"))
    latin = "ausgeführt".encode("latin-1")
    await refused("not in UTF-8", lambda _: web.Response(body=latin, content_type="text/html"))


async def test_a_slow_page_is_given_up_and_tried_again() -> None:
    never = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    async with serving(slow) as url:
        got = await read(Stub(answers=[], url=url), Patience(once=0.05, pauses=(0.0, 0.0), in_all=30.0))
        assert isinstance(got, Unreadable)
        assert "no answer within 0.05 s" in got.text
        got = await read(Stub(answers=[], url=url), Patience(once=30.0, pauses=(0.0, 0.0), in_all=0.05))
        assert isinstance(got, Unreadable)
        assert "did not come: no answer; see whether" in got.text


async def test_a_page_that_stops_in_the_middle_is_tried_again() -> None:
    asked: list[str] = []

    async def halves(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if len(asked) > 1:
            return html()(request)
        response = web.StreamResponse(headers={"Content-Type": "text/html", "Content-Length": "9999"})
        await response.prepare(request)
        await response.write(PAGE.encode())
        return cut(request)

    async with serving(halves) as url:
        assert await read(Stub(answers=[], url=url)) == SIGNAL


async def test_cookies_that_a_page_shows_do_not_get_into_what_is_told_of_it() -> None:
    shown = PAGE.replace("114490", "sentinel-of-a-session")
    await refused("(cookie)", html(shown), reason=Reason.STOP)


class Nowhere(AbstractResolver):
    """Remembers whose address was asked for, and knows none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        self.asked.append((host, port))
        raise OSError("no such host")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("given", ["http://cryptet.com", "HTTPS://CRYPTET.COM", "https://cryptet.com"])
async def test_the_real_site_is_asked_by_https_alone(given: str) -> None:
    nowhere = Nowhere()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=nowhere)) as session:
        reader = Cryptet(session, Site(cookies=COOKIES), SOON, wall=lambda: NOW)
        got = await reader.read("BTC/USDT", [given + PATH])
    assert isinstance(got, Unreadable)
    assert f"https://cryptet.com{PATH}" in got.text
    assert set(nowhere.asked) == {("cryptet.com", 443)}


async def test_nobody_sees_cookies_by_looking_at_the_site() -> None:
    assert "sentinel" not in repr(Site(cookies=COOKIES))
    async with opened(Site(cookies=COOKIES)) as reader:
        assert "sentinel" not in repr(reader)
