"""The choice of sources, version ranges, and how programs are put in place: with fakes, without a network."""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from scripts.fetch import place, server
from scripts.fetch.debian import parse_mirror
from scripts.fetch.fetcher import Fetcher, Source
from scripts.fetch.release import Releases, unpack
from scripts.fetch.spec import Program, SourceError, Tool, in_range, load, load_files, said_version
from scripts.postgres import free_port
from scripts.postgres_binaries import OLDEST
from scripts.tools import SPEC, get, main

OWN = Tool(
    name="lamp",
    range=">=2,<3",
    version="2.5",
    release="https://example.invalid/lamp-{version}.linux-{arch}.tar.gz",
    image="example.invalid/lamp:v{version}",
    sha256={},
    packages=("debian-lamp",),
    suites=("forky",),
    templates="",
    programs=(Program(name="lamp", debian="usr/bin/debian-lamp", image="/bin/lamp"),),
)


class FakeSources(Fetcher):
    """Sources that write a script which says a version, or refuse with a reason; notes who was asked."""

    def __init__(self, tools: Path, wanted: Sequence[str], search: str, have: Mapping[str, str]) -> None:
        super().__init__(tools, wanted, search)
        self.asked: list[str] = []
        self._have = have

    def sources(self) -> Mapping[str, Source]:
        return {name: self._source(name) for name in ("release", "debian", "image")}

    def _source(self, name: str) -> Source:
        def source(tool: Tool, work: Path) -> str:
            self.asked.append(name)
            if name not in self._have:
                raise SourceError(f"no {name} today")
            program = work / (tool.programs[0].debian if name == "debian" else tool.programs[0].name)
            say_version(program, self._have[name])
            return f"the {name}"

        return source


def say_version(program: Path, version: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho lamp, version {version}\n")
    program.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    (tmp_path / ".tools" / "bin").mkdir(parents=True)
    return tmp_path / ".tools"


@pytest.fixture
def fetcher(tools: Path, tmp_path: Path) -> Callable[..., FakeSources]:
    def make(*wanted: str, **have: str) -> FakeSources:
        order = wanted or ("path", "tools", "release", "debian", "image")
        return FakeSources(tools, order, str(tmp_path / "machine"), have)

    return make


Make = Callable[..., FakeSources]


def run(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def test_the_machines_own_program_comes_first(fetcher: Make, tools: Path, tmp_path: Path) -> None:
    say_version(tmp_path / "machine" / "lamp", "2.1")
    fakes = fetcher(release="2.5")
    assert "the machine's own" in fakes.get(OWN)
    assert fakes.asked == []
    assert "2.1" in run(tools / "bin" / "lamp")


def test_debians_name_for_a_program_on_path_is_known(fetcher: Make, tmp_path: Path) -> None:
    say_version(tmp_path / "machine" / "debian-lamp", "2.1")
    assert "the machine's own" in fetcher().get(OWN)


def test_a_program_out_of_range_is_passed_over(fetcher: Make, tools: Path, tmp_path: Path) -> None:
    say_version(tmp_path / "machine" / "lamp", "3.0")
    assert fetcher(release="2.5").get(OWN) == "lamp 2.5 from the release"
    assert "2.5" in run(tools / "bin" / "lamp")


def test_what_is_in_tools_is_kept(fetcher: Make) -> None:
    fetcher(release="2.5").get(OWN)
    again = fetcher(release="2.6")
    assert again.get(OWN) == "lamp 2.5 is in .tools already (release)"
    assert again.asked == []


def test_our_own_directory_on_path_is_not_the_machine(tools: Path) -> None:
    fakes = FakeSources(tools, ("path", "release"), f"{tools}/bin:/nowhere", {"release": "2.5"})
    fakes.get(OWN)
    assert fakes.get(OWN) == "lamp 2.5 from the release"


def test_sources_are_asked_in_order_until_one_has_it(fetcher: Make, tools: Path) -> None:
    fakes = fetcher(debian="2.2+ds1-1", image="2.5")
    assert fakes.get(OWN) == "lamp 2.2 from the debian"
    assert fakes.asked == ["release", "debian"]
    assert "2.2" in run(tools / "bin" / "lamp")


def test_sources_can_be_narrowed(fetcher: Make, tmp_path: Path) -> None:
    say_version(tmp_path / "machine" / "lamp", "2.1")
    fakes = fetcher("debian", release="2.5", debian="2.2")
    assert fakes.get(OWN) == "lamp 2.2 from the debian"


def test_an_error_names_all_that_was_tried_and_why(fetcher: Make) -> None:
    with pytest.raises(SourceError) as error:
        fetcher(release="1.9").get(OWN)
    assert str(error.value).splitlines() == [
        "lamp (>=2,<3): no source has it",
        "  path: lamp is not on PATH",
        "  tools: lamp is not in .tools",
        "  release: lamp is 1.9, not >=2,<3",
        "  debian: no debian today",
        "  image: no image today",
    ]


def test_a_failure_does_not_hide_the_next_tool(fetcher: Make, capsys: pytest.CaptureFixture[str]) -> None:
    dark = Tool(**{**{name: getattr(OWN, name) for name in OWN.__slots__}, "name": "dark", "range": ">=9"})
    _, postgres = load(SPEC)
    files = load_files(SPEC)
    assert get([dark, OWN], postgres, files, ["dark", "lamp"], fetcher(release="2.5"), started=0.0) == 1
    out, err = capsys.readouterr()
    assert "lamp 2.5 from the release" in out
    assert "dark (>=9): no source has it" in err


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        ("3.5.3+ds1-6", ">=3.5,<4", True),
        ("3.5", ">=3.5.0,<4", True),
        ("4.0.0", ">=3.5,<4", False),
        ("3.4.9", ">=3.5,<4", False),
        ("0.33.1", ">=0.33,<0.35", True),
        ("0.35.0", ">=0.33,<0.35", False),
        ("15.18", ">=14", True),
    ],
)
def test_version_ranges(version: str, wanted: str, answer: bool) -> None:
    assert in_range(version, wanted) is answer


