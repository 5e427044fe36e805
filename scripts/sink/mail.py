"""Receives mail by SMTP and reads it: our own headers first, else the subject; text before HTML."""

from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from scripts.sink.message import Message
from scripts.sink.plaintext import html_to_text
from scripts.sink.wording import headline, links_in, template_warnings, unique_links


class MailHandler:
    """Hands every mail that arrives to `deliver`; the SMTP server calls this."""

    def __init__(self, deliver: Callable[[Message], Awaitable[object]]) -> None:
        self._deliver = deliver

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        if not isinstance(content, bytes):
            return "554 no content"
        await self._deliver(read_mail(envelope.rcpt_tos, content))
        return "250 OK"


def read_mail(recipients: list[str], content: bytes) -> Message:
    mail = message_from_bytes(content, policy=policy.default)
    plain, rich = _part(mail, "plain"), _part(mail, "html")
    shown, hrefs = html_to_text(rich)
    text = "\n".join(plain.strip().splitlines()) or shown
    subject = str(mail.get("Subject", ""))
    raw = {"headers": {name: str(value) for name, value in mail.items()}, "text": plain, "html": rich}
    found = headline(subject, text)
    return Message(
        channel="email",
        to=", ".join(recipients),
        status=_known_status(_ours(mail, "Status")) or found["status"],
        alertname=_ours(mail, "Alertname") or found["alertname"],
        severity=_ours(mail, "Severity").lower() or found["severity"],
        title=subject,
        text=text,
        links=unique_links((*hrefs, *links_in(text))),
        warnings=template_warnings(raw),
        raw=raw,
    )


def _ours(mail: EmailMessage, name: str) -> str:
    return str(mail.get(f"X-Tradewatch-{name}", "")).strip()


def _known_status(word: str) -> str:
    return word.lower() if word.lower() in ("firing", "resolved") else ""


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    payload = part.get_payload(decode=True) if part is not None else None
    if part is None or not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # a character set that Python does not know
        return payload.decode("utf-8", "replace")
