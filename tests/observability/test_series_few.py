"""How many series an alert may fire for at once, through all that stands between a metric and the alert."""

from pathlib import Path

import pytest

from config.spec.load import load_project
from observability.checks import series_few
from tests.bundle_of import BUNDLE, lay_out

MEASURES, METRICS = "config/measures.yaml", "config/metrics.yaml"
SHELVES = ", ".join(f"s{number}" for number in range(60))
COUNTS = (
    (BUNDLE / METRICS).read_text("utf-8").replace(', "500"]}', f', "500"], shelf: [{SHELVES}], room: []}}')
)
MEASURE = """
measures:
  error_ratio: {{description: What is watched, kind: count, unit: count, by: [{by}], query: '{query}'}}
  parcels:
    {{description: What it reads, kind: count, unit: count, by: [shelf, instance], query: '{read}'}}
  itself: {{description: Nothing, kind: count, unit: count, by: [shelf], query: max by (shelf) (shop:itself)}}
"""
READ = "sum by (shelf, instance) (http_requests_total)"


def told(folder: Path, by: str, query: str, read: str = READ) -> list[str]:
    files = {METRICS: COUNTS, MEASURES: MEASURE.format(by=by, query=query, read=read)}
    project, problems, _ = load_project(lay_out(folder, files))
    assert project is not None, problems
    return [one.message for one in series_few.check(project)]


@pytest.mark.parametrize(
    ("by", "query", "said"),
    [
        ("shelf, instance", READ, "120 times at once (60 shelf x 2 instance)"),
        (
            "shelf, instance, code",
            "http_requests_total",
            "240 times at once (60 shelf x 2 instance x 2 code)",
        ),
        ("shelf, instance", "shop:parcels > 3", "120 times at once (60 shelf x 2 instance)"),
        (
            "shelf, instance",
            "max by (shelf, instance) (shop:parcels)",
            "120 times at once (60 shelf x 2 instance)",
        ),
        ("shelf, instance", "topk(110, shop:parcels)", "110 times at once (of 60 shelf x 2 instance)"),
        (
            "shelf, instance",
            "queue_length * on (instance) group_right () shop:parcels",
            "120 times at once (60 shelf x 2 instance)",
        ),
    ],
)
def test_a_storm_is_told(by: str, query: str, said: str, tmp_path: Path) -> None:
    assert told(tmp_path, by, query) == [f"ManyErrors may fire {said}; 100 is the most"]


@pytest.mark.parametrize(
    ("by", "query"),
    [
        ("shelf", "sum by (shelf) (shop:parcels)"),
        ("shelf, instance", 'shop:parcels{shelf="s1"}'),
        ("shelf, instance", 'shop:parcels{shelf=~"s1.*"}'),
        ("shelf, instance", 'sum by (shelf, instance) (http_requests_total{instance="web:1"})'),
        ("shelf, instance", "topk(100, shop:parcels)"),
        ("shelf, instance", "shop:parcels / on (instance) queue_length"),
        ("room, instance", "sum by (room, instance) (http_requests_total)"),
        ("shelf, instance", "shop:itself"),
        ("shelf, instance", "sum by (shelf, instance) (unknown)"),
        ("shelf, instance", "sum by (shelf"),
    ],
)
def test_what_is_few_or_not_known_is_let_through(by: str, query: str, tmp_path: Path) -> None:
    assert told(tmp_path, by, query) == []


def test_a_label_that_is_pinned_in_another_measure_counts_once(tmp_path: Path) -> None:
    assert (
        told(tmp_path, "shelf, instance", "shop:parcels", READ.replace("total)", 'total{shelf="s1"})')) == []
    )
