"""Checks who calls: the key, the signature over what was really sent, and the age of the request.

Two transports, as measured on the exchange: everything in the query string, where the signature covers the
percent-decoded text in the order received; or a form body, where it covers the bytes as they came.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from bot.simulator.errors import BingXError

LONGEST_WINDOW = 5000  # milliseconds
_SAMPLE = "from the link https://bingx-api.github.io/docs/#/en-us/spot/account-api.html#Query%20Assets"
_MISMATCH = (
    "Signature verification failed due to signature mismatch,please verify our authentication signature "
    f"and try to  run our sample code  {_SAMPLE}"
)
_OUT_OF_TIME = f"Null timestamp or timestamp mismatch, try to run our sample code {_SAMPLE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    api_key: str
    secret_key: str


def checked_parameters(
    credentials: Credentials,
    api_key: str | None,
    query: str,
    body: bytes,
    now_ms: int,
    longest_window: int = LONGEST_WINDOW,
) -> Mapping[str, str]:
    if api_key != credentials.api_key:
        raise BingXError(100413, "Incorrect apiKey, please check your valid api key")
    if query and body:
        raise BingXError(100001, _MISMATCH)
    received = body.decode("utf-8", "replace") if body else query
    pairs = [pair.partition("=") for pair in received.split("&") if pair]
    signatures = [value for name, _, value in pairs if name == "signature"]
    if len(signatures) != 1:
        raise BingXError(100412, "Null signature")
    rest = [(name, value) for name, _, value in pairs if name != "signature"]
    signed = "&".join(f"{name}={value if body else unquote(value)}" for name, value in rest)
    expected = hmac.new(credentials.secret_key.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signatures[0].encode()):
        raise BingXError(100001, _MISMATCH)
    parameters = {name: unquote(value) for name, value in rest}
    if len(parameters) != len(rest):
        raise BingXError(109400, "a parameter was sent twice")
    _check_age(parameters, now_ms, longest_window)
    return parameters


def _check_age(parameters: Mapping[str, str], now_ms: int, longest: int) -> None:
    stamp, window = parameters.get("timestamp", ""), parameters.get("recvWindow", "")
    allowed = min(int(window), longest) if _is_number(window) else min(longest, LONGEST_WINDOW)
    if not _is_number(stamp) or abs(now_ms - int(stamp)) > allowed:
        raise BingXError(100421, _OUT_OF_TIME)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
