"""Reads Amazon SNS Publish requests (form-encoded query API) and words Amazon's XML answers."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from scripts.sink.gsm import sms_warnings
from scripts.sink.message import Message
from scripts.sink.wording import headline, links_in, template_warnings, unique_links

_XMLNS = "http://sns.amazonaws.com/doc/2010-03-31/"
_E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
_ARN = re.compile(r"arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w/.-]+", re.ASCII)
# Parts of a signed request that may stand in the form instead of the Authorization header.
_SECRET = re.compile(r"x-amz-.*|aws.*key.*|signature.*|securitytoken", re.IGNORECASE)


class RefusedError(ValueError):
    """A request that Amazon refuses, with Amazon's error code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def read_publish(form: Mapping[str, str]) -> Message:
    if form.get("Action") != "Publish":
        raise RefusedError("InvalidAction", "the sink knows Action=Publish only")
    to = _target(form)
    text = form.get("Message", "")
    if not text:
        raise RefusedError("InvalidParameter", "Invalid parameter: Empty message")
    subject = form.get("Subject", "")
    raw = {key: value for key, value in form.items() if not _SECRET.fullmatch(key)}
    return Message(
        channel="sns",
        to=to,
        **headline(text, subject),
        title=subject or text.splitlines()[0],
        text=text,
        links=unique_links(links_in(text)),
        warnings=(*(sms_warnings(text) if "PhoneNumber" in form else ()), *template_warnings(raw)),
        raw=raw,
    )


def answer_xml(message_id: str, request_id: str) -> str:
    result = f"<PublishResult><MessageId>{message_id}</MessageId></PublishResult>"
    return f'<PublishResponse xmlns="{_XMLNS}">{result}{_metadata(request_id)}</PublishResponse>\n'


def error_xml(error: RefusedError, request_id: str) -> str:
    return (
        f'<ErrorResponse xmlns="{_XMLNS}"><Error><Type>Sender</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(str(error))}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>\n"
    )


def _metadata(request_id: str) -> str:
    return f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"


def _target(form: Mapping[str, str]) -> str:
    if "PhoneNumber" in form:
        if not _E164.fullmatch(form["PhoneNumber"]):
            raise RefusedError(
                "InvalidParameter", "Invalid parameter: PhoneNumber is not in E.164, such as +4915112345"
            )
        return form["PhoneNumber"]
    arn = form.get("TopicArn") or form.get("TargetArn") or ""
    if not _ARN.fullmatch(arn):
        raise RefusedError("InvalidParameter", "Invalid parameter: needs PhoneNumber, TopicArn or TargetArn")
    return arn
