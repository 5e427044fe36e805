"""Debian packages without root: apt with directories of its own, the machine's apt left as it is."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.fetch.spec import SourceError

KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
SETTINGS = re.compile(
    r"Acquire::(Check-Valid-Until|Check-Date|Retries|https?::(Proxy|Verify|CaInfo|Timeout)\S*) "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where the machine itself gets Debian from."""

    codename: str
    sources: tuple[tuple[str, str], ...]  # (address, suite) of the machine's own release, the main one first

    @property
    def address(self) -> str:
        return self.sources[0][0]


def machine_mirror() -> Mirror:
    """Read from the machine's own apt, so that its mirror and its network are used."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SourceError("this machine has no apt")
    release = Path("/etc/os-release").read_text()
    words = [
        "apt-get",
        "indextargets",
        "--no-release-info",
        "--format",
        "$(CREATED_BY) $(REPO_URI) $(RELEASE)",
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    return parse_mirror(release, done.stdout)


def parse_mirror(os_release: str, targets: str) -> Mirror:
    """From /etc/os-release and the lines `Packages ADDRESS SUITE` that apt prints."""
    match = re.search(r"^VERSION_CODENAME=\"?(\w+)", os_release, re.MULTILINE)
    if match is None or not re.search(r"^ID=\"?debian\b", os_release, re.MULTILINE):
        raise SourceError("this machine is not a Debian release")
    codename = match[1]
    rows = dict.fromkeys(
        tuple(line.split()[1:3]) for line in targets.splitlines() if line.startswith("Packages ")
    )
    own = [(row[0], row[1]) for row in rows if len(row) == 2 and row[1].split("-")[0] == codename]
    main = [row for row in own if row[1] == codename and row[0].rstrip("/").endswith("debian")]
    main = main or [row for row in own if row[1] == codename]
    if not main:
        raise SourceError(f"this machine's apt names no mirror for {codename}")
    rest = [
        row for row in own if row != main[0] and row[1] in (f"{codename}-updates", f"{codename}-security")
    ]
    return Mirror(codename=codename, sources=(main[0], *rest))


class Apt:
    """apt-get for some suites, with its lists, cache and settings in one directory."""

    def __init__(
        self, folder: Path, sources: Sequence[tuple[str, str]], *, status: Path | None = None
    ) -> None:
        self._folder = folder
        self.remark = ""
        self._configure(sources, status)
        try:
            self._run("apt-get", "-qq", "update")
        except SourceError as error:
            if "is expired" not in str(error):
                raise
            # A mirror that stands still. The signature is still checked, and being new is not what we ask of
            # a package: a pinned release grows old just the same.
            with (folder / "apt.conf").open("a") as file:
                file.write('Acquire::Check-Valid-Until "false";\n')
            self._run("apt-get", "-qq", "update")
            self.remark = ", from a mirror that has not been updated lately"

    def version(self, package: str) -> str:
        """The version that would be taken; empty if there is none."""
        shown = self._run("apt-cache", "policy", package)
        match = re.search(r"Candidate: (\S+)", shown)
        return "" if match is None or match[1] == "(none)" else match[1]

    def names(self, pattern: str) -> list[str]:
        """Names of the packages that this expression matches whole."""
        expression = re.compile(pattern)
        return [name for name in self._run("apt-cache", "pkgnames").split() if expression.fullmatch(name)]

    def depends(self, packages: Sequence[str]) -> list[str]:
        """What apt would install with these on a machine with the given status, by its own resolver."""
        shown = self._run("apt-get", "-s", "-o", "Debug::NoLocking=1", "install", *packages)
        return [line.split()[1] for line in shown.splitlines() if line.startswith("Inst ")]

    def unpack(self, packages: Sequence[str], into: Path) -> None:
        """Download and unpack; no script of a package runs."""
        store = self._folder / "packages"
        store.mkdir(exist_ok=True)
        self._run("apt-get", "-qq", "download", *packages, cwd=store)
        for package in sorted(store.glob("*.deb")):
            self._run("dpkg-deb", "-x", str(package), str(into))
            package.unlink()

    def _run(self, *words: str, cwd: Path | None = None) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=cwd)
        if done.returncode:
            lines = [
                line for line in done.stderr.splitlines() if line.startswith("E:")
            ] or done.stderr.splitlines()
            raise SourceError(f"{words[0]}: {'; '.join(lines[-2:]) or 'failed without a word'}")
        return done.stdout

    def _configure(self, sources: Sequence[tuple[str, str]], status: Path | None) -> None:
        folder = self._folder
        for name in ("state/lists/partial", "cache/archives/partial", "keys"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("".join(f"deb {uri} {suite} main\n" for uri, suite in sources))
        for key in _keys(sources[0][0]):
            (folder / "keys" / key.name).unlink(missing_ok=True)
            (folder / "keys" / key.name).symlink_to(key)
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
        settings = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::trustedparts": folder / "keys",
            "Dir::State": folder / "state",
            "Dir::State::status": status or folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Cache::srcpkgcache": "",
            "Acquire::Languages": "none",
            "Acquire::GzipIndexes": "true",
            "APT::Sandbox::User": "root",  # only means: do not change to another user
            "APT::Install-Recommends": "false",
        }
        kept = [line for line in dump.splitlines() if SETTINGS.match(line)]
        lines = [*kept, *(f'{name} "{value}";' for name, value in settings.items())]
        (folder / "apt.conf").write_text("\n".join(lines) + "\n")


def _keys(address: str) -> list[Path]:
    """The keyrings by which the machine's own apt trusts this mirror."""
    found = [*Path("/etc/apt/trusted.gpg.d").glob("*"), *(Path(name) for name in KEYRINGS)]
    host = address.split("//")[-1].split("/")[0]
    for file in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        try:
            text = file.read_text()
        except OSError:
            continue
        if host in text:
            found += [Path(name) for name in re.findall(r"(?i)signed-by[:=]\s*(/[^\s\],]+)", text)]
    return [key for key in dict.fromkeys(found) if key.is_file() and os.access(key, os.R_OK)]
