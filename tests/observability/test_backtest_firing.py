"""The automaton of `for` and `keep_firing_for`: seeded series against promtool, restarts by hand."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from config.spec.duration import Duration
from observability.backtest.firing import Ticks, firing
from tests.observability import recorded
from tests.observability.recorded import STEP

# How many rounds, each of some rules over three series; BACKTEST_COUNT=100 tries more.
COUNT, SEED = int(os.environ.get("BACKTEST_COUNT", "1")), int(os.environ.get("FUZZ_SEED", "1"))
RULES = 20
LENGTH = 60
SERIES = "abc"


@pytest.mark.parametrize("number", range(COUNT))
def test_alerts_fire_when_promtool_lets_them_fire(
    tmp_path: Path, record_property: Callable[[str, object], None], number: int
) -> None:
    if number == 0:
        record_property("sampled", f"{COUNT} rounds of {RULES} rules, BACKTEST_COUNT=100 for more")
    chance = random.Random(f"{SEED} {number}")
    ticks = Ticks(start=0, step=STEP, watched=[True] * LENGTH)
    history: dict[str, list[float | None]] = {}
    told: list[list[dict[str, str]]] = [[] for _ in range(LENGTH)]
    rules = ""
    for rule in range(RULES):
        for_, keep = chance.randrange(0, 8), chance.choice([0, 0, *range(1, 8)])
        rules += f"  - {{alert: A{rule}, expr: a{rule} > 0, for: {for_}m, keep_firing_for: {keep}m}}\n"
        for name in SERIES:
            values = list(_wandering(chance))
            history[f'a{rule}{{name="{name}"}}'] = [float(value) for value in values]
            active = {step for step, value in enumerate(values) if value}
            for span in firing(active, ticks, Duration(for_ * STEP), Duration(keep * STEP)):
                for step in span:
                    told[step].append({"alertname": f"A{rule}", "name": name})
    text = f"groups:\n- name: all\n  rules:\n{rules}"
    assert recorded.promtool_says(tmp_path / "right", text, history, told) == ""
    told[-1] = [*told[-1], {"alertname": "A0", "name": "d"}]
    assert "FAILED" in recorded.promtool_says(tmp_path / "wrong", text, history, told)


def _wandering(chance: random.Random) -> list[bool]:
    """Return stretches of true and false, as long as any `for` and shorter."""
    values: list[bool] = []
    while len(values) < LENGTH:
        values += [not values[-1] if values else chance.random() < 0.5] * chance.randrange(1, 12)
    return values[:LENGTH]


@pytest.mark.parametrize(
    ("minutes", "away", "expected"),
    [
        # Shorter than the grace period: begins anew.
        (5, (20, 23), [(5, 20), (28, 100)]),
        # Fired already: goes on.
        (15, (20, 23), [(15, 20), (23, 100)]),
        # Had 21 to go: takes longer by the time that nobody looked.
        (40, (20, 23), [(44, 100)]),
        # Had 5 to go: has the grace period of ten minutes.
        (24, (20, 23), [(33, 100)]),
        # Away for longer than an hour: begins anew.
        (15, (20, 81), [(15, 20), (96, 100)]),
    ],
)
def test_a_restart_is_what_prometheus_makes_of_it(
    minutes: int, away: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    watched = [not away[0] <= tick < away[1] for tick in range(100)]
    ticks = Ticks(start=0, step=STEP, watched=watched)
    found = firing(range(100), ticks, Duration(minutes * STEP), Duration(0))
    assert [(span.start, span.stop) for span in found] == expected
