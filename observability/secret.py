"""What looks like a password, a key or a token in any text, and the text without it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A placeholder such as <token>, {token} or $TOKEN is none, and neither are stars.
_PLAIN = r"[^\s/?#&@'\"<>{}$*`,;)\]]"
_TOKEN = r"[A-Za-z0-9_-]"
# Capitals, small letters and digits, as no word has them.
_MIXED = r"(?=\w{0,99}[A-Z])(?=\w{0,99}[a-z])(?=\w{0,99}[0-9])"
_NAMES = "access_token|auth_token|api[_-]?key|client_secret|token|secret|password|passwd|signature"


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret stands in a text, and what it is, without it."""

    kind: str
    start: int
    end: int


# The group is what is kept from sight. Lengths are bounded where a text without end would take long.
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.ASCII | re.DOTALL))
    for kind, pattern in (
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?=-----END|\Z)"),
        ("a password in a URL", rf"://({_PLAIN}{{0,99}}:{_PLAIN}{{1,299}})@"),
        ("a user's name or key in a URL", rf"https?://({_PLAIN}{{1,299}})@"),
        ("a token in a URL", rf"[?&](?:{_NAMES})=({_PLAIN}{{4,}})"),
        ("a Slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{10,})"),
        ("a Discord webhook", rf"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d+/{_TOKEN}+)"),
        ("a Teams webhook", rf"\.webhook\.office\.com/webhookb2/({_TOKEN}+[A-Za-z0-9@/_-]*)"),
        ("the address of a heartbeat", r"hc-ping\.com/([0-9a-f]{8}-[0-9a-f-]{27})"),
        ("the token of a Telegram bot", rf"(?<=[0-9]{{8}}):({_TOKEN}{{35}})(?!{_TOKEN})"),
        ("an AWS access key", r"(A[KS]IA[A-Z0-9]{16})(?![A-Z0-9])"),
        ("a Slack token", r"(xox[abeoprs]-[A-Za-z0-9-]{10,})"),
        ("a GitHub token", r"((?:gh[opsur]_|github_pat_)[A-Za-z0-9_]{20,})"),
        ("a GitLab token", rf"(glpat-{_TOKEN}{{20,}})"),
        ("a Google API key", rf"(AIza{_TOKEN}{{35}})"),
        ("a Stripe key", r"k_live_([A-Za-z0-9]{16,})"),
        ("a SendGrid key", rf"(SG\.{_TOKEN}{{16,}}\.{_TOKEN}{{16,}})"),
        ("a signed token", rf"(eyJ{_TOKEN}{{10,999}}\.eyJ{_TOKEN}{{10,}}\.{_TOKEN}*)"),
        ("a token in a header", r"earer ([A-Za-z0-9._~+/-]{20,}=*)"),
        ("a token in a URL", rf"https?://[^\s'\"]{{0,299}}?[/=]{_MIXED}({_TOKEN}{{24,}})"),
    )
)


def secrets(text: str) -> Iterator[Secret]:
    """Yield what looks like a secret, each once, in the order of the rules."""
    known: list[Secret] = []
    for kind, pattern in _RULES:
        for found in pattern.finditer(text):
            start, end = found.span(1)
            if not any(one.start < end and start < one.end for one in known):
                known.append(Secret(kind, start, end))
                yield known[-1]


def masked(text: str) -> str:
    """Return the text with a star for each character of a secret; lines stay lines."""
    for secret in secrets(text):
        hidden = re.sub(r"[^\r\n]", "*", text[secret.start : secret.end])
        text = f"{text[: secret.start]}{hidden}{text[secret.end :]}"
    return text
