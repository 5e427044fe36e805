"""Which addresses are sound, beyond what the schema sees, and that no address makes a check fall."""

from pathlib import Path

import pytest

from config.spec.load import load_project
from observability.checks import link_sound
from observability.compile import run_checks
from tests.bundle_of import lay_out, replaced

FILE = "config/environments/cellar.yaml"


def told(folder: Path, old: str, new: str) -> list[str]:
    project, problems, _ = load_project(lay_out(folder, replaced(FILE, old, new)))
    assert project is not None, problems
    return [one.message for one in link_sound.check(project)]


@pytest.mark.parametrize(
    "link",
    [
        "http://grafana:3000",
        "https://example.org/a/b",
        "http://[::1]:3000",
        "http://10.0.0.1",
        "https://a.b./x",
    ],
)
def test_a_sound_link_is_left(link: str, tmp_path: Path) -> None:
    assert told(tmp_path, '"http://127.0.0.1:1"}', f'"{link}"}}') == []


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("https:///d", "no URL: it has no host such as example.org, but ''"),
        ("https://a..b:x", "no URL: its host or its port cannot be read"),
        ("https://a:65536", "no URL: its host or its port cannot be read"),
        ("https://[::1", "no URL: its host or its port cannot be read"),
        ("https://a:0", "no URL: there is no port 0"),
        ("https://a b", None),
        ("https://a\\tb", "no URL: it has a space or a line feed in it"),
        ("https://a/b\\u00a0", "no URL: it has a space or a line feed in it"),
        ("https://-a", "no URL: it has no host such as example.org, but '-a'"),
        ("https://a//b", "its path has // in it"),
        ("https://a/", "/d/<uid> is added to it, so it must not end in /"),
        ("https://a/#top", "/d/<uid> is added to it, so it can have neither ? nor #"),
    ],
)
def test_a_link_that_is_none_is_told(link: str, fault: str | None, tmp_path: Path) -> None:
    config = lay_out(tmp_path, replaced(FILE, '"http://127.0.0.1:1"}', f'"{link}"}}'))
    project, problems, _ = load_project(config)
    if project is None:
        assert fault is None, problems
    else:
        assert [one.message for one in link_sound.check(project)] == [fault]


@pytest.mark.parametrize("target", ["a_b.example:1", "10.0.0.1:65535", "web:080"])
def test_a_sound_target_is_left(target: str, tmp_path: Path) -> None:
    assert told(tmp_path, "127.0.0.1:8000", target) == []


@pytest.mark.parametrize("port", ["0", "65536", "99999999999999999999", "00"])
def test_a_port_that_does_not_exist_is_told(port: str, tmp_path: Path) -> None:
    [message] = told(tmp_path, "127.0.0.1:8000", f"127.0.0.1:{port}")
    assert message == f"there is no port {port[:9]}; the highest is 65535"


def test_no_address_makes_a_check_fall(tmp_path: Path) -> None:
    files = replaced(FILE, '"http://127.0.0.1:1/beat"', '"http://[::1"')
    files[FILE] += "needs_values: true\n"
    project, problems, _ = load_project(lay_out(tmp_path, files), values={"cellar": {"links": {}}})
    assert project is not None, problems
    assert "link_sound" in {problem.check for problem in run_checks(project)}


def test_a_blank_page_matters_only_where_an_alert_names_it(tmp_path: Path) -> None:
    config = lay_out(tmp_path, {"runbooks/other.md": "\n", "runbooks/README.md": ""})
    project, _, _ = load_project(config)
    assert project is not None
    assert project.blank_pages == {"other"}
    assert list(link_sound.check(project)) == []
