"""`python -m bot read`: says what the bot would make of a message; it needs neither settings nor a bot."""

import argparse
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.commands.exits import Exit
from bot.domain.reason import told
from bot.domain.signal import Reading, Signal


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("read", help="say what a message is read as; exit 0 if it is a signal")
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="the message; - is standard input"
    )
    parser.add_argument("--jsonl", action="store_true", help='one object with a "text" on each line')
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> Exit:
    try:
        messages = list(_messages(_content(options.file), lines=options.jsonl))
    except (OSError, ValueError) as error:
        print(f"{options.file} cannot be read: {error}", file=sys.stderr)
        return Exit.WRONG
    # Its tables take longer to build than the other commands to run, and nobody who halts should wait.
    from bot.domain.parser import parse

    readings = [parse(message) for message in messages]
    for number, (message, reading) in enumerate(zip(messages, readings, strict=True), start=1):
        if options.jsonl:
            print(f"{number}: {' '.join(message.split())[:60]}".encode("utf-8", "replace").decode())
        print(page(reading))
    return Exit.DONE if all(isinstance(reading, Signal) for reading in readings) else Exit.FAILED


def _content(file: str) -> str:
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return data.decode("utf-8")


def _messages(content: str, *, lines: bool) -> Iterator[str]:
    if not lines:
        yield content
        return
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        message = json.loads(line)
        if not isinstance(message, dict) or not isinstance(message.get("text"), str):
            raise ValueError(f'line {number} is no object with a "text"')
        yield message["text"]


def page(reading: Reading) -> str:
    """A line of each part, prices as people write them."""
    if not isinstance(reading, Signal):
        symbol = getattr(reading, "symbol", None)
        said = f"{reading.reason.verdict.value}: {told(reading.reason, reading.text)}"
        return f"  {said}{f' ({symbol})' if symbol else ''}".encode("utf-8", "replace").decode()
    parts = {
        "quantity": _prices(reading.quantity),
        "entry": _prices(*reading.entries) or "at the market",
        "stop": _prices(reading.stop) or "none",
        "targets": _prices(*reading.targets) or "none",
        "leverage": str(reading.leverage or ""),
        "margin": reading.margin_mode.value if reading.margin_mode else "",
    }
    shown = [f"    {name:<9}{value}" for name, value in parts.items() if value]
    return "\n".join([f"  signal: {reading.side.value} {reading.symbol}", *shown])


def _prices(*prices: Decimal | None) -> str:
    return " ".join(format(price, "f") for price in prices if price is not None)
