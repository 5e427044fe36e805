"""A project at another speed: durations are divided, bounds by their kind."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from config.spec.load import load_project
from config.spec.model import Kind
from observability.scale import bound_at, scaled
from tests.bundle_of import load_depot, load_shop


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("ratio", "120"), ("count", "120"), ("latency", "120"), ("age", "2"), ("rate", "7200")],
)
def test_a_bound_scales_by_its_kind(kind: Kind, wanted: str) -> None:
    assert bound_at(Decimal(120), kind, 60) == Decimal(wanted)


def test_everything_that_takes_time_is_divided() -> None:
    project = scaled(load_shop(), 60)
    alert = project.alerts["ManyErrors"]
    assert "[10s]" in project.measures["error_ratio"].query
    assert str(alert.levels["critical"].for_) == "5s"
    assert alert.levels["critical"].bound == Decimal("0.5")
    assert str(alert.detect_within) == "20s"
    assert str(scaled(load_shop(), 60).routing.severities["critical"].group_interval) == "1s"
    assert str(scaled(load_shop(), 60).routing.severities["critical"].repeat_interval) == "4m"
    assert str(project.scrape.scrape_interval) == "500ms"
    assert str(project.routing.severities["critical"].deliver_within) == "2s"
    assert str(project.routing.heartbeat.every) == "1s"
    assert str(project.routing.digest.covers) == "26m"


def test_what_a_panel_asks_for_itself_is_scaled_too() -> None:
    project, _, _ = load_project(Path("config"))
    assert project is not None
    faster = scaled(project, 60)
    assert "[1m]" in faster.panels["trading_overview/orders_by_outcome"][1].queries[0].expr
    assert str(faster.alerts["HighOrderFailureRate"].keep_firing_for) == "5s"


def test_the_window_of_the_digest_follows_the_wall_clock() -> None:
    assert scaled(load_shop(), 60).routing.digest.opens == "07:00"


def test_what_silences_an_alert_and_what_its_absence_means_is_scaled() -> None:
    alert = scaled(load_depot(), 60).alerts["LongQueue"]
    assert str(alert.absent_for) == "10s"
    assert [condition.at_least for condition in alert.unless] == [1]
    traffic = scaled(load_depot(), 60).alerts["SlowAnswers"].lowest_traffic
    assert traffic is not None
    assert str(traffic.every) == "10s"


def test_a_condition_scales_by_the_kind_of_its_own_measure() -> None:
    depot = load_depot()
    aged = {**depot.measures, "closed": replace(depot.measures["closed"], kind="age")}
    alert = scaled(replace(depot, measures=aged), 60).alerts["LongQueue"]
    assert [condition.at_least for condition in alert.unless] == [Decimal(1) / 60]
    assert alert.levels["warning"].bound == 10


def test_presence_has_no_bound_to_scale() -> None:
    level = scaled(load_depot(), 60).alerts["NobodyServes"].levels["critical"]
    assert (level.present, level.has_bound, str(level.for_)) == (False, False, "2s")
