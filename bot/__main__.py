"""`python -m bot`: runs the bot, or does one of the things that a person has to tell it."""

import argparse
import sys

from bot.commands import adopt, halt, login, read, resume, status


def main() -> int:
    options = _parser().parse_args()
    return int(options.act(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="The trading bot. Settings, commands and exit codes: docs/bot.md"
    )
    check = "only say whether settings and config are good"
    parser.add_argument("--check", action="store_true", help=check)
    parser.set_defaults(act=_run)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    run = commands.add_parser("run", help="run the bot, as without a command")
    run.add_argument("--check", action="store_true", default=argparse.SUPPRESS, help=check)
    for command in (halt, resume, status, adopt, read, login):
        command.add_parser(commands)
    arm = commands.add_parser(
        "arm-live", help="let the bot trade real money in the account whose uid you type"
    )
    arm.set_defaults(act=_arm_live)
    tried = "try out on play money whether the exchange does what the bot expects"
    commands.add_parser("check-exchange", help=tried).set_defaults(act=_check_exchange)
    return parser


# Only what these do needs more than the standard library, so nobody who halts has to wait or hope for it.
def _run(options: argparse.Namespace) -> int:
    from bot.start import run_bot

    return run_bot(only_check=options.check)


def _arm_live(_: argparse.Namespace) -> int:
    from bot.start import arm

    return arm()


def _check_exchange(_: argparse.Namespace) -> int:
    from bot.start import try_exchange

    return try_exchange()


if __name__ == "__main__":
    sys.exit(main())
