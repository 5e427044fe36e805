"""Every rule for rendered dashboards speaks when the JSON is spoiled in its way, and is silent otherwise."""

import copy
import json
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from config.spec.model import Project
from config.spec.problem import Place, Problem
from observability.compile import Request, compile_bundle
from observability.verify import dashboards, verify
from tests.bundle_of import BUNDLE, lay_out

PARCELS = """\
uid: parcels-overview
title: Parcels
description: Do the parcels leave?
rows:
  - title: Answers
    panels:
      - id: by_code
        title: Answers by code
        description: Answers of the last hour
        kind: timeseries
        unit: count
        queries:
          - {expr: "sum by (code) (increase(http_requests_total[1h]))", legend: "answered {{code}}"}
          - {expr: sum(queue_length), legend: waiting}
"""
Bundle = tuple[Project, Mapping[str, str]]
Spoil = Callable[[Any], object]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    files = {"config/dashboards/parcels.yaml": PARCELS}
    outcome = compile_bundle(Request(config_dir=lay_out(tmp_path_factory.mktemp("shop"), files)))
    assert outcome.project is not None, outcome.problems
    assert outcome.files, outcome.problems
    return outcome.project, outcome.files


def judged(bundle: Bundle, spoil: Spoil, board: str = "parcels") -> list[Problem]:
    """Spoil a copy of one dashboard and return what is said."""
    project, files = bundle
    path = f"cellar/dashboards/{board}.json"
    data = copy.deepcopy(json.loads(files[path]))
    spoil(data)
    return list(dashboards.verify(project, {**files, path: json.dumps(data)}))


def panel(data: Any) -> Any:
    return data["panels"][1]


def target(data: Any, index: int = 0) -> Any:
    return panel(data)["targets"][index]


def firing(data: Any) -> Any:
    """The link of the column that names runbooks."""
    return data["panels"][5]["fieldConfig"]["overrides"][1]["properties"][0]["value"][0]


def table(data: Any) -> Any:
    return data["panels"][7]["targets"][0]


def mark(data: Any) -> Any:
    return data["annotations"]["list"][0]


def variable(**keys: Any) -> Spoil:
    return lambda data: data["templating"]["list"].append(
        {**data["templating"]["list"][0], "type": "query", "name": "code", **keys}
    )


def steps(*values: float | None) -> Spoil:
    return lambda data: panel(data)["fieldConfig"]["defaults"]["thresholds"].update(
        steps=[{"color": "red", "value": value} for value in values]
    )


def link(**keys: Any) -> Spoil:
    defaults = {"title": "Elsewhere", "type": "link", "icon": "", "tooltip": "", "url": "", "tags": []}
    flags = dict.fromkeys(("asDropdown", "targetBlank", "includeVars", "keepTime"), False)
    return lambda data: data["links"].append({**defaults, **flags, **keys})


