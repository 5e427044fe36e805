"""The command line `tradewatch`: arguments, exit codes, and the last place that hears of an error.

Exit codes: 0 clean, 1 problems (or, for diff, differences), 2 usage, 3 a bug of ours; 130 when stopped by
Ctrl-C and 141 when the reader of the output has gone, as shells have it.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

from config.spec.duration import Duration
from observability import commands
from observability.commands import BUG, USAGE
from observability.formats import FORMATS
from observability.scale import parse_factor
from observability.verify.tool import ToolMissingError

INTERRUPTED, READER_GONE = 130, 141
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_closed_streams()
    try:
        try:
            options = _parser().parse_args(arguments)
            command: Command = options.command
            return command(options)
        finally:
            sys.stdout.flush()  # at the interpreter's own end it would be too late to say anything
    except (commands.UsageError, ToolMissingError) as error:
        _complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop(sys.stdout, sys.stderr)
        return READER_GONE
    except OSError as error:
        _drop(sys.stdout)
        _complain(commands.sentence(error))
        return USAGE
    except Exception:  # noqa: BLE001 - the last place that can tell the user what to do
        traceback.print_exc()
        _complain("this is a bug of tradewatch; please report it with the text above")
        return BUG


def _open_closed_streams() -> None:
    """Give a command that was started with a closed stream a place to write to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for ever


def _drop(*streams: TextIO) -> None:
    """Throw away what is still to be printed, so that the interpreter does not fail with it again."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:  # a stream in memory has no number
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())


def _complain(text: str) -> None:
    with suppress(OSError):  # nobody may be there to hear it, and the exit code still tells
        print(f"tradewatch: {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tradewatch",
        description="Compile specs to Prometheus, Alertmanager and Grafana files, and prove them.",
        epilog="Exit codes: 0 clean, 1 problems or differences, 2 usage, 3 a bug of tradewatch.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command, text in (
        ("check", commands.check, "check the specs, and let promtool and amtool test what they make"),
        ("generate", commands.generate, "check, then write the files; writes nothing when anything is wrong"),
        ("diff", commands.diff, "show what generate would change"),
    ):
        sub = subparsers.add_parser(name, help=text, description=text.capitalize() + ".")
        sub.set_defaults(command=command, out=None, time_scale=1.0)
        _add_options(sub, writes=command is not commands.check)
    _add_lint(subparsers.add_parser("lint", help="check the expressions of plain Prometheus rule files"))
    sub = subparsers.add_parser("list", help="list the checks")
    sub.set_defaults(command=commands.list_checks)
    sub = subparsers.add_parser("explain", help="say what a check wants, why, and how to mend it")
    sub.add_argument("check", metavar="CHECK", help="the id in brackets at the end of a problem")
    sub.set_defaults(command=commands.explain)
    return parser


def _add_lint(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, nargs="+", metavar="FILE", help="a file with `groups` of rules")
    add(
        "--metrics",
        type=Path,
        metavar="FILE",
        help="a saved /metrics text: types and labels of what is exported",
    )
    default = Duration(15_000)
    add(
        "--scrape-interval",
        type=_duration,
        default=default,
        metavar="TIME",
        help=f"of your Prometheus ({default})",
    )
    add("--format", choices=FORMATS, default="text", help="how problems are printed (text)")
    parser.set_defaults(command=commands.lint)


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _version() -> str:
    try:
        return version("tradewatch")
    except PackageNotFoundError:
        return "that is not installed"


def _add_options(parser: argparse.ArgumentParser, *, writes: bool) -> None:
    add = parser.add_argument
    add("--config", type=Path, default=Path("config"), metavar="DIR", help="folder of the specs (config)")
    add("--values", type=Path, metavar="FILE", help="YAML with values to lay over environments")
    if not writes:
        add("--format", choices=FORMATS, default="text", help="how problems are printed (text)")
    else:
        add(
            "--out",
            type=Path,
            metavar="DIR",
            help="where the files go (observability/generated beside config)",
        )
        add("--time-scale", type=_time_scale, metavar="N", help="divide every duration by N, for drills")


def _time_scale(text: str) -> float:
    try:
        return parse_factor(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
