"""Nothing is changed that nobody confirmed."""

import pytest

from tests.observability.prelude.conftest import Place, few

LOOK = {"id": "look", "run": "echo looking"}
LOW = {"id": "low", "kind": "action", "run": "touch $PLACE/low"}
HIGH = {
    "id": "high",
    "kind": "action",
    "danger": "high",
    "confirm": "$SHELF of ${SHELF} $SHEL",
    "run": "touch $PLACE/high",
}
TARGET = "A1 of A1 $SHEL"
SHELF = {"shelf": {"about": "where", "pattern": "[A-Z][0-9]", "default": "A1"}}


@pytest.mark.parametrize(
    ("arguments", "code"),
    few(
        [
            ([], 4),
            (["--yes"], 4),
            (["--confirm", TARGET], 4),
            (["--yes", "--confirm", "A1"], 4),
            (["--yes", "--confirm", TARGET], 0),
            (["--yes", "--confirm", "B", "--confirm", TARGET], 0),
        ]
    ),
)
def test_without_a_terminal(place: Place, arguments: list[str], code: int) -> None:
    ran = place.write(LOOK, LOW, HIGH, parameters=SHELF).run(*arguments)
    assert ran.code == code
    assert (place.path("low").exists(), place.path("high").exists()) == (code == 0, code == 0)
    assert "    looking" in ran.out
    assert ("nothing was changed" in ran.err) == (code == 4)
    assert ("high needs --confirm" in ran.err) == (code == 4 and TARGET not in arguments)


def test_nothing_to_confirm_if_no_action_is_needed(place: Place) -> None:
    ran = place.write(LOOK, LOW | {"unless": "true"}).run()
    assert ran.code == 0


@pytest.mark.parametrize(
    ("answer", "code"), few([("y", 0), ("Yes", 0), ("", 4), ("n", 4), ("yo", 4), ("\x04", 4)])
)
def test_a_question_before_an_action(place: Place, answer: str, code: int) -> None:
    ran = place.write(LOW).talk(answers=[("Do it? [y/N] ", answer)])
    assert (ran.code, place.path("low").exists()) == (code, code == 0), ran.out
    assert ran.out.index("stack: here") < ran.out.index("Do it?")
    assert "operator: anna" in ran.out
    assert ran.told("confirm")[0]["typed"] == answer.replace("\x04", "")


@pytest.mark.parametrize(
    ("answer", "code"), few([(TARGET, 0), ("y", 4), ("A1 of A1", 4), (f" {TARGET}", 4), ("", 4)])
)
def test_a_target_is_typed_exactly(place: Place, answer: str, code: int) -> None:
    ran = place.write(HIGH, parameters=SHELF).talk("--yes", answers=[(f"Type {TARGET} to do it: ", answer)])
    assert (ran.code, place.path("high").exists()) == (code, code == 0), ran.out
    told = ran.told("confirm")[0]
    assert (told["target"], told["typed"]) == (TARGET, answer)


def test_an_empty_target_confirms_nothing(place: Place) -> None:
    parameters = {"shelf": {"about": "where", "pattern": ".*", "default": ""}}
    ran = place.write(HIGH | {"confirm": "$SHELF"}, parameters=parameters).talk(
        "--yes", "--confirm", "", answers=[]
    )
    assert (ran.code, place.path("high").exists()) == (4, False)


def test_yes_asks_nothing_of_low_danger(place: Place) -> None:
    ran = place.write(LOW).talk("--yes", answers=[])
    assert (ran.code, place.path("low").exists()) == (0, True)


def test_a_dry_run_never_asks(place: Place) -> None:
    manual = {"id": "call", "kind": "manual", "instructions": "call", "because": "x"}
    ran = place.write(LOW, HIGH, manual, parameters=SHELF).talk("--dry-run", answers=[])
    assert (ran.code, "Do it?" in ran.out, "Type " in ran.out, "[y/N]" in ran.out) == (0, False, False, False)


@pytest.mark.parametrize(("answer", "left"), [("y", False), ("n", True)])
def test_what_a_person_does(place: Place, answer: str, left: bool) -> None:
    manual = {"id": "call", "kind": "manual", "instructions": "call\nabout $SHELF", "because": "only you can"}
    ran = place.write(manual, LOOK, parameters=SHELF).talk(answers=[("Is it done? [y/N] ", answer)])
    assert ran.code == 0
    assert "about A1" in ran.out
    assert "only you can" in ran.out
    assert ("left for a person: Title of call" in ran.out) == left
    ran = place.run()
    assert "left for a person: Title of call" in ran.out


def test_identity_is_shown_once_and_before_the_first_action(place: Place) -> None:
    ran = place.write(LOW, LOW | {"id": "low2"}).run("--yes")
    assert ran.out.count("stack: here") == 1
    assert ran.out.index("stack: here") < ran.out.index("low: Title")
    events = [one["event"] for one in ran.events]
    assert events.index("identity") < events.index("confirm") < events.index("step_start")
