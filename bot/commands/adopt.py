"""`python -m bot adopt`: the bot takes over a position that a person opened, and protects it."""

import argparse
import os
import sys
from typing import Any

from bot.commands.exits import Exit
from bot.commands.reach import NoAnswerError, read_reach


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("adopt", help="protect a position that was opened by hand like one of ours")
    parser.add_argument("symbol", metavar="SYMBOL", help="such as BTC-USDT")
    parser.add_argument("side", choices=("long", "short"))
    parser.add_argument("--stop", required=True, metavar="PRICE")
    parser.add_argument("--targets", default="", metavar="PRICE,PRICE", help="where to take profit (nowhere)")
    parser.add_argument("--reason", required=True, metavar="TEXT")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> Exit:
    reach = read_reach(os.environ)
    if problems := reach.problems or (() if reach.token else ("set ADMIN_TOKEN or ADMIN_TOKEN_FILE",)):
        print(*problems, sep="\n", file=sys.stderr)
        return Exit.WRONG
    body = {
        "symbol": options.symbol,
        "side": options.side,
        "stop": options.stop,
        "targets": [price.strip() for price in options.targets.split(",") if price.strip()],
        "reason": options.reason,
    }
    try:
        status, told = reach.post("/adopt", body)
    except NoAnswerError as error:
        print(error, file=sys.stderr)
        return Exit.NO_ANSWER
    if status != 200:
        print(told.get("error"), file=sys.stderr)
        return Exit.FAILED
    print(told["summary"])
    return Exit.DONE
