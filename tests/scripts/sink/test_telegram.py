"""The sink as api.telegram.org: what it takes, refuses and hands out, as Telegram documents it."""

import asyncio
from typing import Any

import pytest

TOKEN = "1000000001:0123456789abcdef0123456789abcdef"


async def called(desk: Any, method: str, token: str = TOKEN, **parameters: Any) -> tuple[int, dict[str, Any]]:
    answer = await desk.client.post(f"/bot{token}/{method}", json=parameters)
    return answer.status, await answer.json()


async def said(desk: Any, text: str, **more: Any) -> None:
    answer = await desk.client.post("/telegram/say", json={"from": 7, "chat": 7, "text": text, **more})
    assert answer.status == 200


async def test_a_message_is_taken_and_shown_without_the_token(desk: Any) -> None:
    status, told = await called(desk, "sendMessage", chat_id=-5, text="opened <b>\nstop 1")
    assert (status, told["ok"], told["result"]["message_id"]) == (200, True, 1)
    [kept] = await desk.notifications("channel=telegram")
    assert (kept["to"], kept["title"], kept["text"]) == ("-5", "opened <b>", "stop 1")
    page = await desk.text("/?channel=telegram")
    assert "opened &lt;b&gt;" in page
    assert TOKEN not in page
    assert TOKEN not in str(kept)


async def test_it_may_be_sent_as_a_form_too(desk: Any) -> None:
    answer = await desk.client.post(f"/bot{TOKEN}/sendMessage", data={"chat_id": "5", "text": "hello"})
    assert answer.status == 200
    assert [each["title"] for each in await desk.notifications("channel=telegram")] == ["hello"]


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": "me", "text": "x"}, "Bad Request: chat not found"),
        ({"chat_id": 5}, "Bad Request: message text is empty"),
        ({"chat_id": 5, "text": " \n"}, "Bad Request: message text is empty"),
        ({"chat_id": 5, "text": "\N{ROCKET}" * 2049}, "Bad Request: message is too long"),
    ],
)
async def test_what_telegram_refuses_is_refused(
    desk: Any, parameters: dict[str, Any], description: str
) -> None:
    status, told = await called(desk, "sendMessage", **parameters)
    assert (status, told) == (400, {"ok": False, "error_code": 400, "description": description})
    assert await desk.notifications("channel=telegram") == []


@pytest.mark.parametrize(("token", "method"), [("wrong", "getMe"), (TOKEN, "setWebhook")])
async def test_a_wrong_token_or_method_is_not_found(desk: Any, token: str, method: str) -> None:
    assert await called(desk, method, token) == (
        404,
        {"ok": False, "error_code": 404, "description": "Not Found"},
    )


async def test_the_bot_has_a_name(desk: Any) -> None:
    assert (await called(desk, "getMe"))[1]["result"]["username"] == "tradewatch_bot"


async def test_what_a_person_says_is_handed_out_until_it_is_taken_as_read(desk: Any) -> None:
    await said(desk, "/status")
    await said(desk, "/halt", date=12, more={"edit_date": 13})
    _, told = await called(desk, "getUpdates")
    first, second = told["result"]
    assert (first["message"]["from"]["id"], first["message"]["text"]) == (7, "/status")
    assert (second["message"]["date"], second["message"]["edit_date"]) == (12, 13)
    assert (await called(desk, "getUpdates", limit=1))[1]["result"] == [first]
    assert (await called(desk, "getUpdates", offset=first["update_id"] + 1))[1]["result"] == [second]
    assert (await called(desk, "getUpdates", offset=second["update_id"] + 1))[1]["result"] == []
    assert (await called(desk, "getUpdates"))[1]["result"] == []


async def test_an_empty_answer_is_held_back_until_somebody_speaks(desk: Any) -> None:
    waiting = asyncio.create_task(called(desk, "getUpdates", timeout=50))
    await asyncio.sleep(0)
    await said(desk, "hello")
    _, told = await waiting
    assert [each["message"]["text"] for each in told["result"]] == ["hello"]


async def test_of_two_who_ask_the_first_is_sent_away(desk: Any) -> None:
    first = asyncio.create_task(called(desk, "getUpdates", timeout=50))
    second = asyncio.create_task(called(desk, "getUpdates", timeout=50))
    done, _ = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
    assert done.pop().result()[0] == 409
    await said(desk, "hello")
    assert {first.result()[0] if first.done() else (await first)[0], (await second)[0]} == {200, 409}


async def test_whoever_is_told_to_wait_and_does_not_is_counted(desk: Any) -> None:
    await desk.client.post("/telegram/faults", json={"status": 429, "retry_after": 3, "times": 1})
    status, told = await called(desk, "sendMessage", chat_id=5, text="x")
    assert (status, told["parameters"]) == (429, {"retry_after": 3})
    assert told["description"] == "Too Many Requests: retry after 3"
    desk.clock.seconds += 2
    assert (await called(desk, "sendMessage", chat_id=5, text="x"))[1]["parameters"] == {"retry_after": 2}
    desk.clock.seconds += 1.5
    assert (await called(desk, "sendMessage", chat_id=5, text="x"))[0] == 200
    assert await (await desk.get("/telegram/faults")).json() == {"failing": False, "early": 1}


@pytest.mark.parametrize(
    ("status", "description"),
    [(401, "Unauthorized"), (403, "Forbidden: bot was blocked by the user"), (500, "Internal Server Error")],
)
async def test_a_fault_lasts_until_it_is_taken_away(desk: Any, status: int, description: str) -> None:
    await desk.client.post("/telegram/faults", json={"status": status, "method": "sendMessage"})
    for _ in range(2):
        told = await called(desk, "sendMessage", chat_id=5, text="x")
        assert told == (status, {"ok": False, "error_code": status, "description": description})
    assert (await called(desk, "getMe"))[0] == 200
    await desk.client.delete("/telegram/faults")
    assert (await called(desk, "sendMessage", chat_id=5, text="x"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [("say", {"text": "x"}), ("say", []), ("faults", {"state": 1}), ("faults", "no")],
)
async def test_what_cannot_be_played_is_refused(desk: Any, path: str, body: Any) -> None:
    answer = await desk.client.post(f"/telegram/{path}", json=body)
    assert answer.status == 400
    assert (await answer.json())["error"]
