"""Texts as Prometheus will write them; the rule tests prove the same against the real promtool."""

from decimal import Decimal

import pytest

from config.spec.model import Unit
from observability.texts import FORMATS, foreseen, known_placeholders, template, widest
from tests.bundle_of import load_depot, load_shop


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("ratio", 0.125, "12.5%"),
        ("ratio", 1 / 3, "33.33%"),
        ("count", 3, "3"),
        ("count", 1234567, "1.235e+06"),
        ("seconds", 0.25, "250ms"),
        ("seconds", 12.5, "12.5s"),
        ("seconds", 75, "1m 15s"),
        ("seconds", 90061, "1d 1h 1m 1s"),
        ("per_second", 0.5, "0.5/s"),
        ("bytes", 1024, "1024 bytes"),
        ("usdt", 99.999, "100.00 USDT"),
    ],
)
def test_numbers_are_written_in_their_unit(unit: Unit, value: float, written: str) -> None:
    assert FORMATS[unit].write(value) == written


def test_placeholders_become_a_template_or_a_foreseen_text() -> None:
    project = load_shop()
    alert = project.alerts["ManyErrors"]
    measure, level = project.measures[alert.measure], alert.levels["critical"]
    assert (
        template("{value} > {bound}, {for}", measure, level) == "{{ $value | humanizePercentage }} > 50%, 5m"
    )
    assert foreseen("{value} > {bound}, {for}", measure, level, Decimal("0.6")) == "60% > 50%, 5m"


def test_labels_of_the_measure_are_placeholders_too() -> None:
    project = load_depot()
    alert = project.alerts["QueueFillsUp"]
    measure, level = project.measures[alert.measure], alert.levels["warning"]
    assert template("{instance}: {bound}", measure, level) == "{{ $labels.instance }}: 100"
    assert foreseen("{instance}: {value}", measure, level, Decimal(7), {"instance": "web:2"}) == "web:2: 7"
    assert widest("{instance}", measure, level) == "x" * 20


@pytest.mark.parametrize(
    ("alert", "known"),
    [
        ("QueueFillsUp", ["value", "instance", "bound", "for"]),
        ("NobodyServes", ["for"]),
        ("ParcelsWhileClosed", ["value", "for"]),
    ],
)
def test_a_text_may_hold_what_its_alert_has(alert: str, known: list[str]) -> None:
    project = load_depot()
    one = project.alerts[alert]
    assert known_placeholders(one, project.measures[one.measure]) == known
