"""The page for people: whatever an alert says, it is text."""

import re
from typing import Any

import pytest

from scripts.sink.message import Link, Message
from scripts.sink.pages import SHOWN, age

EVIL = "<script>alert(1)</script><img src=x onerror='alert(1)'>\" onmouseover=\"alert(1)"


async def shown(desk: Any, path: str = "/", **changes: Any) -> str:
    plain: dict[str, Any] = {"channel": "sns", "to": "+1555", "title": "t", "raw": {}}
    await desk.sink.store.add(Message(**(plain | changes)))
    page: str = await desk.text(path)
    return page


@pytest.mark.parametrize("field", ["channel", "to", "status", "alertname", "severity", "title", "text"])
async def test_markup_in_a_notification_shows_as_text(desk: Any, field: str) -> None:
    page = await shown(desk, **{field: EVIL})
    assert page.count("<script>") == 1  # the page's own
    assert "<img" not in page
    assert not re.search(r"<[^>]*\son\w+=", page)


async def test_markup_in_what_was_received_shows_as_text(desk: Any) -> None:
    page = await shown(
        desk, raw={EVIL: EVIL}, warnings=(EVIL,), links=(Link(text=EVIL, href=f"http://x/{EVIL}"),)
    )
    assert page.count("<script>") == 1
    assert "<img" not in page


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", " http://x", "//x", "http://[x"])
async def test_only_web_links_are_anchors(desk: Any, href: str) -> None:
    page = await shown(
        desk, links=(Link(text="bad", href=href), Link(text="good", href="https://sink.example/"))
    )
    assert f"bad: {href}" in page
    assert '<a href="https://sink.example/" rel="noopener noreferrer">good</a>' in page
    assert page.count('rel="noopener noreferrer"') == 1


async def test_a_text_that_is_no_unicode_is_shown_as_far_as_it_goes(desk: Any) -> None:
    assert "a?b" in await shown(desk, title="a\ud800b")


async def test_a_failed_template_is_marked(desk: Any) -> None:
    assert "is <mark>&lt;no value&gt;</mark> now" in await shown(desk, text="is <no value> now")


async def test_the_policy_allows_the_pages_own_style_and_script_only(desk: Any) -> None:
    answer = await desk.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    page = await answer.text()
    assert " style=" not in page
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page


async def test_newest_first_and_filtered_by_channel(desk: Any) -> None:
    for title in ("first", "second"):
        await shown(desk, title=title)
    await shown(desk, title="mailed", channel="email")
    assert re.findall(r"<h2>(\w+)</h2>", await desk.text("/")) == ["mailed", "second", "first"]
    assert re.findall(r"<h2>(\w+)</h2>", await desk.text("/?channel=sns")) == ["second", "first"]
    assert re.findall(r"<h2>(\w+)</h2>", await desk.text("/?channel=nonsense")) == [
        "mailed",
        "second",
        "first",
    ]


async def test_a_long_history_says_how_much_is_left_out(desk: Any) -> None:
    for _ in range(SHOWN + 3):
        await desk.sink.store.add(Message(channel="sns", to="+1555", title="t", raw={}))
    page = await desk.text("/")
    assert page.count("<section") == SHOWN
    assert "3 older ones" in page


async def test_time_is_shown_in_utc_with_its_age(desk: Any) -> None:
    await shown(desk)
    desk.clock.seconds += 125
    assert "2026-03-01 08:00:00 UTC · 2 min ago" in await desk.text("/")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s ago"), (59.9, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age(seconds) == text
