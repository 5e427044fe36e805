"""Plain files that are good to have: fetched whole and with the right digests, or a line says why not."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from config.spec.model import PanelKind
from observability.render.panels import PLUGINS
from observability.verify import published_schema
from scripts.fetch.fetcher import Fetcher, are_there
from scripts.fetch.spec import Files, load, load_files
from scripts.postgres import free_port
from scripts.tools import SPEC, TOOLS, get

CONTENT = {"lamp.json": "{}", "bulb.json": "[]"}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Files that lie in a folder of this machine, as if it were the host of the release."""
    release = tmp_path / "release"
    release.mkdir()
    for name, text in CONTENT.items():
        (release / name).write_text(text)
    return Files(
        name="plain",
        what="plans 2.5",
        without="it is dark",
        address=f"file://{release}/{{name}}",
        sha256={name: hashlib.sha256(text.encode()).hexdigest() for name, text in CONTENT.items()},
    )


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(tmp_path / ".tools", ("path", "release"), "")


def lying(tmp_path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (tmp_path / ".tools" / "plain").glob("*")}


def test_files_are_fetched_once(files: Files, fetcher: Fetcher, tmp_path: Path) -> None:
    assert fetcher.get_files(files) == f"plans 2.5 from file://{tmp_path}/release/…"
    assert lying(tmp_path) == CONTENT
    gone = replace(files, address="file:///nowhere/{name}")
    assert fetcher.get_files(gone) == "plans 2.5 are in .tools already"


def test_files_with_another_digest_are_not_used(files: Files, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "release" / "bulb.json").write_text("evil")
    said = fetcher.get_files(files)
    assert said.startswith("plans 2.5 are not here, so it is dark: ")
    assert said.endswith(": not used")
    assert lying(tmp_path) == {}


def test_files_of_another_version_do_not_stay(files: Files, fetcher: Fetcher, tmp_path: Path) -> None:
    fetcher.get_files(files)
    newer = replace(files, address="file:///nowhere/{name}", sha256={"lamp.json": "0" * 64})
    assert "are not here" in fetcher.get_files(newer)
    assert lying(tmp_path) == {}


def test_files_that_cannot_be_reached_are_no_failure(
    files: Files, fetcher: Fetcher, capsys: pytest.CaptureFixture[str]
) -> None:
    away = replace(files, address=f"http://127.0.0.1:{free_port()}/{{name}}")
    tools, server = load(SPEC)
    assert get(tools, server, away, ["plain"], fetcher, started=0.0) == 0
    out, err = capsys.readouterr()
    assert re.search(r"\] plans 2\.5 are not here, so it is dark: http://127\.0\.0\.1:\d+/lamp\.json: ", out)
    assert err == ""


def test_files_are_left_out_where_releases_are_not_wanted(files: Files, tmp_path: Path) -> None:
    fetcher = Fetcher(tmp_path / ".tools", ("path", "debian"), "")
    assert fetcher.get_files(files).endswith(": the source `release` was not asked for")


def test_files_are_there_only_as_their_digests_say(files: Files, fetcher: Fetcher, tmp_path: Path) -> None:
    fetcher.get_files(files)
    folder = tmp_path / ".tools" / "plain"
    assert are_there(files, folder)
    (folder / "lamp.json").write_text("")
    assert not are_there(files, folder)


def test_the_pinned_files_are_those_that_dashboards_are_judged_by() -> None:
    pinned = load_files(SPEC)
    assert "{" not in pinned.address.replace("{name}", "")
    assert {len(digest) for digest in pinned.sha256.values()} == {64}
    assert set(PLUGINS) == set(get_args(PanelKind))
    judged_by = ("dashboard", "prometheus", *PLUGINS.values())
    assert set(pinned.sha256) == {published_schema.file_of(name) for name in judged_by}
    assert TOOLS / pinned.name == published_schema._FETCHED
