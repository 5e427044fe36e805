"""What docker-compose.yml promises of every service, and that a file that breaks a promise is told."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
# Health checks of these stand in their Dockerfiles.
BUILT = {"bot", "simulator", "sink"}
# Who has business in the internet: with exchange, Telegram and receivers of alerts. The demo plays all.
LEAD_OUT = {"bot", "simulator", "alertmanager", "sink"}
# PostgreSQL begins as root, and drops these with it.
NEEDED = {"db": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}}

File = dict[str, Any]


def shut_in(file: File) -> Iterator[str]:
    for name, service in file["services"].items():
        if service.get("read_only") is not True:
            yield f"{name} can write to its root"
        if service.get("cap_drop") != ["ALL"] or set(service.get("cap_add", ())) - NEEDED.get(name, set()):
            yield f"{name} has capabilities"
        if service.get("security_opt") != ["no-new-privileges:true"]:
            yield f"{name} can get privileges"
        if {"privileged", "network_mode", "pid", "ipc", "user", "userns_mode", "devices"} & set(service):
            yield f"{name} shares more with the host than files and networks"
        if any("docker.sock" in str(volume) for volume in service.get("volumes", ())):
            yield f"{name} commands the engine, which is root on the host"


def limited(file: File) -> Iterator[str]:
    for name, service in file["services"].items():
        if not re.fullmatch(r"\d+m", service.get("mem_limit", "")) or not service.get("pids_limit"):
            yield f"{name} may take all memory or processes"
        logs = service.get("logging", {}).get("options", {})
        if not {"max-size", "max-file"} <= set(logs):
            yield f"{name} may fill the disk with its log"


def watched(file: File) -> Iterator[str]:
    for name, service in file["services"].items():
        if service.get("restart") != "unless-stopped":
            yield f"{name} stays down when it ends"
        if name in BUILT:
            text = (ROOT / service["build"]["dockerfile"]).read_text()
            if "\nHEALTHCHECK " not in text or "healthcheck" in service:
                yield f"{name} has not the health check of its image"
        elif {"test", "interval", "timeout", "retries"} - set(service.get("healthcheck", ())):
            yield f"{name} has no health check"


def ordered(file: File) -> Iterator[str]:
    """Whoever needs another to start waits until that is healthy; Prometheus needs nobody."""
    for name, service in file["services"].items():
        needs = service.get("depends_on", {})
        if name == "prometheus":
            if needs != ["alertmanager"]:
                yield "prometheus waits for somebody"
            continue
        for other, how in needs.items():
            if how["condition"] != "service_healthy":
                yield f"{name} does not wait until {other} is healthy"
            if how.get("required", True) and file["services"][other].get("profiles"):
                yield f"{name} cannot start without the demo"
    for name, other in {"bot": "db", "postgres-exporter": "db", "grafana": "prometheus"}.items():
        if other not in file["services"][name].get("depends_on", {}):
            yield f"{name} does not wait for {other}"


def published_on_loopback(file: File) -> Iterator[str]:
    for name, service in file["services"].items():
        for port in service.get("ports", ()):
            if not re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+", port):
                yield f"{name} publishes {port}"


def pinned(file: File) -> Iterator[str]:
    for name, service in file["services"].items():
        kept = r":local$" if name in BUILT else r":v?\d+[\w.]*$"
        if not re.search(kept, service["image"]):
            yield f"{name} is of whatever version there is"


def kept_in(file: File) -> Iterator[str]:
    """Only who has business there reaches the internet, and whichever network comes first by its name."""
    networks = {name: network or {} for name, network in file["networks"].items()}
    option = "com.docker.network.bridge.enable_ip_masquerade"
    open_ = {name for name, network in networks.items() if not network.get("internal")}
    out = {name for name in open_ if networks[name].get("driver_opts", {}).get(option) != "false"}
    for name, service in file["services"].items():
        mine = set(service.get("networks", ["default"]))
        if mine & (out | {"default"}) and name not in LEAD_OUT:
            yield f"{name} reaches the internet"
        if len(mine & open_) > 1:
            yield f"{name} has two ways out: {sorted(mine & open_)}"
        if service.get("ports") and not mine & open_:
            yield f"{name} publishes a port, which it cannot from internal networks"


def apart(file: File) -> Iterator[str]:
    """Who may talk with whom at all; a pair that is not listed shares no network."""
    talk = {
        ("bot", "simulator"), ("bot", "db"), ("db", "postgres-exporter"), ("bot", "postgres-exporter"),
        ("alertmanager", "prometheus"), ("alertmanager", "sink"), ("prometheus", "sink"),
        ("grafana", "prometheus"),
        *(tuple(sorted(("prometheus", name))) for name in ("bot", "node-exporter", "postgres-exporter")),
        # Prometheus' targets are in one network.
        ("bot", "node-exporter"), ("node-exporter", "postgres-exporter"),
    }  # fmt: skip
    services = file["services"]
    for one in services:
        for other in services:
            shared = set(services[one]["networks"]) & set(services[other]["networks"])
            if one < other and shared and (one, other) not in talk:
                yield f"{one} and {other} share {sorted(shared)}"


Promise = Callable[[File], Iterator[str]]
PROMISES: tuple[Promise, ...] = (
    shut_in, limited, watched, ordered, published_on_loopback, pinned, kept_in, apart,
)  # fmt: skip


def change(path: str, value: Any) -> Callable[[File], None]:
    """Set what stands at a path of names; None takes it away."""

    def changed(file: File) -> None:
        *way, last = path.split("/")
        place = file
        for name in way:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return changed


# Each breaks one promise, in one service; that it is a promise of all of them the functions say.
BREAKS: tuple[tuple[Promise, Callable[[File], None], str], ...] = (
    (shut_in, change("services/bot/read_only", False), "bot can write to its root"),
    (shut_in, change("services/bot/cap_drop", None), "bot has capabilities"),
    (shut_in, change("services/db/cap_add", ["SYS_ADMIN"]), "db has capabilities"),
    (shut_in, change("services/bot/cap_add", ["CHOWN"]), "bot has capabilities"),
    (shut_in, change("services/sink/security_opt", []), "sink can get privileges"),
    (shut_in, change("services/bot/network_mode", "host"), "bot shares more"),
    (shut_in, change("services/bot/volumes", ["/var/run/docker.sock:/s"]), "bot commands the engine"),
    (limited, change("services/db/mem_limit", None), "db may take all memory"),
    (limited, change("services/db/pids_limit", None), "db may take all memory or processes"),
    (limited, change("services/grafana/logging", {"driver": "json-file"}), "grafana may fill the disk"),
    (watched, change("services/prometheus/restart", "no"), "prometheus stays down"),
    (watched, change("services/node-exporter/healthcheck", None), "node-exporter has no health check"),
    (watched, change("services/sink/healthcheck", {"disable": True}), "sink has not the health check"),
    (ordered, change("services/bot/depends_on/db/condition", "service_started"), "bot does not wait"),
    (ordered, change("services/bot/depends_on/simulator/required", True), "bot cannot start without"),
    (ordered, change("services/postgres-exporter/depends_on", {}), "postgres-exporter does not wait for db"),
    (ordered, change("services/prometheus/depends_on", ["bot"]), "prometheus waits"),
    (published_on_loopback, change("services/db/ports", ["5432:5432"]), "db publishes 5432:5432"),
    (pinned, change("services/grafana/image", "grafana/grafana:latest"), "grafana is of whatever version"),
    (pinned, change("services/db/image", "postgres"), "db is of whatever version"),
    (kept_in, change("networks/database-port", {}), "db reaches the internet"),
    (kept_in, change("services/grafana/networks", ["dashboards", "receivers"]), "grafana reaches"),
    (kept_in, change("networks/database", {}), "bot has two ways out: ['database', 'exchange']"),
    (kept_in, change("services/grafana/networks", ["alerting"]), "grafana publishes a port"),
    (apart, change("services/bot/networks", ["exchange", "alerting"]), "alertmanager and bot share"),
    (apart, change("services/sink/networks", ["receivers", "database"]), "bot and sink share ['database']"),
)  # fmt: skip


def a_copy() -> File:
    return copy.deepcopy(dict(FILE))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_promise_is_kept(promise: Promise) -> None:
    assert list(promise(a_copy())) == []


@pytest.mark.parametrize(("promise", "break_it", "told"), BREAKS, ids=[told for _, _, told in BREAKS])
def test_a_file_that_breaks_it_is_told(promise: Promise, break_it: Callable[[File], None], told: str) -> None:
    file = a_copy()
    break_it(file)
    assert any(problem.startswith(told) for problem in promise(file))


def test_every_promise_can_be_broken() -> None:
    assert {promise for promise, _, _ in BREAKS} == set(PROMISES)
