"""`python -m bot status`: what the bot says of itself, for somebody who was just woken."""

import argparse
import json
import os
import sys
from typing import Any

from bot.commands.exits import Exit
from bot.commands.reach import NoAnswerError, read_reach
from bot.commands.status_page import page


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("status", help="what it does, holds and waits for; exit 0 if it trades")
    parser.add_argument("--json", action="store_true", help="as the bot answers it")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> Exit:
    reach = read_reach(os.environ)
    for problem in reach.problems:
        print(problem, file=sys.stderr)
    try:
        status, told = reach.get("/status")
    except NoAnswerError as error:
        print(error, file=sys.stderr)
        return Exit.NO_ANSWER
    if status != 200 or "accepts_orders" not in told:
        print(f"what answers at {reach.url} is no bot, or in trouble: {told.get('error')}", file=sys.stderr)
        return Exit.NO_ANSWER
    _show(json.dumps(told, indent=2, ensure_ascii=False) if options.json else page(told))
    return Exit.DONE if told["accepts_orders"] else Exit.HALTED


def _show(text: str) -> None:
    """Also to `head`, which closes the pipe once it has seen enough."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is left would be written at the end, and fail there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
