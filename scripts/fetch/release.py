"""Take a tool from its official release: download, compare the digest, unpack."""

import hashlib
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path
from urllib.parse import urlsplit

from scripts.fetch.spec import SourceError, Tool

CONNECT_SECONDS = 5
# curl's exit codes for a host that cannot be reached at all: no name, no connection, no time, no TLS.
UNREACHABLE = {5, 6, 7, 28, 35, 97}
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Releases:
    """Downloads; a host that could not be reached once is not tried again."""

    def __init__(self) -> None:
        self._unreachable: set[str] = set()

    def get(self, tool: Tool, into: Path) -> str:
        """Unpack the release's programs into this directory."""
        arch = ARCHITECTURES.get(platform.machine())
        if arch is None or arch not in tool.sha256:
            raise SourceError(f"no release is pinned for {platform.machine()}")
        url = tool.release.format(version=tool.version, arch=arch)
        archive = into / "archive.tar.gz"
        self.download(url, archive, tool.sha256[arch])
        unpack(archive, tool, into)
        archive.unlink()
        return "the official release"

    def download(self, url: str, to: Path, digest: str) -> None:
        """Put what the address has into this file, which is to be used only if nothing is raised."""
        self._download(url, to)
        found = hashlib.sha256(to.read_bytes()).hexdigest()
        if found != digest:
            raise SourceError(f"{url} has the digest {found}, tools.toml says {digest}: not used")

    def _download(self, url: str, to: Path) -> None:
        host = urlsplit(url).hostname or ""
        if host in self._unreachable:
            raise SourceError(f"{host} cannot be reached")
        if not shutil.which("curl"):
            raise SourceError("curl is missing")
        words = ["curl", "-fsSL", "--connect-timeout", str(CONNECT_SECONDS), "--speed-limit", "1000"]
        done = subprocess.run(
            [*words, "--speed-time", "30", "-o", str(to), url], capture_output=True, text=True, check=False
        )
        if done.returncode in UNREACHABLE:
            self._unreachable.add(host)
        if done.returncode:
            raise SourceError(f"{url}: {done.stderr.strip().removeprefix('curl: ')}")


def unpack(archive: Path, tool: Tool, into: Path) -> None:
    """Only the programs, by their names, whatever else the archive holds."""
    wanted = {program.name for program in tool.programs}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            if name in wanted and member.isfile():
                content = tar.extractfile(member)
                if content is not None:
                    (into / name).write_bytes(content.read())
                    (into / name).chmod(0o755)
                    wanted.discard(name)
    if wanted:
        raise SourceError(f"{archive.name} has no {' '.join(sorted(wanted))}")
