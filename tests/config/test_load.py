"""A folder of specs to a project, and the parts that services read alone."""

from decimal import Decimal
from pathlib import Path

from bot.config import load_bot
from config.spec.load import load_metrics, load_project
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


def test_a_missing_file_is_one_problem_among_the_others(tmp_path: Path) -> None:
    config = lay_out(tmp_path, replaced("config/bundle.yaml", "namespace", "namespaze"))
    (config / "scrape.yaml").unlink()
    _, problems, _ = load_project(config)
    assert {problem.check for problem in problems} == {
        "yaml/unreadable",
        "schema/unknown-key",
        "schema/required",
    }


def test_a_folder_without_alerts_is_a_problem(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    (config / "alerts" / "web.yaml").unlink()
    _, problems, _ = load_project(config)
    assert [problem.check for problem in problems] == ["load/empty"]


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
