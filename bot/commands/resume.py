"""`python -m bot resume`: a person opens trading again, and hears everything that speaks against it."""

import argparse
import os
import sys
from typing import Any

from bot.commands.exits import Exit
from bot.commands.reach import NoAnswerError, Reach, read_reach, somebody


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "resume", help="take the HALT file away and trade again, unless something speaks against it"
    )
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it is safe to trade again")
    parser.add_argument(
        "--size-factor", metavar="0.5", help="trade so much of each quantity, for a start (1)"
    )
    parser.add_argument("--symbols", metavar="A,B", help="trade these alone, for a start (all)")
    parser.add_argument("--who", default=somebody(), metavar="NAME", help="who opens it (%(default)s)")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> Exit:
    reach = read_reach(os.environ)
    if problems := reach.problems or (() if reach.token else ("set ADMIN_TOKEN or ADMIN_TOKEN_FILE",)):
        print(*problems, sep="\n", file=sys.stderr)
        return Exit.WRONG
    body: dict[str, Any] = {"level": 0, "reason": options.reason, "who": options.who}
    if options.size_factor is not None:
        body["size_factor"] = options.size_factor
    if options.symbols is not None:
        body["symbols"] = [name.strip() for name in options.symbols.split(",")]
    try:
        reach.get("/livez")
        return _open(reach, body)
    except NoAnswerError as error:
        print(f"not opened: {error}", file=sys.stderr)
        return Exit.NO_ANSWER
    except OSError as error:
        print(f"not opened: take {reach.control.file} away by hand: {error.strerror}", file=sys.stderr)
        return Exit.FAILED


def _open(reach: Reach, body: dict[str, Any]) -> Exit:
    """Without the HALT file while the bot decides; it is back unless the bot opens."""
    text, opened = reach.control.take_away(), False
    try:
        status, told = reach.post("/trading", body)
        opened = status == 200
    finally:
        if text is not None and not opened:
            reach.control.put_back(text)
    if opened:
        print(told["summary"])
        if told["closed_because"]:
            print(f"but it places no orders yet: {told['closed_because']}")
        return Exit.DONE
    reasons = told.get("against") or [told.get("error")]
    print("not opened:", *(f"  - {reason}" for reason in reasons), sep="\n", file=sys.stderr)
    if text is None and told.get("switch", {}).get("halt_file"):
        print(f"  CONTROL_DIR is {reach.control.path}, and the bot's is another", file=sys.stderr)
    return Exit.FAILED