def test_a_range_with_another_operator_is_refused() -> None:
    with pytest.raises(ValueError, match="write >=VERSION or <VERSION"):
        in_range("1.0", "~=1.0")


def test_versions_are_read_from_what_programs_print() -> None:
    assert said_version("prometheus, version 3.5.3+ds1 (branch: debian/sid)") == "3.5.3"
    with pytest.raises(SourceError, match="says no version: usage"):
        said_version("usage: lamp")


def test_the_version_file_is_whole() -> None:
    tools, postgres = load(SPEC)
    for tool in tools:
        assert in_range(tool.version, tool.range), tool.name
        assert {arch: len(digest) for arch, digest in tool.sha256.items()} == {"amd64": 64, "arm64": 64}
    assert {"initdb", "postgres", "pg_isready", "psql", "pg_dump", "pg_restore", "createdb"} <= set(
        postgres.programs
    )
    assert postgres.range == f">={OLDEST}", "the launcher and set-up must agree"


@pytest.mark.parametrize("arguments", [["nonsense"], ["--sources", "path,moon"]])
def test_unknown_words_are_refused_before_anything_is_done(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2


def archive(path: Path, **files: str) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"lamp-2.5.linux-amd64/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_release_gives_its_programs_and_nothing_else(tmp_path: Path) -> None:
    archive(tmp_path / "lamp.tar.gz", LICENSE="text", lamp="#!/bin/sh\necho shining\n")
    unpack(tmp_path / "lamp.tar.gz", OWN, tmp_path)
    assert run(tmp_path / "lamp") == "shining\n"
    assert not (tmp_path / "LICENSE").exists()


def test_a_release_without_the_program_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / "lamp.tar.gz", LICENSE="text")
    with pytest.raises(SourceError, match="has no lamp"):
        unpack(tmp_path / "lamp.tar.gz", OWN, tmp_path)


def with_release(tmp_path: Path, digest: str) -> Tool:
    fields = {name: getattr(OWN, name) for name in OWN.__slots__}
    release = f"file://{tmp_path}/{{version}}.tar.gz"
    return Tool(**{**fields, "release": release, "sha256": {"amd64": digest, "arm64": digest}})


