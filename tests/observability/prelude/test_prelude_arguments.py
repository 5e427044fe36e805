"""What a runbook script takes, and what it shows without running anything."""

from collections.abc import Callable

import pytest

from tests.observability.prelude.conftest import LEFT_OUT, NAMESPACE, Place, few

PROBE = {"id": "look", "run": "touch $PLACE/looked"}
ACTION = {
    "id": "mend",
    "kind": "action",
    "run": "touch $PLACE/mended",
    "unless": "echo asked the guard; false",
    "undo": "rm $PLACE/mended",
    "danger": "high",
    "confirm": "the $SHELF of $HOME",
}
SHELF = {"shelf": {"about": "where", "pattern": "[A-Z][0-9]", "default": "A1"}}


def test_all_that_is_wrong_is_said_at_once(place: Place) -> None:
    place.write(PROBE, parameters=SHELF)
    ran = place.run(
        "--what", "--set", "nothing", "--set", "x=1", "--set", "shelf=a1", "--step", "no", "--from", "look"
    )
    assert ran.code == 2
    assert ran.out == ""
    for text in (
        "no such flag: --what",
        "--set needs NAME=VALUE: nothing",
        "no such parameter: x",
        "--set shelf (where): must match [A-Z][0-9]",
        "--step: no such step: no (look)",
        "--step cannot go with --from",
    ):
        assert text in ran.err
    assert not place.path("looked").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    few(
        [
            (["--step"], "--step needs a value"),
            (["--plan", "--dry-run"], "--dry-run cannot go with --plan"),
            (["--resume", "--set", "shelf=A2"], "no --set"),
            (["--resume", "--platform", "here"], "no --platform"),
            (["--resume", "--dry-run"], "cannot go with --dry-run"),
            (["--resume", "--from", "look"], "cannot go with --from"),
            (["--reason", "a", "--reason", "b"], "--reason stands twice"),
            (["--yes=no"], "no such flag: no"),
            (["word"], "no such flag: word"),
        ]
    ),
)
def test_wrong_arguments(place: Place, arguments: list[str], text: str) -> None:
    ran = place.write(PROBE, parameters=SHELF).run(*arguments)
    assert (ran.code, text in ran.err) == (2, True), ran.err


def test_a_parameter_without_default_must_be_given(place: Place) -> None:
    place.write(
        {"id": "look", "run": "echo at $SHELF"}, parameters={"shelf": {"about": "where", "pattern": ".+"}}
    )
    assert (place.run("--list").code, place.run("--plan").code) == (0, 0)
    missing = place.run("--only-probes")
    assert (missing.code, "--set shelf=… must be given" in missing.err) == (2, True)
    assert "    at B=2\n" in place.run("--only-probes", "--set=shelf=B=2").out


def test_list_plan_and_help_run_nothing(place: Place) -> None:
    place.write(PROBE, ACTION, library="platform_detect() { touch $PLACE/detected; }", parameters=SHELF)
    before = sorted(place.folder.iterdir())
    listed, plan, told = place.run("--list"), place.run("--plan"), place.run("--help")
    assert (listed.code, plan.code, told.code) == (0, 0, 0)
    assert [line.split()[:2] for line in listed.out.splitlines()] == [["look", "probe"], ["mend", "action"]]
    for text in ("touch $PLACE/looked", "touch $PLACE/mended", "echo asked the guard", "rm $PLACE/mended"):
        assert text in plan.out
    assert "to be typed: the A1 of $HOME\n" in plan.out
    assert "--only-probes" in told.out
    assert "shelf" in told.out
    assert sorted(place.folder.iterdir()) == before


def test_plan_of_one_platform_has_only_its_form(place: Place) -> None:
    place.write({"id": "look", "on_here": "echo one", "on_there": "echo two"})
    both, one = place.run("--plan").out, place.run("--plan", "--platform", "here").out
    assert ("echo one" in both, "echo two" in both) == (True, True)
    assert ("echo one" in one, "echo two" in one) == (True, False)


