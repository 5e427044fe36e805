"""The command line `tradewatch`: its exit codes, and the last place that hears of an error.

Exit codes: 0 clean, 1 problems (or, for diff, differences), 2 usage, 3 a bug of ours; 130 when stopped by
Ctrl-C and 141 when the reader of the output has gone, as shells have it.
"""

import argparse
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from observability.garbage import collecting_nothing

BUG, INTERRUPTED, READER_GONE = 3, 130, 141
TRACEBACK = "TRADEWATCH_TRACEBACK"  # set in the environment, it shows where a bug of ours is
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _prepare_streams()
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop(sys.stdout, sys.stderr)
        return READER_GONE
    except Exception as error:  # noqa: BLE001 - the last place that can tell the user what to do
        _tell_of_bug(error)
        return BUG


@collecting_nothing()
def _run(arguments: Sequence[str] | None) -> int:
    """Run one command; what is imported here is most of the start, and Ctrl-C may come during it too."""
    from observability import commands
    from observability.arguments import read_arguments
    from observability.verify.tool import ToolMissingError

    try:
        try:
            options = read_arguments(arguments)
            command: Command = options.command
            return command(options)
        finally:
            sys.stdout.flush()  # at the interpreter's own end it would be too late to say anything
    except (commands.UsageError, ToolMissingError) as error:
        _complain(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop(sys.stdout)
        _complain(commands.sentence(error))
    return commands.USAGE


def _tell_of_bug(error: Exception) -> None:
    what = traceback.format_exception_only(error)[-1].strip()
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
        _complain("this is a bug of tradewatch; please report it with the text above")
    else:
        _complain(f"this is a bug of tradewatch: {what}")
        _complain(f"please call it again with {TRACEBACK}=1 before it, and report it with what it prints")


def _prepare_streams() -> None:
    """Give a command that was started with a closed stream a place to write to, and let all be written."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for ever
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold what is no text


def _drop(*streams: TextIO) -> None:
    """Throw away what is still to be printed, so that the interpreter does not fail with it again."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:  # a stream in memory has no number
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())


def _complain(text: str) -> None:
    with suppress(OSError):  # nobody may be there to hear it, and the exit code still tells
        print(f"tradewatch: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
