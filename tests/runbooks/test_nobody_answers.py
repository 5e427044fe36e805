"""A guard or a check that looks for nothing does not find it where nobody answers."""

import pytest
import yaml

from tests.runbooks.databases import LIBRARIES, ROOT, Desk

pytestmark = pytest.mark.stack

NOBODY = {"PGHOST": "127.0.0.1", "PGPORT": "1", "ALERTMANAGER_URL": "http://127.0.0.1:1", "PART": "end"}
EACH = (
    ("backup", "tidy", "verify"),
    ("database_corruption", "reindex", "verify"),
    ("database_maintenance", "reindex", "unless"),
    ("database_maintenance", "reindex", "verify"),
    ("load_test", "pgbench", "verify"),
    ("planned_maintenance", "speak", "unless"),
    ("planned_maintenance", "speak", "verify"),
    ("restore", "keep", "unless"),
)


@pytest.mark.parametrize(("runbook", "step", "key"), EACH)
def test_silence_is_not_taken_for_nothing(desk: Desk, runbook: str, step: str, key: str) -> None:
    told = yaml.safe_load((ROOT / "config" / "runbooks" / f"{runbook}.yaml").read_text("utf-8"))
    [found] = [one[key] for one in told["steps"] if one["id"] == step]
    text = found if isinstance(found, str) else found["run"]
    words = "; ".join(f". '{LIBRARIES / name}.sh'" for name in ("database_care", "silence"))
    said = desk.say(f"{words}\n{text}", kind="probe", DATABASE=desk.database, **NOBODY)
    assert said.code != 0, said


def test_what_the_server_does_not_tell_of_damage_speaks_against_it(desk: Desk) -> None:
    """Or the last good backup would be thinned away for the sake of space."""
    name = desk.given().name
    assert desk.say(f"backup_doubts {name}", kind="probe").out == ""
    assert (
        desk.say(f"backup_doubts {name}", kind="probe", **NOBODY).out
        == "the server does not tell of damaged pages\n"
    )
