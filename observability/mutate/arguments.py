"""The arguments of `tradewatch mutate`, and the help that explains them."""

import argparse
from pathlib import Path

SHORT = "prove that the tests of alerts notice changes"
ABOUT = """\
Change the rules of every alert in small ways, one at a time, and run the tests of the alert against each
change, which is called a mutant. A mutant that no test notices survives: what it changes nobody has tested.
The tests that people wrote, as stories in the specs, and those that are derived are scored apart.
"""
END = """\
examples:
  tradewatch mutate                                every mutant of every alert
  tradewatch mutate --alert HighCPULoad            of one alert; may be given again
  tradewatch mutate --count 200 --seed 7           of a sample, the same for the same seed
  tradewatch mutate --json mutants.json            also as data

A mutant that nothing can tell from the rule is excused at its alert or measure, in the words of the report:
  equivalent:
    - {mutant: "total > 0 -> total", why: "x / 0 is no number, which is above no bound"}

exit codes: 0 both scores are 100 %, 1 a mutant survives, an alert has no tests or the specs have problems,
2 wrong usage or promtool is missing, 3 a bug
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--alert", action="append", default=[], metavar="NAME", help="only this one; may be given again (all)"
    )
    add("--count", type=_count, metavar="N", help="only so many mutants, drawn by chance (all)")
    add("--seed", type=int, metavar="S", help="which chance draws them (one of its own, which is told)")
    add("--json", type=Path, metavar="FILE", help="write what came out as data, too")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of mutants")
    return int(text)
