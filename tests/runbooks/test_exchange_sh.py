"""The shell's way to the exchange: signature, hosts, what an answer means, and that no key leaves it."""

import hashlib
import hmac
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.domain.mode import HOSTS, Mode, allows
from bot.simulator.faults import Faults
from tests.bot.play import KEYS, Exchange, running_simulator
from tests.bot.sentinels import parrot
from tests.runbooks.pressing import LONG, ROOT, Pressed, held, run, surroundings

LIBRARIES = ("observability/templates/json.sh", "config/runbooks/lib/exchange.sh")
# As a step of a runbook is run, and as the emergency stop may be.
SHELLS = {
    "step": ("bash", "-Eeuo", "pipefail", "-c", "shopt -s inherit_errexit; IFS=$'\\n\\t'; eval \"$0\""),
    "posix": ("bash", "--posix", "-c"),
    "dash": ("dash", "-c"),
}
ORDER = "&".join(f"{name}={value}" for name, value in {"symbol": "BTC-USDT", **LONG}.items())
POSITIONS, PLACE = "/openApi/swap/v2/user/positions", "/openApi/swap/v2/trade/order"


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    async with running_simulator(tmp_path / "exchange") as running:
        yield running


async def say(folder: Path, url: str, text: str, shell: str = "dash", **changes: str) -> Pressed:
    """Run a text with the words of the library."""
    sources = "\n".join(f". {quote(str(ROOT / each))}" for each in LIBRARIES)
    environment = surroundings(folder, url) | {"LC_ALL": "C"} | changes
    return await run(environment, *SHELLS[shell], f"{sources}\n{text}")


OFFICIAL = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"
# Their first bytes become zero bytes, or they are as long as a block of the hash, or longer.
SECRETS = [OFFICIAL, "6" * 9, "\\" * 9, "6\\" * 32, "k" * 63, "k" * 64, "k" * 65, "~!%s&$(x)`'"]


@pytest.mark.parametrize("shell", SHELLS)
async def test_the_signature(tmp_path: Path, shell: str) -> None:
    vector = "symbol=BTC-USDT&timestamp=1667872120843&side=LONG&leverage=6"
    texts = [vector, 'stopLoss={"type":"STOP_MARKET","stopPrice":60000}', "", "%s\\n", "ø"]
    pairs = [(secret, text) for secret in SECRETS for text in (vector, random.Random(secret).choice(texts))]
    calls = "; ".join(f"secret={quote(secret)}; exchange_hmac {quote(text)}; echo" for secret, text in pairs)
    told = await say(tmp_path, "", calls, shell)
    assert told.out.split() == [
        hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest() for secret, text in pairs
    ], told.errors
    assert told.out.split()[0] == "4f581ecdb1fa09b9d6e57886b6f70cffed17f82b93399722939e49a38edec2bf"


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_signed_call_in_each_shell(tmp_path: Path, exchange: Exchange, shell: str) -> None:
    stop = 'stopLoss={"type":"STOP_MARKET","stopPrice":59000,"workingType":"MARK_PRICE"}'
    text = f"""exchange_call POST {PLACE} '{ORDER}&{stop}' | json .data.order.status
        exchange_ask {POSITIONS} | json '.data[]' .symbol .positionAmt
        exchange_public /openApi/swap/v1/ticker/price symbol=BTC-USDT | json .data.price
        exchange_ahead_ms"""
    told = await say(tmp_path, exchange.url, text, shell)
    *lines, ahead = told.out.splitlines()
    assert (told.code, lines) == (0, ["FILLED", "BTC-USDT\t0.1", "60000.0"]), told
    assert abs(int(ahead)) < 1500
    assert len(exchange.simulator.book.open()) == 1


