"""`make reload`: lets Prometheus and Alertmanager in Compose read their files, and proves that they did."""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config.spec.load import load_project
from config.spec.model import Project
from observability.live.loaded import rule_problems
from observability.live.prometheus import Prometheus
from observability.service import UnreachableError, ask

ROOT = Path(__file__).resolve().parents[1]
# Every group of rules is evaluated within its interval of 15 s, on a beat of its own.
_PATIENCE, _LOOK = 60.0, 0.5
# Who had refused its files before shows no difference when it refuses them again.
_REFUSES_WITHIN = 10.0
_SHOWN = 5


class ReloadError(Exception):
    """Why nothing could be asked to reload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of the two; `mounts` are folders of this machine by where the container has them."""

    service: str
    container: str
    url: str
    mounts: Mapping[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """Its last reload: whether it was good, and when the last good one was, in seconds since 1970."""

    successful: bool
    at: float


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__,
        epilog="exit codes: 0 both run with the files that are mounted, 1 one does not, or is not there",
    ).parse_args()
    try:
        project, problems, _ = load_project(ROOT / "config")
        if project is None:
            raise ReloadError("\n".join(map(str, problems)))
        servers = [_server("prometheus", 9090), _server("alertmanager", 9093)]
        return max([_reloaded(server, project) for server in servers])
    except (ReloadError, UnreachableError, OSError) as error:
        print(f"reload: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _reloaded(server: Server, project: Project) -> int:
    before, begin = last(ask(f"{server.url}/metrics"), server.service), time.monotonic()
    # Not by docker kill: whatever its signal, the engine then starts the container no more if it dies later.
    _docker("exec", server.container, "sh", "-c", "kill -HUP 1")
    told: list[str] = []
    while (waited := time.monotonic() - begin) < _PATIENCE:
        now = last(ask(f"{server.url}/metrics"), server.service)
        if not now.successful and (before.successful or waited > _REFUSES_WITHIN):
            return _refused(server, now)
        if now.successful and now.at > before.at:
            told = list(_differences(server, project))
            if not told:
                where = server.mounts[f"/etc/{server.service}/compose"]
                print(f"{server.service}: runs with the files of {where}, after {waited:.1f} s")
                return 0
        time.sleep(_LOOK)
    print(f"{server.service}: does not run with its files after {_PATIENCE:g} s", file=sys.stderr)
    print("\n".join(told[:_SHOWN] or ["it did not reload"]), file=sys.stderr)
    return 1


def _refused(server: Server, now: Last) -> int:
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now.at))
    print(f"{server.service}: refused its files, and goes on with those of {since}", file=sys.stderr)
    done = subprocess.run(
        ["docker", "logs", "--since", "2m", server.container], capture_output=True, text=True, check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    why = [line for line in lines if re.search(r"level=error|\berr=", line, re.IGNORECASE)]
    print("\n".join(why[-3:]), file=sys.stderr)
    return 1


def last(metrics: str, service: str) -> Last:
    """Read what a server tells of its last reload."""
    return Last(
        successful=_metric(metrics, f"{service}_config_last_reload_successful") == 1,
        at=_metric(metrics, f"{service}_config_last_reload_success_timestamp_seconds"),
    )


def _metric(metrics: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    if found is None:
        raise ReloadError(f"there is no metric {name}")
    return float(found[1])


def _differences(server: Server, project: Project) -> Iterator[str]:
    folder = server.mounts[f"/etc/{server.service}/compose"]
    if server.service == "alertmanager":
        loaded = _metric(ask(f"{server.url}/metrics"), "alertmanager_config_hash")
        if loaded != hash_of((folder / "alertmanager.yml").read_bytes()):
            yield "its configuration has another hash than alertmanager.yml"
        return
    prometheus = Prometheus(server.url)
    answer = json.loads(ask(f"{server.url}/api/v1/status/config"))["data"]["yaml"]
    wanted = yaml.load((folder / "prometheus.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    yield from config_differences(wanted, yaml.load(answer, Loader=yaml.CSafeLoader))
    rules = server.mounts["/etc/prometheus/rules"]
    files = {f"rules/{file.name}": file.read_text("utf-8") for file in rules.glob("*.yml")}
    yield from map(str, rule_problems(project, files, prometheus.rule_groups()))


def hash_of(text: bytes) -> float:
    """Return what Alertmanager tells as alertmanager_config_hash: 48 bits of the MD5 of its file."""
    return float(int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest()[:6], "little"))


def config_differences(wanted: Any, loaded: Any, place: str = "prometheus.yml") -> Iterator[str]:
    """Yield where what is loaded, which has every default written out, is not what a file says."""
    if isinstance(wanted, Mapping) and isinstance(loaded, Mapping):
        for key, value in wanted.items():
            # Prometheus tells of absolute paths; the rules themselves are compared.
            if key != "rule_files":
                yield from config_differences(value, loaded.get(key), f"{place}: {key}")
    elif isinstance(wanted, list) and isinstance(loaded, list) and len(wanted) == len(loaded):
        for number, (one, other) in enumerate(zip(wanted, loaded, strict=True)):
            yield from config_differences(one, other, f"{place}[{number}]")
    elif wanted != loaded:
        yield f"{place} is {loaded!r} where it runs, and {wanted!r} in the file"


def _server(service: str, port: int) -> Server:
    container = _docker("compose", "ps", "--quiet", service).strip()
    if not container:
        raise ReloadError(f"{service} does not run: make up")
    mounts = json.loads(_docker("inspect", "--format", "{{json .Mounts}}", container))
    # Alertmanager has its file at the top of /etc/alertmanager.
    places = {each["Destination"]: Path(each["Source"]) for each in mounts if each["Type"] == "bind"}
    if "/etc/alertmanager" in places:
        places["/etc/alertmanager/compose"] = places["/etc/alertmanager"]
    address = _docker("port", container, f"{port}/tcp").split()[0]
    return Server(service=service, container=container, url=f"http://{address}", mounts=places)


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReloadError(f"docker {words[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
