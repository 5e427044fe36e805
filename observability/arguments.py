"""The arguments of `tradewatch`, and the help that explains them."""

import argparse
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from config.spec.duration import Duration
from config.spec.names import did_you_mean
from observability import commands, contract_command, telling
from observability.backtest import arguments as backtest_help
from observability.backtest.command import backtest
from observability.formats import FORMATS
from observability.live.command import check_live
from observability.mutate import arguments as mutate_help
from observability.mutate.command import mutate
from observability.scale import parse_factor

_ABOUT = """\
Compile the YAML specs in config/ to Prometheus rules and their tests, Alertmanager routing and Grafana
dashboards, and prove that they agree before anything is written.
"""
_START = """\
begin with:
  tradewatch check                 is everything right, and if not, where?
  tradewatch diff                  what would be written?
  tradewatch generate              write it
  tradewatch lint rules.yml        check rules that you have already; needs no specs
  tradewatch explain CHECK         what does the word in brackets after a problem mean?

A problem looks like this, and the last word says which check found it:
  config/measures.yaml:6:12: sum(b) may be 0; divide by (sum(b) > 0) [division_guarded]

exit codes:
  0 clean   1 problems, or for diff differences   2 wrong usage, or a tool is missing
  3 a bug of tradewatch (TRADEWATCH_TRACEBACK=1 shows where)   130 stopped by Ctrl-C
  141 the reader of the output has gone

`tradewatch COMMAND --help` tells more and gives examples.
"""
_CHECK = """\
Read all specs, run the checks (see `tradewatch list`), render every file in memory and let promtool and
amtool test them. Nothing is written. Problems are told all at once, each at its line.
"""
_CHECK_END = """\
examples:
  tradewatch check
  tradewatch check --config ../shop/config --env production --values /root/production.yaml
  tradewatch check --no-tools                   where promtool and amtool are not at hand
  tradewatch check --format github              in a workflow: problems beside the lines

A problem that must be borne for a while is excepted in bundle.yaml:
  allow:
    - {check: division_guarded, of: order_failure_ratio, until: 2026-12-31, why: the counter is never 0}

exit codes: 0 no errors, 1 errors (with --strict also warnings), 2 wrong usage or a tool is missing, 3 a bug
"""
_GENERATE = """\
Do what `check` does, and only when there is no error write the files. Files that no spec makes any more are
removed; nothing else in the folder is touched.
"""
_GENERATE_END = """\
examples:
  tradewatch generate
  tradewatch generate --env production --values /root/production.yaml --out /etc/monitoring
  tradewatch generate --time-scale 60 --out /tmp/fast     everything sixty times as fast, for drills

exit codes: 0 written or nothing to change, 1 errors and nothing was written, 2 wrong usage, a tool is missing
or the folder cannot be written, 3 a bug
"""
_DIFF = "Show what `generate` would change, as a unified diff. Runs the checks, but not promtool and amtool."
_DIFF_END = """\
examples:
  tradewatch diff
  tradewatch diff --out /etc/monitoring --env production --values /root/production.yaml
  tradewatch diff >/dev/null || echo "generated files are old"

exit codes: 0 no difference, 1 differences or errors, 2 wrong usage, 3 a bug
"""
_LINT = """\
Check the expressions of plain Prometheus rule files. Needs no specs, no Prometheus and no network.
With a saved /metrics text more is known, and so more is found.
"""
_LINT_END = """\
examples:
  tradewatch lint rules/*.yml
  curl -s localhost:8080/metrics >metrics.txt && tradewatch lint --metrics metrics.txt rules/*.yml
  jsonnet rules.jsonnet | tradewatch lint -
  tradewatch lint --allow division_guarded --format sarif rules.yml >found.sarif

exit codes: 0 no errors, 1 errors (with --strict also warnings), 2 wrong usage, 3 a bug
"""
_LATENCY = """\
Add up the worst case from a fault to an alert that fires, and from there to the people whom it is for: for
every alert, route and environment, from the files that would be written. A promise that cannot be kept is a
problem.
"""
_LATENCY_END = """\
examples:
  tradewatch latency                          a line for each alert
  tradewatch latency HighOrderFailureRate     with every step that is counted
  tradewatch latency --format json | jq '.[] | select(.detect_within.worst > 600) | .alert'

exit codes: 0 every promise is kept, 1 one is not or the specs have problems, 2 wrong usage, 3 a bug
"""
_PAGE_TEST = """\
Send a marked page through every receiver of a running Alertmanager, tell which of them took it, and resolve
it. Then listen for the next heartbeat. What Alertmanager runs with is asked, not what the specs say.
"""
_PAGE_TEST_END = """\
examples:
  tradewatch page-test                                   the Alertmanager on this machine
  tradewatch page-test --alertmanager http://10.0.0.5:9093
  tradewatch page-test --severity critical               the pager and the phone alone

exit codes: 0 every receiver took it, 1 one did not, 2 wrong usage or Alertmanager cannot be reached, 3 a bug
"""
_LIVE = """\
Ask a running Prometheus for everything that the specs stand on: whether it scrapes every job and has loaded
the rules that the specs make, whether the exporters export what the catalogue says, and whether the query of
every measure, condition and panel has values, with the labels that its legend uses. What may have no value
although all is well says so by `may_be_empty`, or reads a metric that is `planned`; it is listed.
"""
_LIVE_END = """\
examples:
  tradewatch check-live                                     the Prometheus on this machine
  tradewatch check-live --prometheus http://10.0.0.5:9090
  tradewatch check-live --format json | jq -r '.queries[] | select(.series == 0) | .of'

exit codes: 0 all is there, 1 something is not, 2 wrong usage or Prometheus cannot be reached, 3 a bug
"""
_LIST_END = """\
examples:
  tradewatch list
  tradewatch list --format json | jq -r '.[] | select(.lint) | .id'     those that lint runs too

exit codes: 0, 2 wrong usage
"""
_EXPLAIN_END = """\
examples:
  tradewatch explain division_guarded
  tradewatch explain schema/pattern      ids with a slash are explained by their family

exit codes: 0, 2 there is no such check
"""


