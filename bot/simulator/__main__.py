"""`python -m bot.simulator`: serve the simulator, by default on loopback alone, until told to stop."""

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from bot.simulator import switches
from bot.simulator.account import PLAY_MONEY
from bot.simulator.book import Book
from bot.simulator.http import HONEST, Simulator, make_app
from bot.simulator.journal import Journal
from bot.simulator.market import STEP, Market, plain, read_price, read_replay
from bot.simulator.signature import Credentials

TICK = 1.0  # seconds between two steps of the walk


def main() -> int:
    options = _arguments().parse_args()
    try:
        credentials = read_credentials(options.credentials)
        asyncio.run(serve(options, credentials))
    except (OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot.simulator",
        description=HONEST,
        epilog=f"switches, the default first:\n{switches.listed()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address (default: 127.0.0.1); another one only in a container: /control has no password",
    )
    parser.add_argument("--port", type=int, default=8090, help="(default: 8090)")
    parser.add_argument("--state", type=Path, required=True, help="directory for the orders, made if needed")
    parser.add_argument(
        "--credentials",
        type=Path,
        required=True,
        help="file with the lines BINGX_API_KEY=... and BINGX_SECRET_KEY=...",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the price walk")
    parser.add_argument("--volatility", type=float, default=STEP, help="of a second's step; 0 stands still")
    parser.add_argument("--price", action="append", default=[], help="where a walk begins: BTC-USDT=60000")
    parser.add_argument("--replay", type=Path, help="file of prices, a JSON object for each second")
    parser.add_argument("--balance", type=_money, help="USDT of a new account (default: ten million)")
    parser.add_argument("--limits", action="store_true", help="enforce the exchange's rate limits and bans")
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        help="of Telegram, which is simulated too: demo=-1001000000001",
    )
    parser.add_argument("--switch", action="append", default=[], help="NAME=VALUE, see below")
    return parser


def _money(text: str) -> Decimal:
    try:
        return plain(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_credentials(file: Path) -> Credentials:
    found = dict(re.findall(r"^\s*(BINGX_API_KEY|BINGX_SECRET_KEY)\s*=\s*(\S+)\s*$", file.read_text(), re.M))
    if len(found) != 2:
        raise ValueError(f"{file} needs the lines BINGX_API_KEY=... and BINGX_SECRET_KEY=...")
    return Credentials(api_key=found["BINGX_API_KEY"], secret_key=found["BINGX_SECRET_KEY"])


async def serve(options: argparse.Namespace, credentials: Credentials) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    market = Market(seed=options.seed, volatility=options.volatility)
    if options.replay:
        market.replay.extend(read_replay(options.replay.read_text().splitlines()))
    async with AsyncExitStack() as stack:
        journal = Journal(options.state / "orders.jsonl")
        stack.callback(journal.close)
        simulator = _simulator(options, market, journal, credentials)
        app = make_app(simulator)
        if options.channel:
            _add_telegram(app, dict(map(_channel, options.channel)))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, options.host, options.port).start()
        url = json.dumps(f"http://{options.host}:{runner.addresses[0][1]}")
        print(f'{{"simulator": true, "what": "{HONEST}", "url": {url}}}', flush=True)
        walk = asyncio.create_task(_walk(simulator))
        stack.callback(walk.cancel)
        await stop.wait()


def _simulator(
    options: argparse.Namespace, market: Market, journal: Journal, credentials: Credentials
) -> Simulator:
    book = Book(market, journal, now_ms, options.balance or PLAY_MONEY)
    if told := dict(each.partition("=")[::2] for each in options.switch):
        book.switches = switches.parse(book.switches, told)
    # After the journal, which knows where the prices were when the simulator ended.
    for symbol, price in map(read_price, options.price):
        market.set(symbol, price)
    simulator = Simulator(market, book, credentials, now_ms)
    simulator.limits.enforced = options.limits
    return simulator


def _channel(text: str) -> tuple[str, int]:
    name, _, chat = text.partition("=")
    if not name or not re.fullmatch(r"-100\d{10}", chat):
        raise ValueError(f"channel {text!r} must be like demo=-1001000000001")
    return name, int(chat)


def _add_telegram(app: web.Application, channels: dict[str, int]) -> None:
    # Telethon takes a third of a second and 25 MB, which who plays the exchange alone need not pay.
    from bot.simulator.telegram import Telegram
    from bot.simulator.telegram_http import add_telegram

    # A bot remembers what it has read: so the numbers of messages, which are not kept, must go on going up.
    add_telegram(app, Telegram(channels, first_id=int(time.time()), clock=time.monotonic))


async def _walk(simulator: Simulator) -> None:
    while True:
        await asyncio.sleep(TICK)
        simulator.market.step()
        simulator.work()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
