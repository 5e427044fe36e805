"""A copy of what the stack is made of, under a name and on ports of its own: no other stack is touched."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.compose_proof.command import Ran, run
from scripts.stack.home import ROOT, Home
from scripts.stack.ports import HOST, Ports

FOLDER = ROOT / ".local" / "test-compose"
# One name per checkout: what a killed run left is found again, and two checkouts do not meet.
_PROJECT = f"trading-bot-test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"
_KEPT = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"}
_KEPT_PREFIXES = ("DOCKER_", "BUILDX_", "XDG_")
_NOT_COPIED = {"tests", "build", "docker-compose.override.yml", "compose.override.yml"}
_COPIED = {".dockerignore", ".env.example"}
_SHIM = (
    '#!/bin/sh\n# The name that the guide calls, which is not shipped any more.\nexec docker compose "$@"\n'
)
_QUICK, _SLOW = 60.0, 600.0
Json = dict[str, Any]


class PlaceError(Exception):
    """The folder is in use, or cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`tree` is the copy; `ports` has the variables of .env.example that set a port."""

    folder: Path
    project: str
    ports: Mapping[str, int]

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def secrets(self) -> Path:
        return self.tree / ".local" / "compose" / "secrets"

    @property
    def home(self) -> Home:
        """The same as drills and their World know a stack."""
        names = ("bot", "simulator", "postgres", "prometheus", "alertmanager", "sink")
        ports = Ports(**{name: self.ports[f"{name.upper()}_PORT"] for name in names})
        return Home(path=self.tree / ".local" / "compose", ports=ports)

    @property
    def environment(self) -> dict[str, str]:
        """What commands are given: of this shell only what no setting of the stack is."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.upper() in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        path = f"{self.tree / 'bin'}:{kept.get('PATH', os.defpath)}"
        # A terminal is claimed, because some commands of the guide draw on one.
        return kept | {"PATH": path, "COMPOSE_PROJECT_NAME": self.project, "TERM": "xterm"}

    async def docker(
        self, *arguments: str, within: float = _QUICK, may: tuple[int, ...] | None = (0,), **environment: str
    ) -> Ran:
        env = self.environment | environment
        return await run("docker", *arguments, cwd=self.tree, env=env, within=within, may=may)

    async def compose(
        self, *arguments: str, within: float = _SLOW, may: tuple[int, ...] | None = (0,), **environment: str
    ) -> Ran:
        return await self.docker("compose", *arguments, within=within, may=may, **environment)

    async def config(self) -> Json:
        """Return docker-compose.yml as Compose reads it."""
        return dict(json.loads((await self.compose("config", "--format", "json")).out))

    async def containers(self) -> dict[str, Json]:
        """Return by service what the engine tells of its container."""
        label = f"label=com.docker.compose.project={self.project}"
        found = (await self.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label)).out.split()
        told = json.loads((await self.docker("inspect", *found)).out) if found else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in told}

    def prepare(self) -> None:
        """Make the copy, with ports and names of its own."""
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.copytree(ROOT, self.tree, symlinks=True, ignore=_left_out)
        (self.tree / ".tools").symlink_to(ROOT / ".tools")
        lines = {"COMPOSE_PROFILES": "demo", "COMPOSE_PROJECT_NAME": self.project, **self.ports}
        (self.tree / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        shim = self.tree / "bin" / "docker-compose"
        shim.parent.mkdir()
        shim.write_text(_SHIM)
        shim.chmod(0o755)

    def override(self, images: Mapping[str, str], time_scale: float = 1) -> None:
        """Name the built images of each service, so that those of other stacks stay; JSON is YAML."""
        services: dict[str, Json] = {name: {"image": image} for name, image in images.items()}
        if time_scale != 1:
            services["bot"]["environment"] = {"TIME_SCALE": f"{time_scale:g}"}
        (self.tree / "docker-compose.override.yml").write_text(json.dumps({"services": services}))


@contextmanager
def place() -> Iterator[Place]:
    """Hold the folder of this checkout while the block lasts."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlaceError(f"another run works in {FOLDER}; wait for it, or stop it") from None
        example = (ROOT / ".env.example").read_text("utf-8")
        yield Place(
            folder=FOLDER, project=_PROJECT, ports=_free(re.findall(r"^#?(\w+_PORT)=", example, re.M))
        )


def _free(variables: list[str]) -> dict[str, int]:
    with ExitStack() as stack:
        found = {}
        for variable in variables:
            listener = stack.enter_context(socket.socket())
            listener.bind((HOST, 0))
            found[variable] = listener.getsockname()[1]
        return found


def _left_out(folder: str, names: list[str]) -> set[str]:
    out = {name for name in names if name == "__pycache__"}
    if Path(folder) == ROOT:
        out |= {name for name in names if name.startswith(".") and name not in _COPIED}
        out |= {name for name in names if name in _NOT_COPIED or name.endswith(".egg-info")}
    return out