MEANINGS: list[tuple[dict[str, Any], int, str]] = [
    ({}, 0, ""),
    (
        {"reject_orders": {"code": 101204, "msg": "Insufficient margin"}},
        1,
        "refused: 101204 Insufficient margin",
    ),
    ({"reject_orders": {"code": 100410, "msg": "rate limited"}}, 3, "too many calls: 100410 rate limited"),
    ({"reject_orders": {"code": 109429, "msg": "rate limited"}}, 3, "too many calls: 109429"),
    ({"reject_orders": {"code": 80012, "msg": "busy"}}, 4, "perhaps done: 80012 busy"),
    ({"reject_orders": {"code": 100421, "msg": "timestamp mismatch"}}, 1, "refused: 100421"),
    ({"reject_orders": {"code": 109400, "msg": "timestamp is invalid"}}, 1, "refused: 109400"),
    ({"http_status": 502}, 4, "no answer: HTTP 502 without its JSON"),
    ({"http_status": 429}, 3, "too many calls: HTTP 429"),
    ({"http_status": 403}, 3, "too many calls: HTTP 403"),
    ({"http_status": 404}, 1, "refused: HTTP 404"),
    ({"no_json": True}, 4, "no answer: HTTP 200 without its JSON"),
    ({"drop_before": True}, 4, "the connection was cut"),
    ({"frozen": True}, 4, "it took more than 0.3 s"),
    ({"clock_skew": 300}, 0, ""),
    ({"clock_skew": -300}, 0, ""),
]


async def test_what_an_answer_means(tmp_path: Path, exchange: Exchange) -> None:
    for faults, code, said in MEANINGS:
        exchange.simulator.faults = Faults(**faults)
        told = await say(
            tmp_path, exchange.url, f"exchange_call POST {PLACE} '{ORDER}'", EXCHANGE_TIMEOUT="0.3"
        )
        assert (told.code, said in told.errors, bool(said)) == (code, True, bool(told.errors)), (faults, told)
        # One answer, even where a call was made twice.
        assert told.out.count('"code"') <= 1
    assert held(exchange)


NAMES = [
    "127.0.0.1",
    "127.8.9.1",
    "localhost",
    "simulator",
    "127.0.0.1.nip.io",
    "127.evil.com",
    "10.0.0.1",
    "Simulator",
]
NAMES += [
    *sorted(HOSTS[Mode.VST] | HOSTS[Mode.LIVE]),
    "open-api.bingx.com.evil.com",
    "evil-open-api.bingx.com",
]


ODD = ["127.0.0.1@evil.com", "127.0.0.1:1@evil.com", "evil.com/127.0.0.1", "127.0.0.1/x", "127.0.0.1?x", ""]
ODD += ["[::1]", "[::1]:8090", "[::2]", "[::1].evil.com", "127.0.0.1#x", '127.0.0.1" \nurl="http://evil.com']


async def test_keys_go_to_the_hosts_of_their_mode_alone(tmp_path: Path) -> None:
    """As the bot itself decides, for each mode, host, and way to write it."""
    cases = [
        (mode, simulator, form.format(name))
        for mode in Mode
        for simulator in ("", "simulator", "open-api.bingx.com")
        for name in NAMES
        for form in ("http://{}", "https://{}", "http://{}:8090", "https://{}:8090")
    ]
    cases += [(Mode.SIMULATOR, "", f"http://{each}") for each in ODD]
    cases += [(Mode.SIMULATOR, "", each) for each in ("ftp://127.0.0.1", "127.0.0.1", "//127.0.0.1", "x")]
    asked = [
        f"TRADING_MODE={mode} SIMULATOR_HOST={simulator} BINGX_BASE_URL={quote(url)}\n"
        "exchange_settings 2>/dev/null && echo yes || echo no"
        for mode, simulator, url in cases
    ]
    told = await say(tmp_path, "", "\n".join(asked))
    for (mode, simulator, url), said in zip(cases, told.out.split(), strict=True):
        assert said == ("yes" if may(mode, simulator, url) else "no"), (mode, simulator, url)
    assert {"yes", "no"} == set(told.out.split())


