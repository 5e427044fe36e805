"""A folder of specs to a project, and the parts that services read alone."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from bot.config import load_bot
from config.spec.load import ValuesFile, beside, load_metrics, load_project
from config.spec.model import Project
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
    assert [problem.message for problem in problems] == ["a list is not a mapping; write {}"]


def test_a_missing_file_is_one_problem_among_the_others(tmp_path: Path) -> None:
    config = lay_out(tmp_path, replaced("config/bundle.yaml", "namespace", "namespaze"))
    (config / "scrape.yaml").unlink()
    _, problems, _ = load_project(config)
    assert {problem.check for problem in problems} == {
        "yaml/unreadable",
        "schema/unknown-key",  # and not that the key that was meant is missing
    }


@pytest.mark.parametrize("file", ["alerts/web.yaml", "dashboards/web.yaml", "environments/cellar.yaml"])
def test_a_folder_without_a_spec_is_a_problem(file: str, tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    (config / file).unlink()
    _, problems, _ = load_project(config)
    assert [problem.check for problem in problems] == ["load/empty"]
    assert problems[0].message.startswith(f"no .yaml file here; a bundle says in {Path(file).parent}/<name>")
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
        ("alert/web.yaml", "'alert' is not read: the files here are bundle.yaml, measures.yaml, "),
    ],
)
def test_a_file_that_nobody_reads_is_told(name: str, told: str, tmp_path: Path) -> None:
    _, problems, _ = load_project(lay_out(tmp_path, {f"config/{name}": "alerts: {}"}))
    assert [problem.check for problem in problems] == ["load/stray"]
    assert problems[0].message.startswith(told)
    assert f"/config/{name}".startswith(problems[0].place.path.removeprefix(str(tmp_path)))


@pytest.mark.parametrize(
    "name", ["README.md", ".hidden", "__pycache__/x.pyc", "alerts/web.yaml~", "alerts/#web.yaml#"]
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


@pytest.mark.parametrize("name", ["bundle.yaml", "alerts/pipe.yaml", "other.yaml"])
def test_a_pipe_is_a_problem_and_never_waited_for(name: str, tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    (config / name).unlink(missing_ok=True)
    os.mkfifo(config / name)
    (config / "links.yaml").symlink_to("/dev/zero")
    assert [str(problem) for problem in load_project(config)[1]] == sorted(
        f"{config}/{one}:1:1: is a pipe or device, and no file [yaml/unreadable]"
        for one in (name, "links.yaml")
    )


@contextmanager
def held_by_modes() -> Iterator[None]:
    """Let what a file's mode forbids be forbidden to root too, by laying two of its capabilities down."""
    libc, version, reading_all = ctypes.CDLL(None), 0x20080522, 1 << 1 | 1 << 2
    header, had, left = (ctypes.c_uint32 * 2)(version), (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, had) == 0
    left[:] = had[:]
    left[0] &= ~reading_all
    assert libc.capset(header, left) == 0
    yield
    assert libc.capset(header, had) == 0


