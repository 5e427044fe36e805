"""`make bench`: measure, print ratios and growth, judge nothing: speed is for people to read, not a test."""

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.bench import compiler, growth, order_path, signals
from scripts.stack.home import ROOT

_PARTS = ("compiler", "growth", "signals", "orders")


def main() -> int:
    options = _options()
    if "compiler" in options.only:
        print("\n".join(compiler.measure(ROOT / "config", 50).lines()), flush=True)
    if "growth" in options.only:
        _print_growth(options.sizes)
    if "signals" in options.only:
        for line in signals.run(options.messages):
            print(line, flush=True)
    if "orders" in options.only:
        with tempfile.TemporaryDirectory(prefix="tradewatch-bench-") as folder:
            for ratio in order_path.run(Path(folder), options.count):
                print("\n".join(ratio.lines()), flush=True)
    return 0


def _print_growth(sizes: list[int]) -> None:
    print("compiler by size of a made-up bundle, without promtool and amtool")
    before = None
    for point in growth.measure(sizes):
        print(f"    {growth.line(point, before)}", flush=True)
        before = point


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure speed: ratios to a floor of the same run, and growth with size.",
    )
    add = parser.add_argument
    add(
        "--count",
        type=int,
        default=80,
        metavar="N",
        help="how many orders (80), four a second; at least 50",
    )
    most = "how many messages (4000); at least 1000, and 100000 for what memory grows by"
    add("--messages", type=int, default=4000, metavar="N", help=most)
    default = [100, 1000, 10_000]
    add("--sizes", type=_sizes, default=default, metavar="N,N", help="how many alerts (100,1000,10000)")
    add("--only", action="append", choices=_PARTS, help="measure this alone; may be given again (all)")
    options = parser.parse_args()
    options.only = options.only or list(_PARTS)
    if options.count < 50:
        parser.error("--count must be at least 50, or the percentiles mean nothing")
    if options.messages < 1000:
        parser.error("--messages must be at least 1000, or the percentiles mean nothing")
    return options


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < 1:
        raise ValueError("a bundle has at least one alert")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
