"""The command line: `tradewatch check`, `generate` and `diff`.

Exit codes: 0 clean, 1 problems (or, for diff, differences), 2 usage, 3 a bug of ours; 130 when stopped by
Ctrl-C and 141 when the reader of the output has gone, as shells have it.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

from config.spec.load import ValuesFile, beside
from config.spec.problem import Problem
from config.spec.source import Source, read
from observability.compile import Outcome, Request, compile_and_verify, compile_bundle
from observability.report import as_text
from observability.scale import parse_factor
from observability.verify.tool import ToolMissingError
from observability.write import Changes, as_diff, write

CLEAN, PROBLEMS, USAGE, BUG = range(4)
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
    except (UsageError, ToolMissingError) as error:
        _complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop(sys.stdout, sys.stderr)
        return READER_GONE
    except OSError as error:
        _drop(sys.stdout)
        _complain(_sentence(error))
        return USAGE
    except Exception:  # noqa: BLE001 - the last place that can tell the user what to do
        traceback.print_exc()
        _complain("this is a bug of tradewatch; please report it with the text above")
        return BUG


class UsageError(Exception):
    """The command was called with something that it cannot use."""


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


def _sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    file = error.filename2 or error.filename
    return f"{file}: {reason}" if file else reason


def _check(options: argparse.Namespace) -> int:
    outcome = compile_and_verify(_request(options))
    if not outcome.failed:
        print(f"{options.config}: {_count(outcome)} checked, tested and found good")
    return _report(outcome)


def _generate(options: argparse.Namespace) -> int:
    request = _request(options)
    # Tests of rules are written for the real speed, so a scaled bundle is not tested again.
    outcome = compile_and_verify(request) if request.time_scale == 1 else compile_bundle(request)
    if outcome.failed:
        print("nothing was written", file=sys.stderr)
        return _report(outcome)
    changes = _written(_out(options), outcome)
    for path in changes.written:
        print(f"wrote {_out(options) / path}")
    for path in changes.removed:
        print(f"removed {_out(options) / path}")
    if not changes.written and not changes.removed:
        print(f"{_out(options)}: nothing to change in {_count(outcome)}")
    return _report(outcome)


def _diff(options: argparse.Namespace) -> int:
    outcome = compile_bundle(_request(options))
    if outcome.failed:
        return _report(outcome)
    try:
        difference = as_diff(_out(options), outcome.files)
    except OSError as error:
        raise UsageError(f"cannot compare with {_out(options)}: {_sentence(error)}") from None
    print(difference, end="")
    return PROBLEMS if difference else CLEAN


def _written(out: Path, outcome: Outcome) -> Changes:
    try:
        return write(out, outcome.files)
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {_sentence(error)}; name another folder by --out") from None


def _report(outcome: Outcome) -> int:
    sys.stderr.write(as_text(outcome.problems, outcome.sources))
    errors = sum(problem.severity == "error" for problem in outcome.problems)
    if errors:
        print(f"{errors} problem{'s' if errors > 1 else ''}", file=sys.stderr)
    return PROBLEMS if errors else CLEAN


def _count(outcome: Outcome) -> str:
    return f"{len(outcome.files)} files"


def _out(options: argparse.Namespace) -> Path:
    out: Path = options.out or beside(options.config) / "observability" / "generated"
    return out


def _request(options: argparse.Namespace) -> Request:
    config: Path = options.config
    if not config.is_dir():
        raise UsageError(f"{config} is not a folder; name the folder of the specs with --config")
    return Request(config_dir=config, values=_values(options.values), time_scale=options.time_scale)


def _values(file: Path | None) -> Mapping[str, Mapping[str, Any]]:
    """Read the values file: `{environment: {key: value}}`, laid over the environments' own."""
    if file is None:
        return {}
    source, problems = read(file, str(file))
    if problems := problems or _problems_of_form(source):
        raise UsageError(
            f"--values {file} cannot be used\n{as_text(problems, {source.path: source})}".strip()
        )
    return ValuesFile(source)


def _problems_of_form(source: Source) -> list[Problem]:
    text = "must map each environment's name to the keys that it changes"
    if not isinstance(source.data, dict):
        return [Problem(source.place(), text, "load/values")]
    wrong = [name for name, values in source.data.items() if not isinstance(values, dict)]
    return [Problem(source.place(name), text, "load/values") for name in wrong]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tradewatch",
        description="Compile specs to Prometheus, Alertmanager and Grafana files, and prove them.",
        epilog="Exit codes: 0 clean, 1 problems or differences, 2 usage, 3 a bug of tradewatch.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command, text in (
        ("check", _check, "check the specs, and let promtool and amtool test what they make"),
        ("generate", _generate, "check, then write the files; writes nothing when anything is wrong"),
        ("diff", _diff, "show what generate would change"),
    ):
        sub = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        sub.set_defaults(command=command, out=None, time_scale=1.0)
        _add_options(sub, writes=command is not _check)
    return parser


def _version() -> str:
    try:
        return version("tradewatch")
    except PackageNotFoundError:
        return "that is not installed"


def _add_options(parser: argparse.ArgumentParser, *, writes: bool) -> None:
    add = parser.add_argument
    add("--config", type=Path, default=Path("config"), metavar="DIR", help="folder of the specs (config)")
    add("--values", type=Path, metavar="FILE", help="YAML with values to lay over environments")
    if writes:
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
