"""`tradewatch backtest` against a real Prometheus: it says what rules, evaluated by promtool, really do."""

import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from config.spec.duration import Duration
from config.spec.problem import Problem
from config.spec.source import parse
from observability.__main__ import main
from observability.backtest.firing import GRACE
from observability.backtest.history import History, Period
from observability.backtest.raw import Raw
from observability.live.prometheus import Prometheus
from observability.rule_files import groups_of
from observability.rules import Rule
from tests.bundle_of import BUNDLE, lay_out, replaced
from tests.observability import recorded
from tests.observability.recorded import STEP

LENGTH, SEED = 6 * 60, 1  # steps
NAMES = ("Long", "Kept", "Ratio", "Bad", "Trend", "Before")
RULES = """\
groups:
- name: measures
  rules:
  - {record: "m:queue", expr: max by (shop) (queue_length)}
  - {record: "m:errors", expr: 'sum(increase(answers_total{code="500"}[10m]))'}
  - {record: "m:ratio", expr: 'm:errors / (sum(increase(answers_total[10m])) > 0)'}
  - {record: "m:bad_minutes", expr: 'sum_over_time((m:errors > bool 0)[15m:1m])'}
  - {record: "m:trend", expr: 'predict_linear(m:queue[20m], 600)'}
- name: alerts
  rules:
  - {alert: Long, expr: 'm:queue > 60', for: 3m, labels: {severity: warning}}
  - {alert: Long, expr: 'm:queue > 80', for: 0s, labels: {severity: critical}}
  - {alert: Kept, expr: 'm:queue > 70', for: 2m, keep_firing_for: 7m, labels: {severity: warning}}
  - {alert: Kept, expr: 'absent(m:queue)', for: 8m, labels: {severity: warning, cause: absent}}
  - {alert: Ratio, expr: 'm:ratio > 0.5 and on () m:errors >= 3', for: 5m, labels: {severity: critical}}
  - {alert: Bad, expr: 'm:bad_minutes > 12', for: 2m, labels: {severity: info}}
  - {alert: Trend, expr: 'm:trend > 90 unless on (shop) m:queue{shop="a"} > 80', for: 4m}
  - {alert: Before, expr: 'm:queue - m:queue offset 10m > 20', for: 1m, labels: {severity: info}}
"""


def history(seed: int) -> dict[str, list[float | None]]:
    """Return queues that wander and vanish for a while, and answers that fail in stretches."""
    chance = random.Random(seed)
    told: dict[str, list[float | None]] = {'up{job="shop"}': [1.0] * LENGTH}
    for shop in "ab":
        value, values = 50.0, told.setdefault(f'queue_length{{shop="{shop}"}}', [])
        for step in range(LENGTH):
            value = min(max(value + chance.choice([-9, -4, 0, 4, 9]), 0), 100)
            is_gone = 120 <= step < 145 or (shop == "b" and 200 <= step < 230)
            values.append(None if is_gone else value)
    fails, counts = False, {"200": 0.0, "500": 0.0}
    for step in range(LENGTH):
        fails = not fails if chance.random() < 0.06 else fails
        if step == 250:
            counts = dict.fromkeys(counts, 0.0)  # a restart
        if chance.random() < 0.7:
            counts["500" if fails else "200"] += 1
        for code, count in counts.items():
            told.setdefault(f'answers_total{{code="{code}"}}', []).append(count)
    return told


