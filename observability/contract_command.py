"""`tradewatch contract`: does a saved /metrics text, or a running exporter, keep to the catalogue?"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from config.spec.load import load_project
from config.spec.model import Job, Project
from config.spec.names import did_you_mean
from observability.commands import UsageError, number, report
from observability.contract import Exported, breaches
from observability.exposition import Sample, families
from observability.formats import FORMATS
from observability.service import UnreachableError, ask

SHORT = "compare the catalogue with what is exported"
ABOUT = """\
Compare the catalogue with the /metrics text of a job, saved or asked for now; no Prometheus is needed. Names,
types, labels and their values, buckets, and that times are seconds. Of a job that is `ours` in scrape.yaml
also the help, that no counter begins late, and that it exports nothing that metrics.yaml lacks.
"""
END = """\
examples:
  tradewatch contract --job bot http://127.0.0.1:8080/metrics
  curl -s localhost:9100/metrics | tradewatch contract --job node -
  tradewatch contract --job bot idle.txt trading.txt     together they show all that the bot exports

exit codes: 0 the catalogue is right, 1 it is not, 2 wrong usage or something cannot be read, 3 a bug
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--config", type=Path, default=Path("config"), metavar="DIR", help="folder of the specs (config)")
    add("--job", required=True, metavar="NAME", help="whose metrics they are, by its name in scrape.yaml")
    text = "a saved /metrics text, or where to ask for it; - is standard input"
    add("where", nargs="+", metavar="FILE|URL", help=text)
    add("--format", choices=FORMATS, default="text", help="how problems are printed (text)")


def contract(options: argparse.Namespace) -> int:
    """Compare the catalogue with what one job exports; fail where they differ."""
    project, problems, sources = load_project(options.config)
    if project is None:
        return report(problems, sources, options.format)
    job = project.scrape.jobs.get(options.job)
    if job is None:
        near = did_you_mean(options.job, project.scrape.jobs)
        raise UsageError(f"--job: no job {options.job!r} in scrape.yaml{near}")
    exported = read_exported((where, _text(where)) for where in options.where)
    found = list(breaches(project, job, exported, "contract/metric"))
    if options.format == "text":
        print("\n".join(_told(project, job, exported)), flush=True)
    return report(found, sources, options.format)


def read_exported(texts: Iterable[tuple[str, str]]) -> Exported:
    """Return all that some texts of /metrics tell, each with where it comes from, as one exporter."""
    samples: dict[str, list[Sample]] = {}
    types: dict[str, str] = {}
    helps: dict[str, str] = {}
    for where, text in texts:
        try:
            for family in families(text):
                types[family.name], helps[family.name] = family.type, family.help
                for one in family.samples:
                    samples.setdefault(one.name, []).append(one)
        except ValueError as error:
            raise UsageError(f"{where} is no text of /metrics: {error}") from None
    if not types:
        raise UsageError("nothing is exported there: no text of /metrics")
    return Exported(samples=samples, types=types, helps=helps, may_wait=True)


def _text(where: str) -> str:
    if where.startswith(("http://", "https://")):
        try:
            return ask(where)
        except UnreachableError as error:
            raise UsageError(str(error)) from None
    read: Callable[[], bytes] = sys.stdin.buffer.read if where == "-" else Path(where).read_bytes
    try:
        return read().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is no text of /metrics: {error}") from None


def _told(project: Project, job: Job, exported: Exported) -> Iterator[str]:
    metrics = [one for one in project.catalogue.metrics.values() if one.job == job.name and not one.planned]
    waiting = [metric.name for metric in metrics if exported.waiting(metric)]
    if waiting:
        yield f"without a series yet, so neither labels nor values were compared: {', '.join(waiting)}"
    yield f"{job.name}: {number(len(metrics), 'metric')} of the catalogue compared"
