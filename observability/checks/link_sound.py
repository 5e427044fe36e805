"""Addresses are whole and well-formed, what is added to links fits, and runbook pages are not blank.

Why: a link that opens nothing, or a page with nothing on it, is found at night, by whoever was woken.
Fix: `http://host:port/path` for links, without `/` at the end, `?` and `#`; `host:port` with a port up to
65535 for targets and mail; write the runbook.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.spec.model import Address, Environment, Project
from observability.checks.finding import Finding

_HIGHEST_PORT = 65535
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[[0-9A-Fa-f:.]+\]", re.ASCII)


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        if alert.runbook in project.blank_pages:
            yield Finding(
                alert.where("runbook"), f"there is nothing in the page of runbook {alert.runbook!r}"
            )
    for environment in project.environments.values():
        yield from _environment(environment)
        for address in environment.receivers.values():
            yield from _address(address)


def _environment(environment: Environment) -> Iterator[Finding]:
    links = environment.links
    for key, link, added in (
        ("runbooks", links.runbooks, "/<runbook>"),
        ("dashboards", links.dashboards, "/d/<uid>"),
    ):
        if fault := _url_fault(link) or _end_fault(link, added):
            yield Finding(links.where(key), fault)
    for job, targets in environment.targets.items():
        for index, target in enumerate(targets):
            if fault := _host_fault(target):
                yield Finding(environment.where("targets", job, index), fault)
    for index, target in enumerate(environment.alertmanagers):
        if fault := _host_fault(target):
            yield Finding(environment.where("alertmanagers", index), fault)


def _address(address: Address) -> Iterator[Finding]:
    if address.url is not None and (fault := _url_fault(address.url)):
        yield Finding(address.where("url"), fault)
    if address.smarthost is not None and (fault := _host_fault(address.smarthost)):
        yield Finding(address.where("smarthost"), fault)


def _url_fault(url: str) -> str | None:
    if any(char.isspace() or not char.isprintable() for char in url):
        return "no URL: it has a space or a line feed in it"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "no URL: its host or its port cannot be read"
    name = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(name):
        return f"no URL: it has no host such as example.org, but {name!r}"
    if port == 0:
        return "no URL: there is no port 0"
    return "its path has // in it" if "//" in parts.path else None


def _end_fault(link: str, added: str) -> str | None:
    """Say what is wrong when this is added to a link."""
    if link.endswith("/"):
        return f"{added} is added to it, so it must not end in /"
    if "?" in link or "#" in link:
        return f"{added} is added to it, so it can have neither ? nor #"
    return None


def _host_fault(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host):
        return f"{host!r} is no name of a host"
    if not port.isdecimal() or not 0 < int(port[:9]) <= _HIGHEST_PORT:
        return f"there is no port {port[:9]}; the highest is {_HIGHEST_PORT}"
    return None