def test_a_release_with_the_pinned_digest_is_used(tmp_path: Path) -> None:
    digest = archive(tmp_path / "2.5.tar.gz", lamp="#!/bin/sh\necho shining\n")
    into = tmp_path / "into"
    into.mkdir()
    assert Releases().get(with_release(tmp_path, digest), into) == "the official release"
    assert [path.name for path in into.iterdir()] == ["lamp"]


def test_a_release_with_another_digest_is_not_used(tmp_path: Path) -> None:
    archive(tmp_path / "2.5.tar.gz", lamp="#!/bin/sh\necho evil\n")
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(SourceError, match="not used"):
        Releases().get(with_release(tmp_path, "0" * 64), into)
    assert not (into / "lamp").exists()


def test_a_host_that_cannot_be_reached_is_asked_once(tmp_path: Path) -> None:
    fields = {name: getattr(OWN, name) for name in OWN.__slots__}
    release = f"http://127.0.0.1:{free_port()}/{{version}}.tar.gz"
    tool = Tool(**{**fields, "release": release, "sha256": {"amd64": "0", "arm64": "0"}})
    releases = Releases()
    with pytest.raises(SourceError, match=r"2\.5\.tar\.gz"):
        releases.get(tool, tmp_path)
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1 cannot be reached$"):
        releases.get(tool, tmp_path)


TARGETS = """\
Packages http://mirror.example/debian/ bookworm
Packages http://mirror.example/debian/ bookworm
Packages http://mirror.example/debian/ bookworm-updates
Packages http://mirror.example/debian-security/ bookworm-security
Packages http://other.example/apt bookworm
Translations http://mirror.example/debian/ bookworm
"""


def test_the_mirror_is_the_machines_own() -> None:
    mirror = parse_mirror('ID=debian\nVERSION_CODENAME="bookworm"\n', TARGETS)
    assert mirror.address == "http://mirror.example/debian/"
    assert [suite for _, suite in mirror.sources] == ["bookworm", "bookworm-updates", "bookworm-security"]


@pytest.mark.parametrize(
    ("release", "targets", "why"),
    [
        ("ID=ubuntu\nVERSION_CODENAME=noble\n", TARGETS, "not a Debian release"),
        ("ID=debian\nVERSION_CODENAME=trixie\n", TARGETS, "names no mirror for trixie"),
    ],
)
def test_a_machine_without_debians_mirror_says_so(release: str, targets: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        parse_mirror(release, targets)


def test_a_compiled_in_path_is_led_to_the_templates(tools: Path, tmp_path: Path) -> None:
    lantern = Tool(
        **{
            **{name: getattr(OWN, name) for name in OWN.__slots__},
            "templates": "usr/share/prometheus/alertmanager",
        }
    )
    files = tools / "debian" / "a lamp's"
    templates = files / lantern.templates
    templates.mkdir(parents=True)
    (templates / "default.tmpl").write_text("from the package\n")
    binary = files / "usr/bin/debian-lamp"
    binary.parent.mkdir(parents=True)
    binary.write_text(
        '#!/bin/sh\necho $$; cat "/usr/share/prometheus/alertmanager"/default.tmpl; echo "$@"\n'
    )
    binary.chmod(0o755)
    place.place(lantern, tools / "bin", files, "debian")
    started = subprocess.Popen(
        [tools / "bin" / "lamp", "two words"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    said, _ = started.communicate()
    assert said == f"{started.pid}\nfrom the package\ntwo words\n"


def test_links_survive_moving_the_checkout(fetcher: Make, tools: Path, tmp_path: Path) -> None:
    fetcher(release="2.5").get(OWN)
    moved = tmp_path / "elsewhere"
    tools.rename(moved)
    assert "2.5" in run(moved / "bin" / "lamp")


def test_settled_files_are_readable_by_other_accounts(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir(mode=0o700)
    (files / "program").touch(mode=0o700)
    (files / "text").touch(mode=0o600)
    settled = server.settle(files, tmp_path / "place" / "it")
    modes = [path.stat().st_mode & 0o777 for path in (settled, settled / "program", settled / "text")]
    assert modes == [0o755, 0o755, 0o644]