def may(mode: Mode, simulator: str, url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if (
        parts.scheme not in ("http", "https")
        or url != f"{parts.scheme}://{parts.netloc}"
        or "@" in parts.netloc
    ):
        return False
    # What the shell does not know it does not trust: capitals, and what urlsplit overlooks behind a bracket.
    plain = re.fullmatch(r"(?:([^:\]]*)|\[([^\]]*)\])(?::\d+)?", parts.netloc)
    if plain is None or host not in plain.groups():
        return False
    if mode is not Mode.SIMULATOR and (parts.scheme != "https" or port is not None):
        return False
    return allows(mode, host, simulator)


async def test_what_changes_something_asks_whether_it_may(tmp_path: Path, exchange: Exchange) -> None:
    words = 'needs_action() { echo "asked for $1"; return 1; }'
    for method in ("POST", "DELETE", "PUT"):
        told = await say(tmp_path, exchange.url, f"{words}; exchange_call {method} {PLACE} '{ORDER}'")
        assert (told.code, told.out, held(exchange)) == (2, "asked for exchange_call\n", [])
    for call in (f"exchange_call GET {POSITIONS}", f"exchange_ask {POSITIONS}"):
        told = await say(tmp_path, exchange.url, f"{words}; {call}")
        assert (told.code, "asked" in told.out) == (0, False)
    assert (await say(tmp_path, exchange.url, f"exchange_call PATCH {PLACE}")).code == 2


async def test_what_cannot_be_sent(tmp_path: Path, exchange: Exchange) -> None:
    for query in ("symbol=BTC?x", "symbol=a#b", "symbol=a\nb"):
        told = await say(tmp_path, exchange.url, f"exchange_ask {POSITIONS} {quote(query)}")
        assert (told.code, "no value may have" in told.errors) == (2, True), told
    for name, value in (("BINGX_API_KEY", ""), ("BINGX_SECRET_KEY", 'a"b'), ("TRADING_MODE", "paper")):
        told = await say(tmp_path, exchange.url, f"exchange_ask {POSITIONS}", **{name: value})
        assert (told.code, name in told.errors) == (2, True), told
    told = await say(tmp_path, exchange.url, f"exchange_ask {POSITIONS}", BINGX_API_KEY_FILE="/nowhere")
    assert (told.code, "BINGX_API_KEY" in told.errors) == (2, True), told


async def test_keys_may_be_in_files(tmp_path: Path, exchange: Exchange) -> None:
    for name, value in (("key", KEYS.api_key), ("secret", KEYS.secret_key)):
        (tmp_path / name).write_text(f" {value}\r\n")
    files = {"BINGX_API_KEY_FILE": str(tmp_path / "key"), "BINGX_SECRET_KEY_FILE": str(tmp_path / "secret")}
    told = await say(
        tmp_path, exchange.url, f"exchange_ask {POSITIONS}", **files, BINGX_API_KEY="", BINGX_SECRET_KEY=""
    )
    assert told.code == 0, told


async def test_whoever_repeats_what_it_was_told_shows_no_key(tmp_path: Path) -> None:
    async with parrot() as url:
        for _ in range(10):
            told = await say(tmp_path, url, f"set -x; exchange_ask {POSITIONS}")
            for secret in (KEYS.api_key, KEYS.secret_key):
                assert secret not in told.out + told.errors
            assert not re.findall(r"signature=[0-9a-f]+", told.out + told.errors)


async def test_the_evidence_is_positions_and_orders(tmp_path: Path, exchange: Exchange) -> None:
    told = await say(tmp_path, exchange.url, "evidence_exchange", "step")
    assert (told.code, told.out.count('"code": 0')) == (0, 2)
    told = await say(tmp_path, "http://127.0.0.1:1", "evidence_exchange", "step")
    assert (told.code, told.errors.count("nobody listens there")) == (0, 2)
