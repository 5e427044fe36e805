"""Numbers and ticks as people read them."""

import math

import pytest

from scripts.sink.units import ticks, unit_named, worded


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "short", "0"),
        (-0.0, "percentunit", "0%"),
        (3.0452, "short", "3.05"),
        (1234, "short", "1.23 K"),
        (-5.4e6, "short", "-5.4 Mil"),
        (7e18, "short", "7,000,000 Tri"),
        (1e300, "short", "1e+288 Tri"),
        (1e-7, "short", "1e-07"),
        (0.107, "percentunit", "10.7%"),
        (0.1, "percentunit", "10%"),
        (12.5, "percent", "12.5%"),
        (0.00025, "s", "250 µs"),
        (0.0421, "s", "42.1 ms"),
        (0.0, "s", "0 s"),
        (90, "s", "1.5 min"),
        (172800, "s", "2 d"),
        (250, "ms", "250 ms"),
        (0.5, "ops", "0.5 ops/s"),
        (12000, "ops", "12K ops/s"),
        (1536, "bytes", "1.5 KiB"),
        (0.5, "bytes", "0.5 B"),
        (1234.5, "currencyUSD", "$1,234.50"),
        (-12, "currencyUSD", "-$12.00"),
        (2.5e6, "currencyUSD", "$2.5 Mil"),
        (4, "dB", "4 dB"),
        (4, "", "4"),
        (math.inf, "s", "+Inf"),
        (-math.inf, "s", "-Inf"),
        (math.nan, "s", "no value"),
    ],
)
def test_a_number_reads_as_in_grafana(value: float, unit: str, text: str) -> None:
    assert worded(value, unit_named(unit)) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels"),
    [
        (0, 0.2, "percentunit", ["0%", "5%", "10%", "15%", "20%"]),
        (0, 1, "short", ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3, 7, "short", ["-4", "-2", "0", "2", "4", "6", "8"]),
        (0, 90e6, "bytes", ["0 MiB", "20 MiB", "40 MiB", "60 MiB", "80 MiB", "100 MiB"]),
        (0, 5400, "s", ["0.0 h", "0.5 h", "1.0 h", "1.5 h"]),
        (0.0, 0.004, "s", ["0 ms", "1 ms", "2 ms", "3 ms", "4 ms"]),
        (10_000, 10_010, "currencyUSD", [f"${10_000 + 2 * step:,}" for step in range(6)]),
    ],
)
def test_ticks_are_round_and_of_one_scale(low: float, high: float, unit: str, labels: list[str]) -> None:
    assert [tick.label for tick in ticks(low, high, unit_named(unit))] == labels


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1e-300), (-1e300, 1e300), (1e15, 1e15 + 4e6), (-7.3, -7.2), (0, 9.99e-7), (0.1, 0.3), (-1e300, 0)],
)
@pytest.mark.parametrize("unit", ["short", "percentunit", "s", "bytes", "currencyUSD", ""])
def test_ticks_hold_any_range_and_stay_few(low: float, high: float, unit: str) -> None:
    made = ticks(low, high, unit_named(unit))
    span = high - low
    assert 3 <= len(made) <= 9
    assert made[0].at <= low + 1e-6 * span
    assert made[-1].at >= high - 1e-6 * span
    assert len({tick.label for tick in made}) == len(made)
