"""Each kind of proof of `make test-compose` can fail: what is good here is made bad, one thing at a time."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.spec.duration import Duration
from config.spec.load import load_project
from scripts.compose_proof.judge import Kept, exposed, lost, open_doors, unready, untold, wrong_ways

ROOT = Path(__file__).parents[3]
RULES = ROOT / "observability" / "generated" / "rules"
NONE, ALL = "0000000000000000", "000001ffffffffff"
STATUS = {
    "Uid": "10001\t10001\t10001\t10001", "CapInh": NONE, "CapPrm": NONE, "CapEff": NONE, "CapBnd": NONE,
    "CapAmb": NONE, "NoNewPrivs": "1",
}  # fmt: skip
MOUNTS = "overlay / overlay ro,relatime,lowerdir=/a 0 0\ntmpfs /tmp tmpfs rw,nosuid 0 0\n"
HOST: Mapping[str, Any] = {
    "Privileged": False, "Memory": 1 << 28, "PidsLimit": 200, "LogConfig": {"Config": {"max-size": "10m"}},
    "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]},
}  # fmt: skip
SECRET = "0123456789abcdef0123456789abcdef"
KEPT = Kept(level=1, things={"orders": frozenset({"a", "b"}), "silences": frozenset({"s"})}, samples=40)


def doors(
    service: str = "bot", *, mounts: str = MOUNTS, host: Mapping[str, Any] = HOST, **status: str
) -> list[str]:
    lines = "".join(f"{name}:\t{value}\n" for name, value in {**STATUS, **status}.items())
    return open_doors(service, lines, mounts, {"HostConfig": host})


def test_a_container_that_is_shut_has_no_fault() -> None:
    assert doors() == []
    # The database may take over its folder, and no more.
    assert doors("db", CapBnd="00000000000000cb") == []


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        ({"Uid": "0\t0\t0\t0"}, "runs as uid 0"),
        ({"Uid": "10001\t0\t10001\t10001"}, "runs as uid 10001 0"),
        ({"CapEff": "0000000000000400"}, "CapEff is 0000000000000400"),
        ({"CapPrm": "0000000000000001"}, "CapPrm is"),
        ({"CapAmb": "0000000000000001"}, "CapAmb is"),
        ({"CapBnd": ALL}, "could regain capabilities"),
        ({"CapBnd": "00000000000000cb"}, "could regain capabilities"),
        ({"NoNewPrivs": "0"}, "may gain new privileges"),
    ],
)
def test_a_right_too_many_is_seen(status: dict[str, str], fault: str) -> None:
    [found] = doors(**status)
    assert fault in found


def test_the_database_may_regain_what_it_needs_and_nothing_else() -> None:
    assert doors("db", CapBnd="00000000000000db") == [
        "db: could regain capabilities: CapBnd is 00000000000000db"
    ]


@pytest.mark.parametrize("mounts", [MOUNTS.replace(" ro,", " rw,"), "tmpfs /tmp tmpfs ro 0 0\n", ""])
def test_a_root_that_can_be_written_is_seen(mounts: str) -> None:
    assert doors(mounts=mounts) == ["bot: its root can be written"]


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ({"Privileged": True}, "is privileged"),
        ({"Memory": 0}, "no limit of memory or processes"),
        ({"PidsLimit": None}, "no limit of memory or processes"),
        ({"LogConfig": {"Config": None}}, "its log grows without end"),
        ({"PortBindings": {"5432/tcp": [{"HostIp": "", "HostPort": "5432"}]}}, "published on every address"),
        ({"PortBindings": {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "1"}]}}, "published on 0.0.0.0"),
    ],
)
def test_what_the_engine_was_not_told_is_seen(host: dict[str, Any], fault: str) -> None:
    [found] = doors(host={**HOST, **host})
    assert fault in found


def test_a_process_that_tells_nothing_of_itself_is_not_shut() -> None:
    assert len(open_doors("bot", "", MOUNTS, {"HostConfig": HOST})) > 5


def test_a_secret_that_shows_is_seen_also_as_a_part() -> None:
    secrets = {
        "postgres_password": SECRET,
        "database_url": f"postgresql://bot:{SECRET[::-1]}@db:5432/trading_bot\n",
    }
    told = {
        "docker inspect of bot": '["DATABASE_URL_FILE=/run/secrets/database_url", "BINGX_SECRET_KEY_FILE"]'
    }
    assert exposed(secrets, told) == []
    told["the log of bot"] = f"connecting with {SECRET[::-1]}"
    assert exposed(secrets, told) == ["database_url shows in the log of bot"]
    told["docker compose config"] = f"POSTGRES_PASSWORD: {SECRET}"
    assert "postgres_password shows in docker compose config" in exposed(secrets, told)


def test_a_secret_that_cannot_be_looked_for_is_no_proof() -> None:
    assert exposed({"pin": "1234\n"}, {"anything": ""}) == [
        "pin: has no piece of 16 characters that could be looked for"
    ]


def test_each_way_must_be_as_the_networks_are() -> None:
    may = {"db:5432": True, "grafana:3000": False}
    assert wrong_ways(may, {"db:5432": True, "grafana:3000": False}) == []
    assert wrong_ways(may, {"db:5432": True, "grafana:3000": True}) == ["grafana:3000 could be reached"]
    assert wrong_ways(may, {"db:5432": False, "grafana:3000": False}) == ["db:5432 could not be reached"]
    assert wrong_ways(may, {"db:5432": True}) == ["grafana:3000 was not tried"]


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        (replace(KEPT, things={**KEPT.things, "orders": frozenset({"a"})}), "1 of 2 orders are gone: b"),
        (replace(KEPT, things={**KEPT.things, "silences": frozenset()}), "1 of 1 silences are gone: s"),
        (replace(KEPT, level=0), "the switch was at level 1 and is at 0"),
        (replace(KEPT, samples=39), "Prometheus had 40 samples of before, and has 39"),
    ],
)
def test_what_is_lost_is_named(after: Kept, fault: str) -> None:
    assert lost(KEPT, KEPT) == []
    assert lost(KEPT, after) == [fault]


def test_where_nothing_was_nothing_is_proved() -> None:
    empty = Kept(level=0, things={"orders": frozenset()}, samples=0)
    assert lost(empty, empty) == [
        "there were no orders that could be lost",
        "Prometheus had 0 samples of before, and has 0",
    ]


def test_more_than_before_is_no_loss() -> None:
    more = replace(KEPT, things={**KEPT.things, "orders": frozenset({"a", "b", "c"})}, samples=90)
    assert lost(KEPT, more) == []


def test_an_alert_must_reach_its_own_channel() -> None:
    told = [{"alertname": "BotDown", "severity": "critical", "channel": "pagerduty", "status": "firing"}]
    page = ("BotDown", "critical", "pagerduty", "firing")
    assert untold(told, [page]) == []
    for other in (
        ("BotDown", "critical", "email", "firing"),
        ("BotDown", "warning", "pagerduty", "firing"),
        ("BotDown", "critical", "pagerduty", "resolved"),
        ("DatabaseDown", "critical", "pagerduty", "firing"),
    ):
        assert untold(told, [page, other]) == [f"{' '.join(other)} reached nobody"]
    assert len(untold([], [page])) == 1


@pytest.fixture(scope="module")
def loaded() -> tuple[Any, dict[str, str], list[Any], list[Any]]:
    """The project, its shipped rule files, and a Prometheus in which all is well."""
    project, problems, _ = load_project(ROOT / "config")
    assert project is not None, problems
    file = RULES / "money.yml"
    files = {"rules/money.yml": file.read_text("utf-8")}
    groups = [
        {"name": group["name"], "rules": [_as_loaded(rule) for rule in group["rules"]]}
        for group in yaml.safe_load(files["rules/money.yml"])["groups"]
    ]
    targets = [
        {"labels": {"job": job, "instance": job}, "health": "up", "lastError": ""}
        for job in project.scrape.jobs
    ]
    return project, files, targets, groups


def _as_loaded(rule: Any) -> dict[str, Any]:
    told = {
        "name": rule.get("alert") or rule["record"],
        "query": rule["expr"],
        "labels": rule.get("labels", {}),
    }
    if "alert" in rule:
        for name, key in (("duration", "for"), ("keepFiringFor", "keep_firing_for")):
            told[name] = Duration.parse(rule.get(key, "0s")).seconds
        told["annotations"] = rule["annotations"]
    return {**told, "health": "ok"}


def test_targets_and_rules_that_are_well_are_no_fault(loaded: Any) -> None:
    assert unready(*loaded) == []


def test_a_target_that_is_down_or_absent_is_seen(loaded: Any) -> None:
    project, files, targets, groups = loaded
    first = {**targets[0], "health": "down", "lastError": "connection refused"}
    [fault] = unready(project, files, [first, *targets[1:]], groups)
    assert "is down: connection refused" in fault
    [fault] = unready(project, files, targets[1:], groups)
    assert "no target" in fault


def test_a_rule_that_is_missing_or_other_or_ill_is_seen(loaded: Any) -> None:
    project, files, targets, [group, *others] = loaded
    *rules, last = group["rules"]
    for rule, fault in (
        (None, "is not loaded"),
        ({**last, "query": "vector(1)"}, "another query"),
        ({**last, "health": "err", "lastError": "many-to-many"}, "is err: many-to-many"),
    ):
        changed = {**group, "rules": rules if rule is None else [*rules, rule]}
        [found] = unready(project, files, targets, [changed, *others])
        assert fault in found
