"""Mail over real SMTP: our headers before the subject, text before HTML, foreign markup never shown."""

from email.message import EmailMessage
from typing import Any

from scripts.sink.mail import read_mail


def letter(subject: str, text: str = "", html: str = "", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "alerts@example.org", "a@example.org, b@example.org"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    if text:
        mail.set_content(text)
    if html and text:
        mail.add_alternative(html, subtype="html")
    elif html:
        mail.set_content(html, subtype="html")
    return mail


async def test_our_headers_say_what_the_mail_is_about(desk: Any) -> None:
    headers = {"X_Tradewatch_Alertname": "HighMemoryUsage", "X_Tradewatch_Severity": "Warning"}
    html = '<p>hi <a href="http://sink.example/d/system">Dashboard</a></p>'
    await desk.mail(letter("memory is fine", "hi\nthere", html, X_Tradewatch_Status="RESOLVED", **headers))
    [mail] = await desk.notifications("channel=email")
    assert (mail["status"], mail["alertname"], mail["severity"]) == ("resolved", "HighMemoryUsage", "warning")
    assert (mail["to"], mail["title"]) == ("a@example.org, b@example.org", "memory is fine")
    assert mail["text"] == "hi\nthere"
    assert mail["links"] == [{"text": "Dashboard", "href": "http://sink.example/d/system"}]


async def test_the_subject_says_it_where_our_headers_are_absent(desk: Any) -> None:
    await desk.mail(letter("Fwd: [firing] Info DailyDigest – 3 alerts", "x", X_Tradewatch_Severity=""))
    [mail] = await desk.notifications()
    assert (mail["status"], mail["alertname"], mail["severity"]) == ("firing", "DailyDigest", "info")


async def test_a_mail_of_html_alone_is_shown_as_text(desk: Any) -> None:
    html = "<style>p{}</style><h1>40 &lt; 50</h1><p>one<br>two <script>alert(1)</script></p>"
    await desk.mail(letter("hello", html=html))
    [mail] = await desk.notifications()
    assert mail["text"] == "40 < 50\n\none\ntwo"
    assert (mail["status"], mail["alertname"]) == ("unknown", "")


async def test_a_failed_template_in_the_html_part_is_flagged(desk: Any) -> None:
    await desk.mail(letter("hello", "fine", "<p>&lt;no value&gt;</p>"))
    [mail] = await desk.notifications()
    assert mail["warnings"] == ["a template failed: the text holds '<no value>'"]


def test_an_unknown_character_set_is_read_as_far_as_it_goes() -> None:
    head = b'Subject: [FIRING] INFO X\r\nContent-Type: text/plain; charset="no-such"\r\n\r\n'
    message = read_mail(["a@example.org"], head + b"caf\xe9")
    assert (message.alertname, message.text) == ("X", "caf\ufffd")


def test_an_empty_mail_is_a_notification_too() -> None:
    message = read_mail(["a@example.org"], b"")
    assert (message.title, message.text, message.status) == ("", "", "unknown")