SPOILED: list[tuple[str, Spoil, str]] = [
    ("template-datasource-rule", lambda d: d["templating"]["list"].clear(), "no variable 'datasource'"),
    ("template-label-promql-rule", variable(query="label_values(up{, code)", refresh=2), "does not parse"),
    ("template-on-time-change-reload-rule", variable(query="x", refresh=1), "not asked anew"),
    ("panel-datasource-rule", lambda d: panel(d).pop("datasource"), "does not use ${datasource}"),
    ("panel-title-description-rule", lambda d: panel(d).pop("title"), "panel 1 has no title"),
    ("panel-title-description-rule", lambda d: panel(d).pop("description"), "panel 1 has no description"),
    ("panel-units-rule", lambda d: panel(d)["fieldConfig"]["defaults"].pop("unit"), "has no unit"),
    ("panel-units-rule", lambda d: panel(d)["fieldConfig"]["defaults"].update(unit="ell"), "no unit 'ell'"),
    ("panel-no-targets-rule", lambda d: panel(d)["targets"].clear(), "has no query"),
    ("target-promql-rule", lambda d: target(d).update(expr="sum(("), "does not parse"),
    ("target-counter-agg-rule", lambda d: target(d).update(expr="http_requests_total"), "read by its value"),
    ("uneditable-dashboard", lambda d: d.update(editable=True), "can be edited"),
    ("dashboard-complete-rule", lambda d: d.update(schemaVersion=39), "schemaVersion is 39, not 42"),
    ("dashboard-complete-rule", lambda d: d.update(id=3), "the server's to give"),
    ("dashboard-complete-rule", lambda d: d.pop("timepicker"), "does not say its timepicker"),
    ("dashboard-complete-rule", lambda d: panel(d).pop("pluginVersion"), "does not say its pluginVersion"),
    ("board-reached-rule", lambda d: d["links"].clear(), "no link leads to 'Web' and keeps the time"),
    ("board-reached-rule", lambda d: d["links"][0].update(keepTime=False), "no link leads to 'Web'"),
    ("board-reached-rule", lambda d: d["links"][0].update(asDropdown=True), "no link leads to 'Web'"),
    ("dashboard-name-rule", lambda d: d.update(uid="web-overview"), "uid 'web-overview' is that of"),
    ("dashboard-name-rule", lambda d: d.update(title="Web"), "title 'Web' is that of"),
    ("dashboard-description-rule", lambda d: d.update(description="Parcels."), "no more than the title"),
    ("link-rule", link(url="/d/no-such-board"), "no dashboard has the uid"),
    ("link-rule", link(url="/d/web-overview?viewPanel=9"), "has no panel 9"),
    ("link-rule", link(url="http://127.0.0.1:1/r/many_erors"), "did you mean 'many_errors'"),
    ("link-rule", link(), "it has no address"),
    ("link-rule", link(type="dashboards", tags=["nobody"]), "no other dashboard has the tags"),
    (
        "panel-lost-rule",
        lambda d: d["panels"].pop(),
        "'Answers by code' is not in cellar/dashboards/parcels.json",
    ),
    ("panel-lost-rule", lambda d: d["panels"][0].pop("title"), "'Answers' is not in"),
    ("panel-id-rule", lambda d: panel(d).update(id=2), "number 2 of 'Answers by code' is given twice"),
    ("panel-id-rule", lambda d: panel(d).pop("id"), "has no number"),
    ("panel-grid-rule", lambda d: panel(d)["gridPos"].update(x=1), "outside of the grid"),
    ("panel-grid-rule", lambda d: panel(d)["gridPos"].update(w=2), "too narrow"),
    ("panel-grid-rule", lambda d: panel(d)["gridPos"].update(y=0), "lies over 'Answers'"),
    ("panel-grid-rule", lambda d: panel(d).pop("gridPos"), "has no place"),
    ("panel-title-unique-rule", lambda d: d["panels"].append(below(panel(d))), "two panels are called"),
    ("panel-description-rule", lambda d: panel(d).update(description="answers by Code."), "no more than"),
    ("panel-thresholds-rule", steps(1, 2), "is not null"),
    ("panel-thresholds-rule", steps(None, 2, 2), "do not rise"),
    ("panel-thresholds-rule", steps(None, 2, None), "do not rise"),
    ("panel-queries-rule", lambda d: panel(d).update(targets=many(target(d), 21)), "21 queries in one panel"),
    ("panel-ref-id-rule", lambda d: target(d, 1).update(refId="A"), "refId 'A' twice"),
    ("panel-ref-id-rule", lambda d: target(d).update(refId=""), "a query without a refId"),
    ("target-datasource-rule", lambda d: target(d).pop("datasource"), "does not use ${datasource}"),
    ("target-datasource-rule", lambda d: target(d)["datasource"].update(uid="prom"), "does not use"),
    (
        "target-window-rule",
        lambda d: target(d).update(expr="sum(rate(http_requests_total[$__rate_interval]))"),
        "$__rate_interval stands for another window",
    ),
    ("target-legend-rule", lambda d: target(d).update(legendFormat=""), "has no legend"),
    ("target-legend-rule", lambda d: target(d, 1).update(legendFormat="answered {{code}}"), "two queries of"),
    (
        "target-legend-label-rule",
        lambda d: target(d).update(legendFormat="{{cod}}"),
        "the legend uses {{cod}}, which the query does not keep; did you mean 'code'",
    ),
    ("target-legend-label-rule", lambda d: target(d).update(legendFormat="all"), "use {{code}}"),
    (
        "target-legend-label-rule",
        lambda d: target(d).update(expr='http_requests_total{code="500"}', legendFormat="failed"),
        "use {{instance}}",
    ),
    (
        "target-legend-label-rule",
        lambda d: target(d).update(expr='sum by (code) (http_requests_total{code!=""})', legendFormat="all"),
        "use {{code}}",
    ),
]
# These need the dashboard whose panel shows an alert.
SPOILED_WITH_ALERT: list[tuple[str, Spoil, str]] = [
    ("alert-link-rule", lambda d: panel(d).update(id=9), "ManyErrors links to /d/web-overview?viewPanel=1"),
    ("alert-link-rule", lambda d: d.update(uid="web-other"), "ManyErrors links to"),
    ("annotation-rule", lambda d: mark(d).update(expr="ALERTS{"), "annotation 'Alerts' does not parse"),
    ("annotation-rule", lambda d: mark(d)["datasource"].update(uid="x"), "does not use ${datasource}"),
    ("annotation-alerts-rule", lambda d: d["annotations"].update(list=[]), "in which ManyErrors fired"),
    ("annotation-alerts-rule", lambda d: mark(d).update(expr='ALERTS{alertname="ManyErrorsToo"}'), "fired"),
    ("panel-runbook-rule", lambda d: panel(d)["links"].clear(), "no link to the runbook many_errors of Many"),
    ("target-column-rule", lambda d: table(d).update(instant=False), "asks for more than the values of now"),
    ("target-column-rule", lambda d: table(d).update(format="time_series"), "asks for more than the values"),
    ("target-column-rule", lambda d: table(d).update(legendFormat="at {{instance}}"), "{{instance}} in the"),
    ("link-rule", lambda d: firing(d).update(url="http://127.0.0.1:1/r/many_erors"), "did you mean"),
    ("panel-bounds-rule", steps(None, 0.1), "the critical bound 0.5 of ManyErrors is not in 'Errors'"),
]