def test_what_may_not_be_read_is_a_problem_at_its_place(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    (config / "bundle.yaml").chmod(0)
    (config / "dashboards").chmod(0)
    with held_by_modes():
        told = [str(problem) for problem in load_project(config)[1]]
    (config / "dashboards").chmod(0o755)
    assert told == [
        f"{config}/bundle.yaml:1:1: cannot be read: Permission denied [yaml/unreadable]",
        f"{config}/dashboards:1:1: cannot be read: you may not look into the folder [load/empty]",
    ]


def test_runbooks_are_found_from_inside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = lay_out(tmp_path)
    monkeypatch.chdir(config)
    project, problems, _ = load_project(Path("."))
    assert problems == []
    assert project is not None
    assert project.runbook_ids == {"many_errors"}
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


@pytest.mark.parametrize(
    ("name", "near"), [("Europe/Berln", "Europe/Berlin"), ("Europe", "Europe/Rome"), ("../etc/passwd", "")]
)
def test_a_timezone_that_nobody_knows_is_told_with_its_place(tmp_path: Path, name: str, near: str) -> None:
    text = (Path("config") / "bot.yaml").read_text()
    (tmp_path / "bot.yaml").write_text(text.replace("timezone: UTC", f"timezone: {name}"))
    bot, (problem,) = load_bot(tmp_path)
    assert bot is None
    line = text[: text.index("timezone:")].count("\n") + 1
    hint = f"; did you mean {near!r}?" if near else ""
    told = f"{tmp_path}/bot.yaml:{line}:13: timezone {name!r} is not known{hint} [bot/timezone]"
    assert str(problem) == told


@pytest.mark.parametrize(
    ("caps", "told"),
    [
        (
            "symbol_caps_usdt: {BTC-USDT: 20000, ETC-USDT: 1}",
            "'ETC-USDT' is not in trading.symbols; did you mean",
        ),
        ("symbol_caps_usdt: {BTCUSDT: 1}", "'BTCUSDT' is not in trading.symbols; did you mean 'BTC-USDT'?"),
        ("source_caps_usdt: {telegramm: 1}", "'telegramm' is not in sources; did you mean 'telegram'?"),
        ("source_caps_usdt: {discord: 1}", "'discord' is not in sources [bot/cap]"),
    ],
)
def test_a_cap_on_what_is_not_there_is_told_with_its_place(tmp_path: Path, caps: str, told: str) -> None:
    text = (Path("config") / "bot.yaml").read_text()
    (tmp_path / "bot.yaml").write_text(text.replace("  timezone: UTC", f"  timezone: UTC\n  {caps}"))
    bot, (problem,) = load_bot(tmp_path)
    assert bot is None
    assert told in str(problem)
    line = text[: text.index("timezone:")].count("\n") + 2
    assert str(problem).startswith(f"{tmp_path}/bot.yaml:{line}:")


def test_caps_are_read_by_name(tmp_path: Path) -> None:
    text = (Path("config") / "bot.yaml").read_text()
    caps = "symbol_caps_usdt: {BTC-USDT: 20000.5}\n  source_caps_usdt: {telegram: 1}"
    (tmp_path / "bot.yaml").write_text(text.replace("  timezone: UTC", f"  timezone: UTC\n  {caps}"))
    bot, problems = load_bot(tmp_path)
    assert problems == []
    assert bot is not None
    assert bot.trading.symbol_caps_usdt == {"BTC-USDT": Decimal("20000.5")}
    assert bot.trading.source_caps_usdt == {"telegram": Decimal(1)}


SCHEMA = (
    '{"properties": {"pace": {"enum": ["slow", "fast"]}, "share": {"multipleOf": 0.1}},'
    ' "patternProperties": {"^x-": {}}, "additionalProperties": false, "required": ["pace"]}'
)
NAMED = "# yaml-language-server: $schema=schemas/kiosk.json"


def read_with(folder: Path, text: str, schema: str = SCHEMA) -> tuple[Project | None, list[str]]:
    files = {"config/kiosk.yaml": text, "config/schemas/kiosk.json": schema}
    config = lay_out(folder, files)
    project, problems, _ = load_project(config)
    return project, [f"{p.severity}: {p}".replace(f"{config}/", "") for p in problems]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pace: slow\nx-note: none\nshare: 0.3\n", []),
        (
            "pace: slow\nshare: 0.35\n",
            ["error: kiosk.yaml:3:8: 0.35 is not a multiple of 0.1 [schema/multipleof]"],
        ),
        (
            "pace: slw\n",
            [
                "error: kiosk.yaml:2:7: 'slw' is not one of slow, fast; did you mean 'slow'? [schema/enum]",
            ],
        ),
        (
            "pase: slow\n",
            [
                "error: kiosk.yaml:2:1: unknown key 'pase'; did you mean 'pace'? [schema/unknown-key]",
            ],
        ),
        (
            "pace: fast\npace: fast\n",
            ["error: kiosk.yaml:3:1: key 'pace' is given twice [yaml/duplicate-key]"],
        ),
    ],
)
def test_a_file_of_a_service_is_judged_by_the_schema_that_it_names(
    text: str, told: list[str], tmp_path: Path
) -> None:
    assert read_with(tmp_path, f"{NAMED}\n{text}")[1] == told


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{", "no JSON Schema that can be used"),
        ('{"type": "objekt"}', "no JSON Schema: 'objekt' is not valid under any of the given schemas"),
        ('{"pattern": "("}', "no JSON Schema: '(' is not a 'regex'"),
        ('{"$ref": "https://example.org/x.json"}', "it refers to 'https://example.org/x.json', which is not"),
        ('{"$ref": "#/$defs/gone"}', "it refers to '/$defs/gone', which is not in it"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told(schema: str, reason: str, tmp_path: Path) -> None:
    project, told = read_with(tmp_path, f"{NAMED}\nwords\n", schema)
    assert project is None
    assert [line.partition("cannot be used: ")[2][: len(reason)] for line in told] == [reason]


def test_a_schema_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, told = read_with(tmp_path, "# yaml-language-server: $schema=schemas/kisok.json\npace: slow\n")
    assert told == [
        "error: kiosk.yaml:1:1: its schema 'schemas/kisok.json' cannot be used: No such file or directory"
        " [load/schema]"
    ]


def test_what_no_schema_and_nobody_reads_is_a_warning(tmp_path: Path) -> None:
    project, told = read_with(tmp_path, "pace: slow\n")
    assert project is not None
    assert told == [
        "warning: kiosk.yaml:1:1: 'kiosk.yaml' is not read by anything;"
        " name its schema in the first line, or remove it [load/unread]"
    ]


def test_a_schema_elsewhere_in_the_world_is_not_fetched(tmp_path: Path) -> None:
    project, told = read_with(tmp_path, "# yaml-language-server: $schema=https://example.org/x.json\na: 1\n")
    assert project is not None
    assert told == [
        "warning: kiosk.yaml:1:1: not checked, because its schema 'https://example.org/x.json' is no file;"
        " give the path of a copy [load/schema]"
    ]
