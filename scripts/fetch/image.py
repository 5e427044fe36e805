"""Take a tool out of its container image, where a container engine answers."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.fetch.spec import SourceError, Tool


def get(tool: Tool, into: Path) -> str:
    """Make a container without starting it, copy the programs out of it, remove it."""
    if not shutil.which("docker"):
        raise SourceError("docker is missing")
    _docker(["version", "--format", "{{.Server.Version}}"], seconds=5)
    name = tool.image.format(version=tool.version)
    container = _docker(["create", name], seconds=180).split()[-1]
    try:
        for program in tool.programs:
            _docker(["cp", "-L", f"{container}:{program.image}", str(into / program.name)], seconds=60)
            (into / program.name).chmod(0o755)
    finally:
        _docker(["rm", "-f", container], seconds=30)
    return f"the image {name}"


def _docker(words: Sequence[str], *, seconds: int) -> str:
    try:
        done = subprocess.run(
            ["docker", *words], capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"docker {words[0]} took longer than {seconds} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SourceError(f"docker {words[0]}: {last}")
    return done.stdout
