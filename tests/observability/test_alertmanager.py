"""Routing that Alertmanager gets, beyond what amtool judges."""

from pathlib import Path
from typing import Any

import yaml

from observability.compile import Request, compile_bundle
from tests.bundle_of import BUNDLE, lay_out, replaced


def config_of(config_dir: Path, environment: str = "cellar") -> Any:
    outcome = compile_bundle(Request(config_dir=config_dir))
    assert outcome.files, outcome.problems
    return yaml.safe_load(outcome.files[f"{environment}/alertmanager.yml"])


def test_an_alert_of_an_unforeseen_severity_goes_where_the_gravest_go() -> None:
    assert config_of(BUNDLE / "config")["route"]["receiver"] == "critical"


def test_a_graver_level_silences_the_lesser_of_the_same_alert_only() -> None:
    assert config_of(BUNDLE / "config")["inhibit_rules"] == [
        {
            "source_matchers": ['severity="critical"', 'alertname=~"ManyErrors"'],
            "target_matchers": ['severity="warning"', 'alertname=~"ManyErrors"'],
            "equal": ["alertname"],
        }
    ]


def test_levels_silence_each_other_per_label_of_the_measure(tmp_path: Path) -> None:
    edited = replaced("config/alerts/web.yaml", "measure: error_ratio", "measure: queue_length")
    edited = {name: text.replace(", value: 1}", "}") for name, text in edited.items()}
    assert config_of(lay_out(tmp_path, edited))["inhibit_rules"][0]["equal"] == ["alertname", "instance"]


def test_an_alert_silences_those_it_names_and_those_that_look_only_at_its_job(tmp_path: Path) -> None:
    more = (BUNDLE / "config/alerts/web.yaml").read_text("utf-8")
    alone = more.replace("ManyErrors:", "WebDown:\n    silences: {job: web, alerts: [ManyErrors]}")
    alone = alone.replace("warning: {above: 0.1, for: 5m}", "").replace(
        "firing: [warning, critical]", "firing: [critical]"
    )
    board = replaced("config/dashboards/web.yaml", "alerts: [ManyErrors]", "alerts: [ManyErrors, WebDown]")
    config = config_of(lay_out(tmp_path, {**board, "config/alerts/down.yaml": alone}))
    assert config["inhibit_rules"][1:] == [
        {"source_matchers": ['alertname="WebDown"'], "target_matchers": ['alertname=~"ManyErrors"']}
    ]


def test_the_digest_is_sent_in_its_window_and_zone_once() -> None:
    config = config_of(BUNDLE / "config")
    window = config["time_intervals"][0]["time_intervals"][0]
    route = config["route"]["routes"][1]
    assert window == {"times": [{"start_time": "07:00", "end_time": "09:00"}], "location": "Europe/Berlin"}
    assert (route["active_time_intervals"], route["repeat_interval"]) == (["digest"], "20h")


def test_a_severity_without_receivers_is_told_by_nobody_but_the_digest() -> None:
    config = config_of(BUNDLE / "config")
    info = next(route for route in config["route"]["routes"] if route["matchers"] == ['severity="info"'])
    assert info["receiver"] == "nobody"
    assert {"name": "nobody"} in config["receivers"]


def test_no_secret_stands_in_the_configuration() -> None:
    text = yaml.safe_dump(config_of(Path("config"), "local"))
    assert "routing_key_file" in text
    assert "routing_key:" not in text
    assert "access_key" not in text


def test_the_heartbeat_beats_each_minute() -> None:
    """Alertmanager repeats at the first look after repeat_interval, so 45s of looks each 30s is a minute."""
    route = config_of(BUNDLE / "config")["route"]["routes"][0]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("0s", "30s", "45s")


def test_only_what_is_over_by_itself_sends_no_resolved() -> None:
    receivers = {receiver["name"]: receiver for receiver in config_of(BUNDLE / "config")["receivers"]}
    assert receivers["critical"]["pagerduty_configs"][0]["send_resolved"] is True
    assert receivers["warning"]["email_configs"][0]["send_resolved"] is True
    assert receivers["digest"]["email_configs"][0]["send_resolved"] is False
    assert receivers["heartbeat"]["webhook_configs"][0]["send_resolved"] is False


def test_each_kind_of_receiver_gets_its_own_text() -> None:
    receivers = {receiver["name"]: receiver for receiver in config_of(Path("config"), "local")["receivers"]}
    sms, mail = receivers["critical"]["sns_configs"][0], receivers["warning"]["email_configs"][0]
    assert sms["message"] == '{{ template "tradewatch.sms" . }}'
    assert (mail["text"], mail["html"]) == ('{{ template "tradewatch.text" . }}', "")
    assert receivers["digest"]["email_configs"][0]["text"] == '{{ template "tradewatch.digest" . }}'
