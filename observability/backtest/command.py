"""`tradewatch backtest`: what would a change of the alerts have done to the last week?"""

import argparse
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from config.spec.duration import Duration
from config.spec.load import beside
from config.spec.model import Scrape
from config.spec.names import did_you_mean
from config.spec.problem import Problem
from config.spec.source import Source, parse, read
from observability.backtest.firing import GRACE
from observability.backtest.history import History, NoDataError, Period
from observability.backtest.told import as_data, as_table
from observability.backtest.verdict import asked_of, verdicts
from observability.commands import CLEAN, PROBLEMS, UsageError, report, request_of
from observability.compile import compile_bundle
from observability.formats import as_object
from observability.live.prometheus import Prometheus, QueryError
from observability.promql import syntax_error
from observability.report import as_text, ordered
from observability.rule_files import groups_of
from observability.rules import Rule
from observability.scale import scaled
from observability.service import UnreachableError

_RULES = "rules"
_NONE = Duration(0)


def backtest(options: argparse.Namespace) -> int:
    """Ask what was recorded how often each alert would have fired, by the rules before and by the specs."""
    outcome = compile_bundle(request_of(options), tests=False)
    if outcome.project is None or outcome.failed:
        raise UsageError(f"{options.config} has problems; see `tradewatch check`")
    factor = options.time_scale
    if factor != 1 and options.before is None:
        raise UsageError("--time-scale needs --before DIR: the files that were generated with it")
    project = outcome.project if factor == 1 else scaled(outcome.project, factor)
    old = _on_disk(options.before or beside(options.config) / "observability" / "generated")
    new = _made(outcome.files)
    before, after = _rules(old), _rules(new)
    names = _names(options.alert, [*before, *after])
    period = _period(options.range, project.scrape, [*before, *after], GRACE if factor == 1 else _NONE)
    history = History(Prometheus(options.prometheus), period)
    problems: list[Problem] = []
    try:
        _ = history.ticks  # without any data nothing else need be asked
        found = list(verdicts(history, before, after, names, problems))
    except (UnreachableError, QueryError, NoDataError) as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        told = {**as_data(history, found), "problems": [as_object(one) for one in ordered(problems)]}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return PROBLEMS if problems else CLEAN
    print("\n".join(as_table(history, found, every=bool(options.alert))), flush=True)
    return report(problems, {**old, **new})


def _period(lasts: Duration, scrape: Scrape, rules: Iterable[Rule], grace: Duration) -> Period:
    """Return the period that ends now, at a whole number of evaluations."""
    step = scrape.evaluation_interval
    if lasts < step:
        raise UsageError(f"--range {lasts} is shorter than {step}, the time between two evaluations")
    early = [
        (rule.for_ or _NONE).milliseconds + (rule.keep_firing_for or _NONE).milliseconds for rule in rules
    ]
    return Period(
        end=time.time_ns() // 1_000_000 // step.milliseconds * step.milliseconds,
        lasts=lasts,
        longest=Duration(max(early, default=0)),
        step=step,
        scrape=scrape.scrape_interval,
        grace=grace,
    )


def _made(files: Mapping[str, str]) -> dict[str, Source]:
    """Return the rule files that the specs make."""
    parsed = {path: parse(text, path) for path, text in files.items() if path.startswith(f"{_RULES}/")}
    return {path: source for path, (source, _) in parsed.items()}


def _on_disk(folder: Path) -> dict[str, Source]:
    """Return the rule files of a folder of generated files, or of rules."""
    where = folder / _RULES if (folder / _RULES).is_dir() else folder
    files = sorted(file for ending in ("yml", "yaml") for file in where.glob(f"[!.]*.{ending}"))
    if not files:
        raise UsageError(f"{where} has no rule files; name the folder of the rules before by --before DIR")
    sources: dict[str, Source] = {}
    for file in files:
        source, problems = read(file, str(file))
        if problems:
            told = as_text(problems, {source.path: source}).strip()
            raise UsageError(f"{file} cannot be used\n{told}")
        sources[str(file)] = source
    return sources


def _rules(sources: Mapping[str, Source]) -> list[Rule]:
    problems: list[Problem] = []
    rules = [
        rule for source in sources.values() for group in groups_of(source, problems) for rule in group.rules
    ]
    problems += [
        Problem(rule.where("expr"), error, "backtest/query")
        for rule in rules
        if (error := syntax_error(rule.expr)) is not None
    ]
    if problems:
        raise UsageError(f"rules that Prometheus would not take\n{as_text(problems, sources).strip()}")
    return rules


def _names(wanted: Sequence[str], rules: Iterable[Rule]) -> Collection[str]:
    """Return the alerts to ask for: those that are wanted, or all."""
    known = dict.fromkeys(rule.name for rule in asked_of(rules))
    for name in wanted:
        if name not in known:
            raise UsageError(f"--alert: no alert {name!r}{did_you_mean(name, known)}")
    return wanted or known
