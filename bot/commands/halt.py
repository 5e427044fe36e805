"""`python -m bot halt`: the emergency stop. It ends halted, or says in capitals that it did not."""

import argparse
import os
import sys
from typing import Any

from bot.commands.exits import Exit
from bot.commands.reach import NoAnswerError, Reach, read_reach, somebody
from bot.domain.switch import MEANING, Halt, Level


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "halt", help="place no new orders, from now until somebody says resume; works without the bot, too"
    )
    levels = "; ".join(f"{level:d} {MEANING[level]}" for level in Level if level)
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=1, help=f"{levels} (1)")
    parser.add_argument("--reason", default="no reason given", metavar="TEXT", help="what others shall read")
    parser.add_argument("--who", default=somebody(), metavar="NAME", help="who halts it (%(default)s)")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> Exit:
    reach, level = read_reach(os.environ), Level(options.level)
    for problem in reach.problems:
        print(problem, file=sys.stderr)
    # At least: to halt must never open a little what was closed further.
    body = {"level": options.level, "at_least": True, "reason": options.reason, "who": options.who}
    try:
        status, told = reach.post("/trading", body)
    except NoAnswerError as error:
        return _by_file(reach, level, options, str(error), answers=False)
    if status == 200:
        print(f"halted: {told['summary']}", *told["troubles"], sep="\n")
        return Exit.DONE
    return _by_file(reach, level, options, f"the bot says: {told.get('error')}", answers=True)


def _by_file(reach: Reach, level: Level, options: argparse.Namespace, why: str, *, answers: bool) -> Exit:
    print(why, file=sys.stderr)
    try:
        reach.control.halt(Halt(level=level, reason=f"{options.reason}, by {options.who}"))
    except OSError as error:
        print(f"NOT HALTED: the HALT file could not be written either: {error}", file=sys.stderr)
        print("stop the bot's process; what rests at the exchange stays there", file=sys.stderr)
        return Exit.FAILED
    print(f"wrote {reach.control.file}: {MEANING[level]} (level {level:d})")
    if not answers:
        print("a bot with this CONTROL_DIR reads it before every order, and when it starts")
        return Exit.BY_FILE
    if _sees_file(reach, level):
        print("the bot sees it")
        return Exit.DONE
    print(
        f"NOT HALTED: the bot at {reach.url} does not see it, so CONTROL_DIR is not its own", file=sys.stderr
    )
    return Exit.FAILED


def _sees_file(reach: Reach, level: Level) -> bool:
    try:
        _, told = reach.get("/status")
        switch = told["switch"]
        return bool(switch["halt_file"]) and switch["level"] >= level
    except (NoAnswerError, KeyError, TypeError):
        return False
