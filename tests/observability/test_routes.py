"""The routing tree, walked as Alertmanager walks it; amtool is asked the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.routes import integrations, matches, routes_of
from observability.verify.tool import run

TREE = """\
route:
  receiver: top
  group_by: [alertname]
  group_wait: 10s
  routes:
    - receiver: first
      matchers: ['severity="page"']
      continue: true
      group_interval: 20s
    - receiver: second
      matchers: ['severity=~"page|mail"', 'job!="web"']
      group_by: ["..."]
      routes:
        - matchers: ['team="night"']
          group_wait: 0s
    - receiver: third
      matchers: ['team!~".+"']
      active_time_intervals: [day]
receivers:
  - name: top
    webhook_configs: [{url: "http://localhost"}]
    sns_configs: [{phone_number: "+15550100123", message: x, sigv4: {region: x}}]
  - name: first
  - name: second
  - name: third
time_intervals: [{name: day, time_intervals: [{times: [{start_time: "08:00", end_time: "11:00"}]}]}]
"""
LABELS = [
    {"severity": "page"},
    {"severity": "page", "job": "web"},
    {"severity": "mail", "team": "night"},
    {"severity": "mail", "job": "web", "team": "day"},
    {"severity": "other"},
    {"severity": "other", "team": "x"},
    {"severity": "pager", "job": "db", "team": "night"},
]


@pytest.fixture
def tree() -> Any:
    return yaml.safe_load(TREE)


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: "-".join(labels.values()))
def test_labels_lead_where_amtool_says_that_they_lead(
    tree: Any, labels: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "alertmanager.yml").write_text(TREE)
    given = [f"{label}={value}" for label, value in labels.items()]
    good, said = run(
        "amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *given, cwd=tmp_path
    )
    assert good, said
    assert ",".join(route.receiver for route in routes_of(tree, labels)) == said.splitlines()[0]


def test_a_route_inherits_what_it_does_not_say(tree: Any) -> None:
    first, second = routes_of(tree, {"severity": "page"})
    assert (first.group_by, str(first.group_wait), str(first.group_interval)) == (
        ("alertname",),
        "10s",
        "20s",
    )
    assert (second.is_group_per_alert, str(second.group_interval)) == (True, "5m")
    (night,) = routes_of(tree, {"severity": "mail", "team": "night"})
    assert (night.receiver, night.is_group_per_alert, str(night.group_wait)) == ("second", True, "0s")


def test_when_a_route_is_active_is_not_inherited(tree: Any) -> None:
    (third,) = routes_of(tree, {"severity": "other"})
    assert third.active_time_intervals == ("day",)


def test_a_receiver_is_made_of_integrations(tree: Any) -> None:
    assert integrations(tree, "top") == ("webhook", "sns")
    assert integrations(tree, "first") == ()


def test_a_matcher_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a matcher"):
        matches("severity", {})
