"""An environment for real people reaches them: no address of this machine, and every secret file is there.

Why: Alertmanager starts with an empty key and with a link that only works at the desk of its author.
Fix: correct the values file; write each secret into its file, or name the folder that has it in `secrets_at`.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from config.spec.model import Address, Environment, Project
from config.spec.placed import Spec
from observability.checks.finding import Finding

_SECRETS = ("routing_key_file", "password_file", "url_file")


def check(project: Project) -> Iterator[Finding]:
    for environment in project.environments.values():
        if not environment.needs_values:
            continue
        for key in ("runbooks", "dashboards"):
            yield from _elsewhere(environment.links, key, getattr(environment.links, key))
        for address in environment.receivers.values():
            yield from _elsewhere(address, "url", address.url)
            yield from _elsewhere(address, "smarthost", address.smarthost and f"smtp://{address.smarthost}")
            yield from _secrets(environment, address)
        beat = environment.receivers.get(project.routing.heartbeat.receiver)
        if beat is not None and beat.url is not None:
            text = "whoever knows the URL of the heartbeat can beat for it: name a file in 'url_file'"
            yield Finding(beat.where("url"), text)


def _elsewhere(spec: Spec, key: str, url: str | None) -> Iterator[Finding]:
    try:
        host = urlsplit(url or "").hostname or ""
    except ValueError:
        return  # link_sound tells of it
    if _is_this_machine(host):
        yield Finding(spec.where(key), f"{host!r} is not reached from where people are")


def _is_this_machine(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _secrets(environment: Environment, address: Address) -> Iterator[Finding]:
    for key in _SECRETS:
        if (name := getattr(address, key)) is not None:
            file = Path(environment.secrets_at, Path(name).name) if environment.secrets_at else Path(name)
            if wrong := _wrong_with(file):
                yield Finding(address.where(key), f"{file} {wrong}")


def _wrong_with(file: Path) -> str | None:
    """Return what is wrong with a secret file, or None; nothing of what is in it."""
    try:
        secret = file.read_text("utf-8")
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "is not text"
    if not secret.strip():
        return "is empty"
    return "has more than one line" if len(secret.split()) > 1 else None