def test_dry_run_probes_asks_guards_and_prints_actions(place: Place) -> None:
    place.write(
        PROBE,
        ACTION,
        {"id": "call", "kind": "manual", "instructions": "call them", "because": "x"},
        parameters=SHELF,
    )
    ran = place.run("--dry-run")
    assert ran.code == 0, ran.err
    assert place.path("looked").exists()
    assert not place.path("mended").exists()
    assert "    asked the guard\n" in ran.out
    for text in ("touch $PLACE/mended", "rm $PLACE/mended", "danger: high", "the A1 of $HOME", "call them"):
        assert text in ran.out
    assert "left for a person: Title of call" in ran.out
    assert ran.events[0]["dry_run"] is True


def test_only_probes_runs_probes_alone(place: Place) -> None:
    place.write(
        PROBE, ACTION, EVIDENCE=["x"], library="evidence_x() { touch $PLACE/evidence; }", parameters=SHELF
    )
    ran = place.run("--only-probes")
    assert ran.code == 0
    assert place.path("looked").exists()
    assert "mend" not in ran.out
    assert "asked the guard" not in ran.out
    assert not place.path("evidence").exists()


def test_step_and_from(place: Place) -> None:
    place.write(*({"id": name, "run": f"echo it is {name}"} for name in ("a", "b", "c")))
    assert [line for line in place.run("--step", "b").out.splitlines() if "it is" in line] == ["    it is b"]
    assert [line for line in place.run("--from", "b").out.splitlines() if "it is" in line] == [
        "    it is b",
        "    it is c",
    ]


def test_xtrace_is_refused(place: Place) -> None:
    place.write(PROBE).script.write_text(place.script.read_text().replace("\nmain ", "\nset -x\nmain "))
    ran = place.run()
    assert (ran.code, "set -x" in ran.err, place.path("looked").exists()) == (5, True, False)


@pytest.mark.parametrize(
    ("found", "arguments", "variable", "code", "text"),
    few(
        [
            ("echo here", [], "", 0, "on here"),
            ("echo here; echo there", [], "", 5, "more than one platform: here, there"),
            (":", [], "", 5, "found no platform"),
            ("exit 1", [], "", 5, "found no platform"),
            ("echo elsewhere", [], "", 5, "no such platform here: elsewhere"),
            ("echo here", ["--platform", "there"], "", 0, "on there"),
            ("echo here", ["--platform", "moon"], "", 5, "no such platform here: moon (here there)"),
            ("exit 1", [], "there", 0, "on there"),
            ("exit 1", ["--platform", "here"], "there", 0, "on here"),
        ]
    ),
)
def test_platform(
    place: Place, found: str, arguments: list[str], variable: str, code: int, text: str
) -> None:
    place.write({"id": "look", "run": "echo on $STACK"}, library=f"platform_detect() {{ {found}; }}")
    ran = place.run("--only-probes", *arguments, **{f"{NAMESPACE.upper()}_PLATFORM": variable})
    assert (ran.code, text in ran.out + ran.err) == (code, True), ran.out + ran.err


def test_a_platform_that_cannot_be_entered(place: Place) -> None:
    ran = place.write(PROBE, library="platform_enter() { echo it is closed >&2; return 1; }").run(
        "--only-probes"
    )
    assert (ran.code, "it is closed" in ran.err, place.path("looked").exists()) == (5, True, False)


def test_a_step_without_a_form_says_so_and_goes_on(place: Place) -> None:
    place.write(
        {"id": "a", "on_there": "echo no"}, {"id": "b", "run": "echo generic", "on_here": "echo special"}
    )
    ran = place.run()
    assert (ran.code, "has no form for here" in ran.out) == (0, True)
    assert "    special" in ran.out
    assert "generic" not in ran.out


def test_colours_only_on_a_terminal_that_has_them(place: Place) -> None:
    place.write(PROBE)
    assert "\x1b" not in place.run().out
    assert "\x1b[1m" in place.talk(answers=[]).out
    for arguments, environment in (([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"}), (["--no-color"], {})):
        assert "\x1b" not in place.talk(*arguments, answers=[], **environment).out


def test_what_is_left_out(record_property: Callable[[str, object], None]) -> None:
    record_property("sampled", f"{sum(LEFT_OUT)} cases of the prelude left out, PRELUDE_COUNT=999 for all")