class _Parser(argparse.ArgumentParser):
    """Says of a word that it does not know which one was probably meant."""

    def _check_value(self, action: argparse.Action, value: str) -> None:
        known = [str(choice) for choice in action.choices or ()]
        if known and value not in known:
            near = did_you_mean(value, known) or f"; there are {', '.join(known)}"
            raise argparse.ArgumentError(action, f"no {value!r}{near}")


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; end with 2 where it is wrong, and with the help where it is empty."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser().print_help(sys.stderr)
        sys.exit(commands.USAGE)
    options, left = parser().parse_known_args(given)
    if left:
        used: argparse.ArgumentParser = options.parser
        near = did_you_mean(left[0].partition("=")[0], re.findall(r"--[\w-]+", used.format_usage()))
        used.error(f"no argument {left[0]!r}{near}")
    return options


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line; each command is in `command` of what it reads."""
    top = _Parser(
        prog="tradewatch",
        description=_ABOUT,
        epilog=_START,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    subparsers = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str, about: str, end: str) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(
            name,
            help=text,
            description=about,
            epilog=end,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=run, parser=sub, out=None, time_scale=1.0, no_tools=False)
        return sub

    check = command("check", commands.check, "say whether everything is right", _CHECK, _CHECK_END)
    _add_specs(check)
    _add_tools(check)
    _add_report(check)
    generate = command("generate", commands.generate, "check, then write the files", _GENERATE, _GENERATE_END)
    _add_specs(generate)
    _add_tools(generate)
    _add_output(generate)
    _add_format(generate)
    diff = command("diff", commands.diff, "show what generate would change", _DIFF, _DIFF_END)
    _add_specs(diff)
    _add_output(diff)
    _add_lint(command("lint", commands.lint, "check plain Prometheus rule files", _LINT, _LINT_END))
    latency = command("latency", telling.latency, "prove that pages come in time", _LATENCY, _LATENCY_END)
    _add_specs(latency)
    latency.add_argument("alert", nargs="*", metavar="ALERT", help="only these, with every step (all)")
    latency.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print them (text)"
    )
    page = command(
        "page-test", telling.page_test, "send a marked page to everybody", _PAGE_TEST, _PAGE_TEST_END
    )
    page.add_argument(
        "--config", type=Path, default=Path("config"), metavar="DIR", help="folder of the specs (config)"
    )
    page.set_defaults(env=None, values=None)
    address = "http://127.0.0.1:9093"
    page.add_argument("--alertmanager", default=address, metavar="URL", help=f"where it listens ({address})")
    page.add_argument(
        "--severity", action="append", default=[], help="only this one; may be given again (all)"
    )
    live = command("check-live", check_live, "ask Prometheus whether all has values", _LIVE, _LIVE_END)
    _add_live(live)
    backtested = command("backtest", backtest, backtest_help.SHORT, backtest_help.ABOUT, backtest_help.END)
    _add_live(backtested)
    backtest_help.add_arguments(backtested, _duration)
    mutated = command("mutate", mutate, mutate_help.SHORT, mutate_help.ABOUT, mutate_help.END)
    _add_specs(mutated)
    mutate_help.add_arguments(mutated)
    texts = (contract_command.SHORT, contract_command.ABOUT, contract_command.END)
    kept = command("contract", contract_command.contract, *texts)
    contract_command.add_arguments(kept)
    listed = command("list", commands.list_checks, "list the checks", "List the checks.", _LIST_END)
    listed.add_argument("--format", choices=("text", "json"), default="text", help="how to print them (text)")
    about = "Say what a check wants, why, and how to mend what it finds."
    explain = command("explain", commands.explain, "explain a check", about, _EXPLAIN_END)
    explain.add_argument("check", metavar="CHECK", help="the id in brackets at the end of a problem")
    return top


def _add_specs(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--config", type=Path, default=Path("config"), metavar="DIR", help="folder of the specs (config)")
    add("--env", metavar="NAME", help="only this environment: environments/NAME.yaml (all)")
    add("--values", type=Path, metavar="FILE", help="YAML with values to lay over environments")


def _add_live(parser: argparse.ArgumentParser) -> None:
    add, address = parser.add_argument, "http://127.0.0.1:9090"
    _add_specs(parser)
    add("--prometheus", default=address, metavar="URL", help=f"where it listens ({address})")
    text = "the files that it runs with were generated with this"
    add("--time-scale", type=parse_factor, metavar="N", help=text)
    add("--format", choices=("text", "json"), default="text", help="how to print it (text)")


def _add_tools(parser: argparse.ArgumentParser) -> None:
    text = "leave promtool and amtool out, and say what is not proved then"
    parser.add_argument("--no-tools", action="store_true", help=text)


def _add_output(parser: argparse.ArgumentParser) -> None:
    text = "where the files go (observability/generated beside config)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=text)
    text = "divide every duration by N, for drills; the tests of rules do not run then"
    parser.add_argument("--time-scale", type=parse_factor, metavar="N", help=text)


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="text", help="how problems are printed (text)")


def _add_report(parser: argparse.ArgumentParser) -> None:
    _add_format(parser)
    parser.add_argument("--strict", action="store_true", help="let warnings fail too")


def _add_lint(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "file",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="a file with `groups` of rules; - is standard input",
    )
    add(
        "--metrics",
        type=Path,
        metavar="FILE",
        help="a saved /metrics text: types and labels of what is exported",
    )
    interval = Duration(15_000)
    text = f"of your Prometheus ({interval})"
    add("--scrape-interval", type=_duration, default=interval, metavar="TIME", help=text)
    text = "leave this check out and say how much it found; may be given again"
    add("--allow", action="append", default=[], metavar="CHECK", help=text)
    _add_report(parser)


def _version() -> str:
    try:
        return version("tradewatch")
    except PackageNotFoundError:
        return "that is not installed"


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
