"""Text messages: Amazon's answers, and warnings for what a phone would not show as meant."""

from typing import Any
from xml.etree import ElementTree

import pytest

PHONE = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": "+4915112345678"}
SPACE = "{http://sns.amazonaws.com/doc/2010-03-31/}"


async def test_a_text_message_is_answered_as_by_amazon(desk: Any) -> None:
    text = "[FIRING] CRITICAL HighOrderFailureRate 40 % failed. Runbook: http://sink.example/runbooks/orders."
    answer = await desk.sms(**PHONE, Message=text)
    assert (answer.status, answer.content_type) == (200, "text/xml")
    root = ElementTree.fromstring(await answer.text())
    assert root.tag == f"{SPACE}PublishResponse"
    assert len(root.findtext(f"{SPACE}PublishResult/{SPACE}MessageId", "")) == 36
    [sms] = await desk.notifications()
    assert (sms["channel"], sms["to"], sms["status"]) == ("sns", "+4915112345678", "firing")
    assert (sms["alertname"], sms["severity"], sms["text"]) == ("HighOrderFailureRate", "critical", text)
    assert sms["links"] == [{"text": "Runbook", "href": "http://sink.example/runbooks/orders"}]
    assert sms["warnings"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Action": "Subscribe"}, "InvalidAction"),
        ({"PhoneNumber": "015112345678"}, "InvalidParameter"),
        ({"PhoneNumber": "+49 151 1234"}, "InvalidParameter"),
        ({"PhoneNumber": "+4915112345678901"}, "InvalidParameter"),
        ({"Message": ""}, "InvalidParameter"),
    ],
)
async def test_what_amazon_refuses_is_refused(desk: Any, changes: dict[str, str], code: str) -> None:
    answer = await desk.sms(**(PHONE | {"Message": "x"} | changes))
    assert answer.status == 400
    root = ElementTree.fromstring(await answer.text())
    assert root.findtext(f"{SPACE}Error/{SPACE}Code") == code
    assert await desk.notifications() == []


async def test_a_topic_takes_the_place_of_a_number(desk: Any) -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:alerts"
    answer = await desk.sms(
        Action="Publish", TopicArn=topic, Subject="[RESOLVED] WARNING Disk", Message="–" * 200
    )
    assert answer.status == 200
    [note] = await desk.notifications()
    assert (note["to"], note["status"], note["alertname"]) == (topic, "resolved", "Disk")
    assert note["warnings"] == []  # the limits are those of phones
    assert (await desk.sms(Action="Publish", TopicArn="alerts", Message="x")).status == 400


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("x" * 160, []),
        ("x" * 161, ["SMS takes 161 characters, 1 over the limit of 160"]),
        ("x" * 158 + "€", []),
        ("x" * 159 + "€", ["SMS takes 161 characters, 1 over the limit of 160"]),
        ("40 – 50 %", ["SMS is not GSM-7 (U+2013): a part holds 70 characters, not 160"]),
        ("<no value> failed", ["a template failed: the text holds '<no value>'"]),
        (
            "<error expanding template x",
            ["a template failed: the text holds '<error expanding template'"],
        ),
    ],
)
async def test_a_text_that_would_not_arrive_as_meant_is_flagged(
    desk: Any, text: str, warnings: list[str]
) -> None:
    await desk.sms(**PHONE, Message=text)
    [sms] = await desk.notifications()
    assert sms["warnings"] == warnings


async def test_no_part_of_a_signature_is_stored(desk: Any) -> None:
    form = PHONE | {"Message": "x", "X-Amz-Signature": "sig-secret", "AWSAccessKeyId": "AKIA-secret"}
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA-secret, Signature=sig-secret"}
    await desk.client.post("/sns/", data=form, headers=headers)
    assert "secret" not in await desk.text("/notifications")
