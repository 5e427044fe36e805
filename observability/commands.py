"""The commands of `tradewatch`; each takes the parsed arguments and returns its exit code."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.spec.load import ValuesFile, beside
from config.spec.names import did_you_mean
from config.spec.problem import Problem
from config.spec.source import Source, read
from observability.compile import Outcome, Request, compile_and_verify, compile_bundle
from observability.explain import documentation, listed
from observability.formats import FORMATS
from observability.infer import Shape
from observability.lint import MetricsError, exported_by
from observability.lint import lint as lint_files
from observability.report import as_text
from observability.write import Changes, as_diff, write

CLEAN, PROBLEMS, USAGE, BUG = range(4)


class UsageError(Exception):
    """The command was called with something that it cannot use."""


def sentence(error: OSError) -> str:
    """Return what the system says, with the file that it says it of."""
    reason = error.strerror or str(error)
    file = error.filename2 or error.filename
    return f"{file}: {reason}" if file else reason


def check(options: argparse.Namespace) -> int:
    """Judge the specs and all that they make."""
    outcome = compile_and_verify(_request(options))
    if not outcome.failed and options.format == "text":
        print(f"{options.config}: {_count(outcome)} checked, tested and found good")
    return _report(outcome.problems, outcome.sources, options.format)


def generate(options: argparse.Namespace) -> int:
    """Judge, then write the files."""
    request = _request(options)
    # Tests of rules are written for the real speed, so a scaled bundle is not tested again.
    outcome = compile_and_verify(request) if request.time_scale == 1 else compile_bundle(request)
    if outcome.failed:
        print("nothing was written", file=sys.stderr)
        return _report(outcome.problems, outcome.sources)
    changes = _written(_out(options), outcome)
    for path in changes.written:
        print(f"wrote {_out(options) / path}")
    for path in changes.removed:
        print(f"removed {_out(options) / path}")
    if not changes.written and not changes.removed:
        print(f"{_out(options)}: nothing to change in {_count(outcome)}")
    return _report(outcome.problems, outcome.sources)


def diff(options: argparse.Namespace) -> int:
    """Print what generate would change."""
    outcome = compile_bundle(_request(options))
    if outcome.failed:
        return _report(outcome.problems, outcome.sources)
    try:
        difference = as_diff(_out(options), outcome.files)
    except OSError as error:
        raise UsageError(f"cannot compare with {_out(options)}: {sentence(error)}") from None
    print(difference, end="")
    return PROBLEMS if difference else CLEAN


def _written(out: Path, outcome: Outcome) -> Changes:
    try:
        return write(out, outcome.files)
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {sentence(error)}; name another folder by --out") from None


def lint(options: argparse.Namespace) -> int:
    """Check the expressions of plain rule files."""
    linted = lint_files(options.file, options.scrape_interval, _exported(options.metrics))
    code = _report(linted.problems, linted.sources, options.format)
    if code == CLEAN and options.format == "text":
        print(f"{len(linted.rules)} rules in {len(options.file)} files: nothing found")
    return code


def list_checks(options: argparse.Namespace) -> int:
    """Print each check in a line."""
    print("\n".join(listed()))
    return CLEAN


def explain(options: argparse.Namespace) -> int:
    """Print what a check wants, why, and how to mend it."""
    texts = documentation()
    if options.check not in texts:
        raise UsageError(f"no check named {options.check!r}{did_you_mean(options.check, texts)}")
    print(texts[options.check])
    return CLEAN


def _exported(file: Path | None) -> Mapping[str, Shape]:
    if file is None:
        return {}
    try:
        return exported_by(file.read_text("utf-8"))
    except (MetricsError, UnicodeDecodeError) as error:
        raise UsageError(f"--metrics {file} is no text of /metrics: {error}") from None


def _report(problems: Sequence[Problem], sources: Mapping[str, Source], form: str = "text") -> int:
    """Print problems, people's on standard error and machines' on standard output; return the exit code."""
    stream = sys.stderr if form == "text" else sys.stdout
    stream.write(FORMATS[form](problems, sources))
    errors = sum(problem.severity == "error" for problem in problems)
    if errors and form == "text":
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
