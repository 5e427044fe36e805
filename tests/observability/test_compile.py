"""What compiles: exceptions until their day, one environment alone, and the order of things."""

from datetime import date
from pathlib import Path

import pytest

from config.spec.load import load_project
from observability.allow import UNCONDITIONAL, owners_of
from observability.compile import Outcome, Request, compile_bundle, render_all, run_checks
from tests.bundle_of import lay_out, replaced
from tests.test_cases import CASES, files_of, split

TODAY = date(2026, 5, 1)
GUARDED, UNGUARDED = "(sum(rate(http_requests_total[10m])) > 0)", "sum(rate(http_requests_total[10m]))"
MISTAKE = replaced("config/measures.yaml", GUARDED, UNGUARDED)


def allowing(check: str = "division_guarded", of: str = "error_ratio", until: str = "2026-12-31") -> str:
    entry = f'{{check: {check}, of: {of}, until: {until}, why: "mended with the new counters"}}'
    return f"namespace: shop\ntitle: Corner Shop\nallow:\n  - {entry}\n"


def compiled(folder: Path, bundle: str, files: dict[str, str] = MISTAKE, today: date = TODAY) -> Outcome:
    config = lay_out(folder, {"config/bundle.yaml": bundle, **files})
    return compile_bundle(Request(config_dir=config, today=today))


def told(outcome: Outcome) -> list[tuple[str, int, str]]:
    found = [(p.check, p.place.line, p.message) for p in outcome.problems]
    return sorted(found)


@pytest.mark.parametrize("of", ["error_ratio", "measures/error_ratio", "measures"])
@pytest.mark.parametrize("today", [TODAY, date(2026, 12, 31)])
def test_an_exception_holds_up_to_its_day(of: str, today: date, tmp_path: Path) -> None:
    outcome = compiled(tmp_path, allowing(of=of), today=today)
    assert outcome.problems == ()
    assert outcome.files


def test_after_its_day_the_problem_is_back_and_the_exception_is_one(tmp_path: Path) -> None:
    outcome = compiled(tmp_path, allowing(), today=date(2027, 1, 1))
    assert told(outcome) == [
        (
            "allow/ended",
            4,
            "the exception of division_guarded for 'error_ratio' ended on 2026-12-31;"
            " mend the problem, or decide anew",
        ),
        ("division_guarded", 6, f"{UNGUARDED} may be 0; divide by ({UNGUARDED} > 0)"),
    ]


def test_an_exception_is_of_one_check_and_one_thing(tmp_path: Path) -> None:
    outcome = compiled(tmp_path, allowing(of="queue_length"))
    assert {check for check, _, _ in told(outcome)} == {"division_guarded", "allow/unused"}
    outcome = compiled(tmp_path, allowing(check="rate_first"))
    assert {check for check, _, _ in told(outcome)} == {"division_guarded", "allow/unused"}


@pytest.mark.parametrize(
    ("bundle", "check", "message"),
    [
        (allowing(), "allow/unused", "division_guarded finds nothing at 'error_ratio'; remove the exception"),
        (allowing(of="eror_ratio"), "allow/unused", "nothing is named 'eror_ratio'; did you mean"),
        (allowing(check="division_garded"), "allow/check", "no check named 'division_garded'; did you mean"),
        (allowing(check="reference_known"), "allow/check", "reference_known allows no exception: "),
        (allowing(until="2026-02-30"), "allow/until", "there is no day 2026-02-30"),
        (allowing(until="2027-05-03"), "allow/until", "2027-05-03 is more than a year ahead"),
        (allowing(until="tomorrow"), "schema/pattern", "'tomorrow' is not a day such as 2026-12-31"),
        (allowing().replace("mended with the new counters", " "), "schema/pattern", "' ' gives no reason"),
        (allowing().replace("why", "because"), "schema/required", "key 'why' is missing"),
    ],
)
def test_an_exception_that_cannot_stand_is_a_problem(
    bundle: str, check: str, message: str, tmp_path: Path
) -> None:
    found = [(one, text) for one, _, text in told(compiled(tmp_path, bundle, {})) if one == check]
    assert [text for _, text in found if text.startswith(message)], found


@pytest.mark.parametrize(
    ("old", "new", "name", "check", "of"),
    [
        ("- {at: 3m}", "- {at: 20m, firing: [warning]}", "alerts/web.yaml", "alert_tested", "ManyErrors"),
        ("- {at: 3m}", "- {at: 20m, firing: [warning]}", "alerts/web.yaml", "alert_tested", "web/ManyErrors"),
        ("measures: [queue_length]", "alerts: [ManyErrors]", "dashboards/web.yaml", "panel_drawn", "queue"),
        (
            "measures: [queue_length]",
            "alerts: [ManyErrors]",
            "dashboards/web.yaml",
            "panel_drawn",
            "web/queue",
        ),
        ('labels: {code: "500"}}', 'labels: {cod: "500"}}', "metrics.yaml", "metric_known", "request_failed"),
    ],
)
def test_things_of_every_kind_of_file_can_be_named(
    old: str, new: str, name: str, check: str, of: str, tmp_path: Path
) -> None:
    mistake = replaced(f"config/{name}", old, new)
    before = told(compiled(tmp_path, allowing().partition("allow")[0], mistake))
    after = told(compiled(tmp_path, allowing(check, of), mistake))
    assert check in {one for one, _, _ in before}
    assert after == [one for one in before if one[0] != check]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_whatever_may_be_allowed_is_no_hindrance_to_rendering(case: Path, tmp_path: Path) -> None:
    project, _, _ = load_project(lay_out(tmp_path, files_of(split(case.read_text("utf-8"))[1])))
    if project is not None and not {problem.check for problem in run_checks(project)} & UNCONDITIONAL:
        assert render_all(project)


def test_names_of_all_that_stands_in_files_are_known(tmp_path: Path) -> None:
    """Also of what has no name of its own, and of a file as a whole."""
    mistake = replaced("config/routing.yaml", "receiver: mail, opens", "receiver: male, opens")
    files = {**mistake, **replaced("config/environments/cellar.yaml", "  web: [", "  wob: [")}
    project, _, _ = load_project(lay_out(tmp_path, files))
    assert project is not None
    owners = owners_of(project)
    found = {problem.message: owners[problem.place] for problem in run_checks(project)}
    assert found["no receiver named 'male'; did you mean 'mail'?"] == {"routing", "digest", "routing/digest"}
    assert found["no job named 'wob'; did you mean 'web'?"] == {"cellar"}


def two_environments(folder: Path) -> Path:
    config = lay_out(folder)
    cellar = (config / "environments" / "cellar.yaml").read_text()
    (config / "environments" / "attic.yaml").write_text(cellar.replace('"127.0.0.1:9093"', '"no port"'))
    return config


def test_one_environment_is_compiled_without_the_others(tmp_path: Path) -> None:
    config = two_environments(tmp_path)
    assert told(compile_bundle(Request(config_dir=config)))
    outcome = compile_bundle(Request(config_dir=config, environment="cellar"))
    assert outcome.problems == ()
    assert "cellar/prometheus.yml" in outcome.files
    assert not any(path.startswith("attic/") for path in outcome.files)


def test_an_exception_for_another_environment_is_not_called_unused(tmp_path: Path) -> None:
    config = two_environments(tmp_path)
    (config / "bundle.yaml").write_text(allowing("measure_labels", "attic"))
    assert compile_bundle(Request(config_dir=config, environment="cellar")).problems == ()
