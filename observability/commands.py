"""The commands of `tradewatch`; each takes the parsed arguments and returns its exit code."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.spec.load import ValuesFile, beside
from config.spec.names import did_you_mean
from config.spec.problem import Problem
from config.spec.source import Source, read
from observability.compile import Outcome, Request, compile_and_verify, compile_bundle
from observability.explain import FAMILIES, as_objects, documentation, explanation, listed
from observability.formats import FORMATS
from observability.infer import Shape
from observability.lint import MetricsError, exported_by
from observability.lint import lint as lint_files
from observability.names import RUNBOOKS
from observability.report import as_text
from observability.verify import published_schema
from observability.write import MANIFEST, Changes, as_diff, kept, parted, write

CLEAN, PROBLEMS, USAGE = range(3)
_NOT_PROVED = (
    "not proved: promtool on configuration, rules and their tests; amtool on configuration and the way of"
    " each alert; Grafana's published schema files on dashboards"
)
_MODELS_ALONE = (
    "not proved: dashboards by Grafana's published schema files, which are not in .tools/grafana; the models"
    " of its SDK were used instead"
)


class UsageError(Exception):
    """The command was called with something that it cannot use."""


def sentence(error: OSError) -> str:
    """Return what the system says, with the file that it says it of."""
    reason = error.strerror or str(error)
    file = error.filename2 or error.filename
    return f"{file}: {reason}" if file else reason


def check(options: argparse.Namespace) -> int:
    """Judge the specs and all that they make."""
    # Without tools nobody reads the tests of the rules, and nothing is written.
    outcome = _judged(options, tests=not options.no_tools)
    if not outcome.failed and options.format == "text":
        proved = "checked" if options.no_tools else "checked, tested and found good"
        print(f"{options.config}: {_count(outcome)} {proved}")
        if published_schema.fetched() is None and not options.no_tools:
            print(_MODELS_ALONE, file=sys.stderr)
    return report(outcome.problems, outcome.sources, options.format, strict=options.strict)


def generate(options: argparse.Namespace) -> int:
    """Judge, then write the files."""
    outcome = _judged(options)
    if outcome.failed:
        print("nothing was written", file=sys.stderr)
        return report(outcome.problems, outcome.sources, options.format)
    out = _out_of(options, outcome)
    files = _with_other_environments(options, outcome.files)
    changed = {folder: _written(folder, part) for folder, part in _placed(options, files).items()}
    if options.format == "text":
        _tell(out, changed, outcome)
    return report(outcome.problems, outcome.sources, options.format)


def _tell(out: Path, changed: Mapping[Path, Changes], outcome: Outcome) -> None:
    for folder, changes in changed.items():
        for path in changes.written:
            print(f"wrote {folder / path}")
        for path in changes.removed:
            print(f"removed {folder / path}")
    if not any(changes.written or changes.removed for changes in changed.values()):
        print(f"{out}: nothing to change in {_count(outcome)}")


def _placed(options: argparse.Namespace, files: Mapping[str, str]) -> dict[Path, Mapping[str, str]]:
    """Return the files by the folder that they go to; runbooks stand where people look for them."""
    if options.out is not None:
        return {options.out: files}
    rest, runbooks = parted(files, RUNBOOKS)
    folder = beside(options.config) / RUNBOOKS
    return {_out(options): rest, **({folder: runbooks} if runbooks or (folder / MANIFEST).exists() else {})}


def diff(options: argparse.Namespace) -> int:
    """Print what generate would change."""
    outcome = not_left_out(options, compile_bundle(request_of(options)))
    if outcome.failed:
        return report(outcome.problems, outcome.sources)
    out = _out_of(options, outcome)
    files = _placed(options, _with_other_environments(options, outcome.files))
    try:
        difference = "".join(as_diff(folder, part) for folder, part in files.items())
    except OSError as error:
        raise UsageError(f"cannot compare with {out}: {sentence(error)}") from None
    print(difference, end="")
    return PROBLEMS if difference else CLEAN


def _judged(options: argparse.Namespace, *, tests: bool = True) -> Outcome:
    """Compile, and let the tools judge unless they are left out or cannot."""
    request = request_of(options)
    # Tests of rules are written for the real speed, so a scaled bundle is not tested again.
    if request.time_scale != 1:
        print(_NOT_PROVED, file=sys.stderr)
        return not_left_out(options, compile_bundle(request, tests=tests))
    schemas = None if options.no_tools else published_schema.fetched()
    if options.no_tools:
        print(_NOT_PROVED, file=sys.stderr)
    outcome = compile_and_verify(request, with_tools=not options.no_tools, schemas=schemas, tests=tests)
    return not_left_out(options, outcome)


def not_left_out(options: argparse.Namespace, outcome: Outcome) -> Outcome:
    """Say which environments were left out because they need values; one that was asked for is an error."""
    left_out = outcome.project.left_out if outcome.project else ()
    if options.env in left_out:
        raise UsageError(f"--env {options.env} needs --values FILE: who is told, and where, is not committed")
    if left_out:
        print(f"left out, because it needs --values: {', '.join(left_out)}", file=sys.stderr)
    return outcome


def _with_other_environments(options: argparse.Namespace, files: Mapping[str, str]) -> Mapping[str, str]:
    """Return the files and, where one environment alone is made, those of the others as they are on disk."""
    if options.env is None:
        return files
    others = {f"{name}/" for name in _environments(options.config)} - {f"{options.env}/"}
    return {**kept(_out(options), others), **files}


def _written(out: Path, files: Mapping[str, str]) -> Changes:
    try:
        return write(out, files)
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {sentence(error)}; name another folder by --out") from None


def lint(options: argparse.Namespace) -> int:
    """Check the expressions of plain rule files."""
    known = documentation()
    for name in options.allow:
        if name not in known:
            raise UsageError(f"--allow: no check named {name!r}{did_you_mean(name, known)}")
    files = [Path("/dev/stdin") if str(file) == "-" else file for file in options.file]
    linted = lint_files(files, options.scrape_interval, _exported(options.metrics))
    shown = [problem for problem in linted.problems if problem.check not in options.allow]
    for name in dict.fromkeys(options.allow):
        count = sum(problem.check == name for problem in linted.problems)
        print(f"hidden by --allow {name}: {number(count, 'problem')}", file=sys.stderr)
    read = f"{number(len(linted.rules), 'rule')} in {number(len(files), 'file')}: "
    code = report(shown, linted.sources, options.format, strict=options.strict, of=read)
    if not shown and options.format == "text":
        print(f"{read}nothing but what --allow hides" if linted.problems else f"{read}nothing found")
    return code


def list_checks(options: argparse.Namespace) -> int:
    """Print each check in a line."""
    print(json.dumps(as_objects(), indent=2) if options.format == "json" else "\n".join(listed()))
    return CLEAN


def explain(options: argparse.Namespace) -> int:
    """Print what a check wants, why, and how to mend it."""
    text = explanation(options.check)
    if text is None:
        known = [*documentation(), *(f"{family}/…" for family in FAMILIES)]
        near = did_you_mean(options.check, known) or "; `tradewatch list` names them all"
        raise UsageError(f"no check named {options.check!r}{near}")
    print(text)
    return CLEAN


def _exported(file: Path | None) -> Mapping[str, Shape]:
    if file is None:
        return {}
    try:
        return exported_by(file.read_text("utf-8"))
    except (MetricsError, UnicodeDecodeError) as error:
        raise UsageError(f"--metrics {file} is no text of /metrics: {error}") from None


def report(
    problems: Sequence[Problem],
    sources: Mapping[str, Source],
    form: str = "text",
    *,
    strict: bool = False,
    of: str = "",
) -> int:
    """Print problems, people's on standard error and machines' on standard output; return the exit code."""
    stream = sys.stderr if form == "text" else sys.stdout
    stream.write(FORMATS[form](problems, sources))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if problems and form == "text":
        counts = (number(errors, "problem"), number(warnings, "warning"))
        print(of + " and ".join(text for text in counts if not text.startswith("0 ")), file=sys.stderr)
    return PROBLEMS if errors or (strict and warnings) else CLEAN


def _count(outcome: Outcome) -> str:
    return number(len(outcome.files), "file")


def number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _out_of(options: argparse.Namespace, outcome: Outcome) -> Path:
    """Return where the files go; what has people's addresses in it is not put beside what is committed."""
    project = outcome.project
    if options.out is None and "operations" in _values(options.values):
        raise UsageError("--values has people's addresses in it: name a folder of its own with --out DIR")
    for name, environment in project.environments.items() if project and options.out is None else ():
        if environment.needs_values:
            raise UsageError(f"{name} has people's addresses in it: name a folder of its own with --out DIR")
    return _out(options)


def _out(options: argparse.Namespace) -> Path:
    out: Path = options.out or beside(options.config) / "observability" / "generated"
    return out


def request_of(options: argparse.Namespace) -> Request:
    config: Path = options.config
    if not config.is_dir():
        raise UsageError(f"{config} is not a folder; name the folder of the specs with --config")
    known = _environments(config)
    if options.env not in (None, *known):
        raise UsageError(
            f"--env: no environment {options.env!r} in {config}{did_you_mean(options.env, known)}"
        )
    return Request(
        config_dir=config,
        values=_values(options.values),
        time_scale=options.time_scale,
        environment=options.env,
    )


def _environments(config: Path) -> list[str]:
    return sorted(file.stem for file in (config / "environments").glob("[!.]*.yaml"))


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
    text = "must map each environment's name, or operations, to the keys that it changes"
    if not isinstance(source.data, dict):
        return [Problem(source.place(), text, "load/values")]
    wrong = [name for name, values in source.data.items() if not isinstance(values, dict)]
    return [Problem(source.place(name), text, "load/values") for name in wrong]