def below(one: Any) -> Any:
    return {**one, "id": 7, "gridPos": {**one["gridPos"], "y": 20}}


def many(one: Any, count: int) -> list[Any]:
    return [{**one, "refId": f"R{index}"} for index in range(count)]


def test_what_is_rendered_has_no_problem(bundle: Bundle) -> None:
    assert list(dashboards.verify(*bundle)) == []


def shortened(value: object) -> str | None:
    """Name a case by its texts alone: a function's address is another in every process."""
    return value[:40] if isinstance(value, str) else None


@pytest.mark.parametrize(("rule", "spoil", "said"), SPOILED, ids=shortened)
def test_a_spoiled_dashboard_is_told(bundle: Bundle, rule: str, spoil: Spoil, said: str) -> None:
    found = [one.message for one in judged(bundle, spoil) if one.check == f"dashboard/{rule}"]
    assert any(said in message for message in found), judged(bundle, spoil)


@pytest.mark.parametrize(("rule", "spoil", "said"), SPOILED_WITH_ALERT, ids=shortened)
def test_a_dashboard_that_fails_its_alert_is_told(bundle: Bundle, rule: str, spoil: Spoil, said: str) -> None:
    found = [one.message for one in judged(bundle, spoil, "web") if one.check == f"dashboard/{rule}"]
    assert any(said in message for message in found), judged(bundle, spoil, "web")


def test_every_rule_is_seen_to_fail() -> None:
    shown = {rule for rule, _, _ in chain(SPOILED, SPOILED_WITH_ALERT)}
    assert {f"dashboard/{rule}" for rule in shown} == set(map(dashboards.id_of, dashboards.RULES))


