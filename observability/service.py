"""Asks a live service over HTTP, and says in a sentence what went wrong."""

import urllib.error
import urllib.request

_ANSWER = 10.0  # seconds that a service has for an answer of its own


class UnreachableError(Exception):
    """A service cannot be asked, or says what cannot be understood."""


class RefusedError(UnreachableError):
    """The service answers, but with an error; `body` is what it says of it."""

    def __init__(self, text: str, body: str) -> None:
        super().__init__(text)
        self.body = body


def ask(
    url: str, body: bytes | None = None, kind: str = "application/json", patience: float = _ANSWER
) -> str:
    """Ask for a URL, or give it a body; return the answer, which may take `patience` seconds."""
    try:
        request = urllib.request.Request(url, body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=patience) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        text = f"{url} answers {error.code} {error.reason}"
        raise RefusedError(text, error.read().decode(errors="replace")) from None
    except (OSError, ValueError) as error:
        raise UnreachableError(f"{url} cannot be reached: {getattr(error, 'reason', error)}") from None
