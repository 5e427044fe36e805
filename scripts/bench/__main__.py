"""`make bench`: measure, print ratios, judge nothing: speed is for people to read, never a test."""

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.bench import compiler, order_path
from scripts.stack.home import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure speed as ratios to a floor of the same run."
    )
    parser.add_argument(
        "--count", type=int, default=500, metavar="N", help="how many orders (500); at least 50"
    )
    options = parser.parse_args()
    if options.count < 50:
        parser.error("--count must be at least 50, or the percentiles mean nothing")
    print("\n".join(compiler.measure(ROOT / "config", 50).lines()), flush=True)
    with tempfile.TemporaryDirectory(prefix="tradewatch-bench-") as folder:
        print("\n".join(order_path.run(Path(folder), options.count).lines()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
