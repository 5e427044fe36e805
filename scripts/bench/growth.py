"""How the time to compile grows with the number of alerts; it should grow as they do and no faster."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from observability.compile import Outcome, Request, compile_and_verify
from observability.write import write
from scripts.bench.made_up import lay_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Seconds for one size: to check and render in memory, and then to write the files."""

    alerts: int
    check: float
    write: float


def measure(sizes: Sequence[int]) -> Iterator[Point]:
    """Yield a point for each size; no outside tools run."""
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="tradewatch-bench-") as folder:
            yield point(lay_out(Path(folder), size), Path(folder) / "out", size)


def point(config: Path, out: Path, alerts: int) -> Point:
    begin = time.perf_counter()
    outcome: Outcome = compile_and_verify(Request(config_dir=config), with_tools=False, tests=False)
    checked = time.perf_counter()
    if outcome.problems:
        raise RuntimeError(f"the bundle has problems, the first: {outcome.problems[0]}")
    write(out, outcome.files)
    return Point(alerts=alerts, check=checked - begin, write=time.perf_counter() - checked)


def line(point: Point, before: Point | None) -> str:
    """Return a row; with the point before it also how much dearer an alert has become."""
    each = point.check / point.alerts
    text = (
        f"{point.alerts:7,d} alerts  check {point.check:7.2f} s, {each * 1000:6.2f} ms an alert"
        f"   and to write {point.write:6.2f} s"
    )
    return text if before is None else f"{text}   × {each / (before.check / before.alerts):.2f} an alert"