def of_shop() -> dict[str, list[float | None]]:
    """Return four requests a minute, of which one fails from minute 61 to 120; and what fired then.

    In a window of ten minutes are nine increases. So 4 of 36 failed at minute 64, the first more than 10 %,
    and still at minute 125; and 8 of 36, the first more than 20 %, from minute 68 to 121.
    """
    failed = [float(min(max(step - 60, 0), 60)) for step in range(LENGTH)]
    labels = 'alertname="ManyErrors",alertstate="firing",severity="warning"'
    return {
        'http_requests_total{code="500"}': [*failed],
        'http_requests_total{code="200"}': [4.0 * step - failed[step] for step in range(LENGTH)],
        f"ALERTS{{{labels}}}": [1 if 69 <= step <= 125 else None for step in range(LENGTH)],
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A Prometheus with the history of both, and when that begins; it ended a quarter of an hour ago."""
    start = (time.time_ns() // 1_000_000 // STEP - LENGTH - 15) * STEP
    with recorded.serving(tmp_path_factory.mktemp("server"), history(SEED) | of_shop(), start) as url:
        yield url, start


def rules_of(text: str) -> list[Rule]:
    problems: list[Problem] = []
    source, found = parse(text, "rules.yml")
    rules = [rule for group in groups_of(source, problems) for rule in group.rules]
    assert not [*found, *problems]
    return rules


def fired(url: str, start: int, rules: Sequence[Rule]) -> list[list[dict[str, str]]]:
    """Return what fires at each step, as backtest has it."""
    period = Period(
        end=start + (LENGTH - 1) * STEP,
        lasts=Duration(LENGTH * STEP),
        longest=Duration(30 * STEP),
        step=Duration(STEP),
        scrape=Duration(STEP),
        grace=GRACE,
    )
    asked, raw = History(Prometheus(url), period), Raw(rules, period.step)
    told: list[list[dict[str, str]]] = [[] for _ in range(LENGTH)]
    for rule in (rule for rule in rules if rule.is_alert):
        for labels, spans in asked.fired(rule, raw).items():
            for step in (step for span in spans for step in span):
                told[step].append({"alertname": rule.name, **dict(labels)})
    return told


def test_what_would_have_fired_is_what_promtool_lets_fire(server: tuple[str, int], tmp_path: Path) -> None:
    url, start = server
    told, known = fired(url, start, rules_of(RULES)), history(SEED)
    seen = {(one["alertname"], one.get("cause")) for every in told for one in every}
    assert seen == {(name, None) for name in NAMES} | {("Kept", "absent")}
    assert recorded.promtool_says(tmp_path / "right", RULES, known, told) == ""
    late = [[], *told[:-1]]
    assert "FAILED" in recorded.promtool_says(tmp_path / "late", RULES, known, late)


class Backtest(Protocol):
    def __call__(self, *arguments: str, above: str = "0.1") -> tuple[int, str, str]: ...


@pytest.fixture
def backtest(
    server: tuple[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Backtest:
    """Return what asks for the shop, once generated, with another bound; gives code and output."""
    monkeypatch.chdir(tmp_path)
    scrape = (BUNDLE / "config" / "scrape.yaml").read_text("utf-8").replace("interval: 30s", "interval: 1m")
    lay_out(tmp_path, {"config/scrape.yaml": scrape})
    assert main(["generate", "--no-tools"]) == 0

    def run(*arguments: str, above: str = "0.1") -> tuple[int, str, str]:
        lay_out(tmp_path, {**changed(above), "config/scrape.yaml": scrape})
        capsys.readouterr()
        code = main(["backtest", "--prometheus", server[0], "--range", "1d", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def changed(above: str) -> dict[str, str]:
    return replaced("config/alerts/web.yaml", "{above: 0.1,", f"{{above: {above},")


def test_a_changed_bound_changes_the_answer_as_computed_by_hand(backtest: Backtest) -> None:
    code, out, err = backtest(above="0.2")
    assert (code, err) == (0, "")
    # Five minutes of `for` on top: from 69 to 126, and from 73 to 122. What was recorded has no mark at its
    # end, and so is seen for four minutes more, which is no difference yet.
    lines = [re.split(" {2,}", line) for line in out.splitlines()]
    assert lines[2] == ["ManyErrors", "warning", "1, 57m (57m)", "1, 49m (49m)", "1, 1h1m (1h1m)", "changed"]
    assert lines[3:] == [
        ["2 rules: 1 quiet before and after, 1 changed"],
        ["ALERTS agrees with `before` on each of the 2 rules, 1 of which fired"],
    ]
    assert "no Prometheus ran for 17h56m of it" in out


def test_what_is_not_changed_answers_alike(backtest: Backtest) -> None:
    code, out, _ = backtest("--format", "json", "--alert", "ManyErrors")
    told = json.loads(out)
    assert code == 0
    warning, critical = told["rules"]
    once = {"times": 1, "total": 57 * 60, "longest": 57 * 60}
    assert (warning["labels"], critical["labels"]) == ({"severity": "warning"}, {"severity": "critical"})
    assert warning["before"] == warning["after"] == once
    assert critical["before"] == critical["after"] == {"times": 0, "total": 0, "longest": 0}
    assert not warning["changed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--range", "5m"), "has recorded no target within 5m; what it has begins "),
        (("--range", "30s"), "--range 30s is shorter than 1m, the time between two evaluations"),
        (("--alert", "ManyErors"), "--alert: no alert 'ManyErors'; did you mean 'ManyErrors'?"),
        (
            ("--before", "nowhere"),
            "nowhere has no rule files; name the folder of the rules before by --before",
        ),
        (("--time-scale", "60"), "--time-scale needs --before DIR: the files that were generated with it"),
        (("--prometheus", "http://127.0.0.1:1"), "http://127.0.0.1:1/api/v1/query_range cannot be reached: "),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(backtest: Backtest, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = backtest(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("tradewatch: ")
    assert said in err


def test_a_rule_that_cannot_be_asked_is_told_and_the_others_are_asked(
    backtest: Backtest, tmp_path: Path
) -> None:
    rules = """\
groups:
- name: odd
  rules:
  - {alert: Twice, expr: 'queue_length + on () queue_length > 0'}
  - {alert: Pattern, expr: 'a:b{x=~"y"} > 0'}
  - {alert: ManyErrors, expr: 'sum(queue_length) > 1000', labels: {severity: warning}}
  - {record: 'a:b', expr: queue_length}
"""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "rules.yml").write_text(rules, "utf-8")
    code, out, err = backtest("--before", "odd")
    assert code == 1
    assert "odd/rules.yml:4:26: Twice cannot be asked: found duplicate series for the match group" in err
    assert "odd/rules.yml:5:28: Pattern cannot be asked: " in err
    assert err.splitlines()[-1] == "2 problems"
    assert re.search(
        r"ManyErrors +warning +- +1, 57m \(57m\) +1, 1h1m \(1h1m\), 1h1m otherwise +changed", out
    )
    assert out.splitlines()[-1] == "ALERTS agrees with `before` on 0 of 1 rules, not on ManyErrors"
