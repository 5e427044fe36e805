"""Try the sources in order: for each tool the first that has a version in range is taken and put in place."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.fetch import image, place, server
from scripts.fetch.debian import Apt, machine_mirror
from scripts.fetch.release import Releases
from scripts.fetch.spec import Files, Server, SourceError, Tool, in_range, said_version
from scripts.postgres_binaries import Postgres

SOURCES = ("path", "tools", "release", "debian", "image", "wheel")
# A source puts the files under the given empty directory and names itself, or raises SourceError.
Source = Callable[[Tool, Path], str]


def version_of(program: Path) -> str:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{program} does not run: {error}") from None
    return said_version(done.stdout + done.stderr)


def on_path(tool: Tool, search: str) -> dict[str, Path]:
    """The machine's own programs, all of them and all in range."""
    found: dict[str, Path] = {}
    for program in tool.programs:
        where = next(filter(None, (shutil.which(name, path=search) for name in program.names)), None)
        if where is None:
            raise SourceError(f"{program.name} is not on PATH")
        found[program.name] = Path(where)
    for path in found.values():
        require(tool, version_of(path), str(path))
    return found


def require(tool: Tool, version: str, what: str) -> None:
    if not in_range(version, tool.range):
        raise SourceError(f"{what} is {version}, not {tool.range}")


class Fetcher:
    """One run: knows the directory, the wanted sources, and what the sources share between tools."""

    def __init__(self, tools: Path, wanted: Sequence[str], search: str) -> None:
        self.tools = tools
        self.wanted = wanted
        own = str(tools / "bin")
        self.search = ":".join(part for part in search.split(":") if part and os.path.abspath(part) != own)
        self._releases = Releases()
        self._apts: dict[str, Apt | SourceError] = {}
        self._work = tools / "work"

    def sources(self) -> Mapping[str, Source]:
        return {"release": self._releases.get, "debian": self.from_debian, "image": image.get}

    def from_debian(self, tool: Tool, work: Path) -> str:
        """From the first suite whose version is in range."""
        refused: list[str] = []
        for suite in tool.suites:
            apt = self._apt(suite)
            if isinstance(apt, SourceError):
                refused.append(str(apt))
                continue
            versions = [apt.version(package) for package in tool.packages]
            if all(version and in_range(version, tool.range) for version in versions):
                apt.unpack(tool.packages, work)
                return f"Debian's packages of {suite}{apt.remark}"
            refused.append(f"{suite} has {versions[0] or 'none'}")
        raise SourceError("; ".join(refused))

    def _apt(self, suite: str) -> Apt | SourceError:
        if suite not in self._apts:
            try:
                mirror = machine_mirror()
                self._apts[suite] = Apt(self._work / "apt" / suite, [(mirror.address, suite)])
            except SourceError as error:
                self._apts[suite] = error
        return self._apts[suite]

    def get(self, tool: Tool) -> str:
        """Where it came from and its version, in a line; SourceError with all that was tried."""
        tried: list[str] = []
        for source in self.wanted:
            try:
                if source == "path":
                    return self._take_own(tool)
                if source == "tools":
                    return self._keep(tool)
                if source in self.sources():
                    return self._take(tool, source)
            except SourceError as error:
                tried.append(f"  {source}: {error}")
        raise SourceError(f"{tool.name} ({tool.range}): no source has it\n" + "\n".join(tried))

    def _take_own(self, tool: Tool) -> str:
        found = on_path(tool, self.search)
        for name, where in found.items():
            place.link(self.tools / "bin", name, where)
        version = version_of(next(iter(found.values())))
        place.note(self.tools, tool.name, "path", version)
        return f"{tool.name} {version} is the machine's own, {', '.join(map(str, found.values()))}"

    def _keep(self, tool: Tool) -> str:
        for program in tool.programs:
            where = self.tools / "bin" / program.name
            if not where.exists():
                raise SourceError(f"{program.name} is not in .tools")
            require(tool, version := version_of(where), f".tools/bin/{program.name}")
        return f"{tool.name} {version} is in .tools already ({place.noted_source(self.tools, tool.name)})"

    def _take(self, tool: Tool, source: str) -> str:
        work = fresh(self._work / "files")
        origin = self.sources()[source](tool, work)
        for program in tool.programs:
            real = work / (program.debian if source == "debian" else program.name)
            require(tool, version := version_of(real), program.name)
        settled = server.settle(work, self.tools / source / tool.name)
        place.place(tool, self.tools / "bin", settled, source)
        place.note(self.tools, tool.name, source, version)
        return f"{tool.name} {version} from {origin}"

    def get_server(self, spec: Server, checkout: Path) -> str:
        """PostgreSQL, which has no release archive and no image of programs that would run here."""
        tried: list[str] = []
        for source in self.wanted:
            try:
                found = self._server_from(source, spec, checkout)
            except SourceError as error:
                tried.append(f"  {source}: {error}")
                continue
            if found is not None:
                server.put(spec, found, self.tools)
                more = "" if found.contrib else f", {server.WITHOUT}"
                return f"postgres {found.version} from {found.source}, {found.bin}{more}"
        raise SourceError(f"postgres ({spec.range}): no source has it\n" + "\n".join(tried))

    def _server_from(self, source: str, spec: Server, checkout: Path) -> Postgres | None:
        if source == "path":
            return server.from_path(self.tools, self.search)
        if source == "tools":
            return server.from_tools(self.tools)
        if source == "debian":
            return server.from_debian(spec, self.tools, fresh(self._work / "postgres"))
        if source == "wheel":
            return server.from_wheel(spec, checkout, self.tools, fresh(self._work / "postgres"))
        return None

    def get_files(self, files: Files) -> str:
        """What came of it, in a line; these files are no reason to fail."""
        folder = self.tools / files.name
        if are_there(files, folder):
            return f"{files.what} are in .tools already"
        shutil.rmtree(folder, ignore_errors=True)  # of another version, or half of it
        work = fresh(self._work / "files")
        try:
            if "release" not in self.wanted:
                raise SourceError("the source `release` was not asked for")
            for name, digest in files.sha256.items():
                self._releases.download(files.address.format(name=name), work / Path(name).name, digest)
        except SourceError as error:
            return f"{files.what} are not here, so {files.without}: {error}"
        server.settle(work, folder)
        return f"{files.what} from {files.address.format(name='…')}"

    def clean(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)


def are_there(files: Files, folder: Path) -> bool:
    """Whether all of the files lie here, as their digests say."""
    wanted = {folder / name: digest for name, digest in files.sha256.items()}
    return all(
        file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest
        for file, digest in wanted.items()
    )


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
