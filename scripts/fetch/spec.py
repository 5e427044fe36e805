"""What scripts/tools.toml says, as values, and the arithmetic of version ranges."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Version = tuple[int, ...]


class SourceError(Exception):
    """This source cannot give the tool; the text says why, in half a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One executable of a tool, and where packages and images keep it."""

    name: str
    debian: str
    image: str

    @property
    def names(self) -> tuple[str, ...]:
        """Under which it may stand on PATH: Debian renames some."""
        return tuple(dict.fromkeys((self.name, Path(self.debian).name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Programs that come together from one release."""

    name: str
    range: str
    version: str
    release: str
    image: str
    sha256: Mapping[str, str]
    packages: tuple[str, ...]
    suites: tuple[str, ...]
    templates: str
    programs: tuple[Program, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """PostgreSQL, which has other sources than the rest."""

    range: str
    requirements: str
    wheel: str
    programs: tuple[str, ...]
    skip: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Plain files that are good to have and never needed; `sha256` has the digest of each by its name."""

    name: str
    what: str
    without: str  # what becomes of things when they are not there
    address: str
    sha256: Mapping[str, str]


def load_files(file: Path) -> Files:
    entry = tomllib.loads(file.read_text())["grafana"]
    address = entry["address"].replace("{commit}", entry["commit"])
    return Files(
        name="grafana",
        what=f"{entry['what']} {entry['version']}",
        without=entry["without"],
        address=address,
        sha256=entry["sha256"],
    )


def load(file: Path) -> tuple[tuple[Tool, ...], Server]:
    text = tomllib.loads(file.read_text())
    del text["grafana"]
    entry = text.pop("postgres")
    server = Server(
        range=entry["range"],
        requirements=entry["requirements"],
        wheel=entry["wheel"],
        programs=tuple(entry["programs"]),
        skip=tuple(entry["debian"]["skip"]),
    )
    tools = (
        Tool(
            name=name,
            range=entry["range"],
            version=entry["version"],
            release=entry["release"],
            image=entry["image"],
            sha256=entry["sha256"],
            packages=tuple(entry["debian"]["packages"]),
            suites=tuple(entry["debian"]["suites"]),
            templates=entry["debian"].get("templates", ""),
            programs=tuple(Program(name=key, **value) for key, value in entry["programs"].items()),
        )
        for name, entry in text.items()
    )
    return tuple(tools), server


def parse_version(text: str) -> Version:
    """The leading numbers: Debian's 3.5.3+ds1-6 is 3.5.3."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    if match is None:
        raise ValueError(f"{text!r} is not a version")
    return tuple(int(part) for part in match[0].split("."))


def in_range(version: str, wanted: str) -> bool:
    """Whether it meets every condition of a range such as `>=3.5,<4`."""
    return all(_meets(parse_version(version), condition.strip()) for condition in wanted.split(","))


def _meets(version: Version, condition: str) -> bool:
    match = re.fullmatch(r"(>=|<)\s*([\d.]+)", condition)
    if match is None:
        raise ValueError(f"{condition!r} is not a condition: write >=VERSION or <VERSION")
    bound = parse_version(match[2])
    width = max(len(version), len(bound))
    left, right = (part + (0,) * (width - len(part)) for part in (version, bound))
    return left >= right if match[1] == ">=" else left < right


def said_version(output: str) -> str:
    """The version in what a program prints for --version."""
    match = re.search(r"\bversion v?(\d+(?:\.\d+)+)", output)
    if match is None:
        raise SourceError(f"says no version: {output.strip()[:80] or 'nothing'}")
    return match[1]
