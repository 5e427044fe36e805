"""A folder of specs to a project, and the parts that services read alone."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot.config import load_bot
from config.spec.load import ValuesFile, beside, load_metrics, load_project
from config.spec.source import parse
from tests.bundle_of import lay_out, load_shop, replaced


def test_every_spec_knows_its_place() -> None:
    alert = load_shop().alerts["ManyErrors"]
    assert alert.where("runbook").line == 10
    assert alert.where().column == 3
    assert alert.levels["critical"].where("for").line == 6


def test_values_are_laid_over_an_environment(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    values = {"cellar": {"targets": {"web": ["127.0.0.1:9"]}, "receivers": {"mail": {"to": "x@localhost"}}}}
    project, problems, _ = load_project(config, values=values)
    assert problems == []
    assert project is not None
    cellar = project.environments["cellar"]
    assert cellar.targets["web"] == ("127.0.0.1:9",)
    assert (cellar.receivers["mail"].to, cellar.receivers["mail"].from_) == ("x@localhost", "shop@localhost")


def test_bad_values_are_refused_like_a_bad_file(tmp_path: Path) -> None:
    values = {"cellar": {"targets": {"web": ["no port"]}}}
    project, problems, _ = load_project(lay_out(tmp_path), values=values)
    assert project is None
    assert [problem.message for problem in problems] == ["'no port' is not host:port"]


def test_bad_values_of_a_file_are_told_at_their_place_there(tmp_path: Path) -> None:
    text = 'celar: {}\ncellar:\n  targets:\n    web: ["no port"]\n  linkz: {}\n'
    values, _ = parse(text, "values.yaml")
    _, problems, sources = load_project(lay_out(tmp_path), values=ValuesFile(values))
    assert [str(problem) for problem in problems] == [
        "values.yaml:1:1: no file celar.yaml in environments/ to lay this over; did you mean 'cellar'?"
        " [load/values]",
        "values.yaml:4:11: 'no port' is not host:port [schema/pattern]",
        "values.yaml:5:3: unknown key 'linkz'; did you mean 'links'? [schema/unknown-key]",
    ]
    assert sources["values.yaml"].text == text


def test_values_for_an_unknown_environment_are_refused(tmp_path: Path) -> None:
    _, problems, _ = load_project(lay_out(tmp_path), values={"attic": {}})
    assert [problem.message for problem in problems] == [
        "no file attic.yaml in environments/ to lay this over"
    ]


def test_values_do_not_stand_in_for_a_file_that_is_no_environment(tmp_path: Path) -> None:
    config = lay_out(tmp_path, {"config/environments/cellar.yaml": "[]"})
    _, problems, _ = load_project(config, values={"cellar": {"targets": {"web": ["127.0.0.1:9"]}}})
    assert [problem.message for problem in problems] == ["a list is not a mapping"]


def test_a_missing_file_is_one_problem_among_the_others(tmp_path: Path) -> None:
    config = lay_out(tmp_path, replaced("config/bundle.yaml", "namespace", "namespaze"))
    (config / "scrape.yaml").unlink()
    _, problems, _ = load_project(config)
    assert {problem.check for problem in problems} == {
        "yaml/unreadable",
        "schema/unknown-key",
        "schema/required",
    }


@pytest.mark.parametrize("file", ["alerts/web.yaml", "dashboards/web.yaml", "environments/cellar.yaml"])
def test_a_folder_without_a_spec_is_a_problem(file: str, tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    (config / file).unlink()
    _, problems, _ = load_project(config)
    assert [problem.check for problem in problems] == ["load/empty"]
    (config / file).parent.rmdir()
    assert load_project(config)[1] == problems


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("alerts/positions.yml", "'positions.yml' is not read: name it 'positions.yaml'"),
        ("alerts/POSITIONS.YAML", "'POSITIONS.YAML' is not read: name it 'POSITIONS.yaml'"),
        ("alerts/two words.yaml", "'two words.yaml' is not read: a spec is a file <name>.yaml, its name of "),
        ("dashboards/web.json", "'web.json' is not read: a spec is a file <name>.yaml, its name of "),
        ("environments/old/attic.yaml", "'old' is not read: a spec is a file <name>.yaml, its name of "),
        ("routing.yml", "'routing.yml' is not read: name it 'routing.yaml'"),
        ("positions.yaml", "'positions.yaml' is not read: the files here are bot.yaml, bundle.yaml, "),
        ("alert/web.yaml", "'alert' is not read: the files here are bot.yaml, bundle.yaml, "),
    ],
)
def test_a_file_that_nobody_reads_is_told(name: str, told: str, tmp_path: Path) -> None:
    _, problems, _ = load_project(lay_out(tmp_path, {f"config/{name}": "alerts: {}"}))
    assert [problem.check for problem in problems] == ["load/stray"]
    assert problems[0].message.startswith(told)
    assert f"/config/{name}".startswith(problems[0].place.path.removeprefix(str(tmp_path)))


@pytest.mark.parametrize(
    "name", ["bot.yaml", "README.md", ".hidden", "__pycache__/x.pyc", "alerts/web.yaml~", "alerts/#web.yaml#"]
)
def test_what_nobody_takes_for_a_spec_may_lie_there(name: str, tmp_path: Path) -> None:
    assert load_project(lay_out(tmp_path, {f"config/{name}": "no spec"}))[1] == []


def test_a_loop_of_links_is_a_problem_at_its_place(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    (config / "alerts" / "loop.yaml").symlink_to("loop.yaml")
    _, problems, _ = load_project(config)
    assert [str(problem) for problem in problems] == [
        f"{config}/alerts/loop.yaml:1:1: cannot be read: Too many levels of symbolic links [yaml/unreadable]"
    ]


def test_runbooks_are_found_from_inside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = lay_out(tmp_path)
    monkeypatch.chdir(config)
    project, problems, _ = load_project(Path("."))
    assert problems == []
    assert project is not None
    assert project.runbooks == {"many_errors"}
    assert beside(Path("config")) == Path(".")
    assert beside(Path("..")) == Path("../..")


def test_the_catalogue_loads_alone() -> None:
    metrics, problems = load_metrics(Path("config"))
    assert problems == []
    orders = next(metric for metric in metrics if metric.name == "orders_failed_total")
    assert orders.labels["reason"] == ("rejected", "unreachable", "not_sent")


def test_money_in_the_bots_spec_is_decimal_from_its_text() -> None:
    bot, problems = load_bot(Path("config"))
    assert problems == []
    assert bot is not None
    assert bot.trading.max_slippage_percent == Decimal("0.5")