def test_of_the_linters_rules_each_is_kept_or_left_out_with_a_reason() -> None:
    text = dashboards.__doc__ or ""
    for subject, rules in {
        "template": ("datasource", "job", "instance", "label-promql", "on-time-change-reload"),
        "panel": ("datasource", "title-description", "units", "no-targets"),
        "target": ("logql", "logql-auto", "promql", "rate-interval", "job", "instance", "counter-agg"),
    }.items():
        assert [rule for rule in rules if f"{subject}-{rule}-rule" not in text] == []
    assert "uneditable-dashboard" in text


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda d: target(d).update(expr="("), lambda b: b.panels[0].queries[0].where("expr")),
        (lambda d: target(d, 1).update(expr="("), lambda b: b.panels[0].queries[1].where("expr")),
        (lambda d: panel(d).update(title=""), lambda b: b.panels[0].where("title")),
        (lambda d: d["panels"][0].update(id=0), lambda b: b.rows[0].where()),
        (lambda d: d.update(description=""), lambda b: b.where("description")),
    ],
    ids=["query", "second query", "title", "row", "dashboard"],
)
def test_a_problem_stands_where_the_spec_is(
    bundle: Bundle, spoil: Spoil, place: Callable[[Any], Place]
) -> None:
    assert place(bundle[0].dashboards["parcels"]) in {one.place for one in judged(bundle, spoil)}


def test_panels_of_a_folded_row_are_judged_too(bundle: Bundle) -> None:
    def fold(data: Any) -> None:
        row, inner = data["panels"]
        inner["title"] = ""
        data["panels"] = [{**row, "collapsed": True, "panels": [inner]}]

    found = [one for one in judged(bundle, fold) if one.check == "dashboard/panel-title-description-rule"]
    assert [one.place for one in found] == [bundle[0].dashboards["parcels"].panels[0].where("title")]


@pytest.mark.parametrize(
    "url",
    [
        "/d/web-overview",
        "/d/web-overview?viewPanel=2",
        "http://127.0.0.1:1/r/many_errors",
        "https://shop.example/",
    ],
)
def test_a_link_that_leads_somewhere_is_fine(bundle: Bundle, url: str) -> None:
    assert judged(bundle, link(url=url)) == []


def test_a_runbook_is_that_of_the_same_environment(tmp_path: Path) -> None:
    cellar = (BUNDLE / "config/environments/cellar.yaml").read_text("utf-8")
    attic = cellar.replace("http://127.0.0.1:1/r", "http://127.0.0.1:1/attic")
    assert attic != cellar
    outcome = compile_bundle(Request(config_dir=lay_out(tmp_path, {"config/environments/attic.yaml": attic})))
    assert outcome.project is not None
    assert list(dashboards.verify(outcome.project, outcome.files)) == []
    swapped = {**outcome.files, "attic/dashboards/web.json": outcome.files["cellar/dashboards/web.json"]}
    found = list(dashboards.verify(outcome.project, swapped))
    assert {one.check for one in found} == {"dashboard/link-rule", "dashboard/panel-runbook-rule"}
    assert any(
        "the runbooks of this environment are at http://127.0.0.1:1/attic" in one.message for one in found
    )


def test_a_legend_need_not_name_a_label_that_has_one_value(bundle: Bundle) -> None:
    def spoil(data: Any) -> None:
        failed = 'sum without (instance) (increase(http_requests_total{code="500"}[1h]))'
        target(data).update(expr=failed, legendFormat="failed")

    assert judged(bundle, spoil) == []


def test_the_proof_of_the_bundle_judges_its_dashboards(bundle: Bundle) -> None:
    project, files = bundle
    path = "cellar/dashboards/web.json"
    found = verify(project, {**files, path: files[path].replace('"editable": false', '"editable": true')})
    assert [one.check for one in found] == ["dashboard/uneditable-dashboard"]


def test_our_own_dashboards_have_no_problem() -> None:
    outcome = compile_bundle(Request(config_dir=Path("config")))
    assert outcome.project is not None
    assert list(dashboards.verify(outcome.project, outcome.files)) == []
