"""The arguments of `tradewatch backtest`, and its help."""

import argparse
from collections.abc import Callable
from pathlib import Path

from config.spec.duration import Duration

_WEEK = Duration(7 * 86_400_000)
SHORT = "say how alerts would have fired on recorded data"
ABOUT = """\
Say how often and for how long each alert would have fired on what a Prometheus has recorded: by the rules
before a change, those in observability/generated, and by what the specs make now. Raw metrics are asked, so
a rule need not have run. Only read; nothing is written.
"""
END = """\
examples:
  tradewatch backtest                                       the last week, on this machine
  tradewatch backtest --prometheus http://10.0.0.5:9090 --range 30d
  tradewatch backtest --alert SlowOrders --alert DailyLoss  these alone, whether they fire or not
  git archive v1.0 observability/generated | tar -x -C /tmp
  tradewatch backtest --before /tmp/observability/generated    against an older version, after `generate`
  tradewatch backtest --format json | jq -r '.rules[] | select(.changed) | .alert'

exit codes: 0 all was asked, 1 a query was refused, 2 wrong usage, no data, or Prometheus cannot be reached,
3 a bug
"""


def add_arguments(parser: argparse.ArgumentParser, duration: Callable[[str], Duration]) -> None:
    """Add what this command has beyond those that ask a running Prometheus."""
    add = parser.add_argument
    add("--range", type=duration, default=_WEEK, metavar="TIME", help=f"how far to look back ({_WEEK})")
    text = "folder of the rules before (observability/generated beside config)"
    add("--before", type=Path, metavar="DIR", help=text)
    text = "only this one, whether it fires or not; may be given again (all)"
    add("--alert", action="append", default=[], metavar="NAME", help=text)
