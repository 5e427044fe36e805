"""What is kept of a run, and where."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.observability.prelude.conftest import HEADER, NAMESPACE, TEMPLATES, Place

LOOK = {"id": "look", "run": "echo looking"}
MEND = {"id": "mend", "kind": "action", "run": "touch $PLACE/mended", "verify": "true"}
SECRETS = ["TOKEN", "DATABASE_URL", "SHORT"]


def test_every_event_is_kept_and_bound_to_the_one_before(place: Place) -> None:
    shelf = {"shelf": {"about": "where", "pattern": ".*", "default": "A1"}}
    place.write(LOOK, MEND, ALERTS=["Loud"], parameters=shelf)
    ran = place.run("--yes", "--reason", 'a "drill"\nof\tours', SUDO_USER="berta")
    lines = (ran.run / "journal.jsonl").read_text().splitlines()
    previous = ""
    for line in lines:
        assert json.loads(line)["prev"] == previous
        previous = hashlib.sha256(line.encode()).hexdigest()
    told = "run_start step_start step_end identity confirm step_start verify step_end run_end"
    assert [one["event"] for one in ran.events] == told.split()
    first, last = ran.events[0], ran.events[-1]
    expected = {
        "mode": "act",
        "dry_run": False,
        "runbook": "demo",
        "hash": "abc",
        "alerts": "Loud",
        "platform": "here",
        "operator": "berta",
        "reason": 'a "drill"\nof\tours',
        "parameter_shelf": "A1",
        "run": ran.run.name,
    }
    assert expected.items() <= first.items()
    assert last["code"] == 0
    end = ran.told("step_end")[0]
    kept = ran.run / end["file"]
    assert end["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
    assert (end["status"], end["rc"], end["attempt"], kept.read_text()) == ("ok", 0, 1, "looking\n")
    assert end["start"] <= end["time"]
    assert ran.run.stat().st_mode & 0o77 == 0


def test_events_on_standard_output(place: Place) -> None:
    ran = place.write(LOOK, MEND).run("--yes", "--json")
    assert ran.out == (ran.run / "journal.jsonl").read_text()
    assert "    looking" in ran.err


BYTES = (
    bytes(range(1, 256))
    + "äß€😀\u0800\uffff\U0010ffff".encode()
    + b"\xc3(\xed\xa0\x80\xf5\x80\x80\x80\xe2\x82 \xc0\x80\xf0\x80\x80\x80"
)


def test_any_bytes_make_a_json_string(tmp_path: Path) -> None:
    engine = (TEMPLATES / "prelude.sh").read_text()
    script = tmp_path / "quote.sh"
    script.write_text(HEADER + engine + '\nengine_quoted "$(cat bytes)"\nprintf "%s" "$REPLY"\n')
    (tmp_path / "bytes").write_bytes(BYTES)
    said = subprocess.run(["bash", script], cwd=tmp_path, capture_output=True, check=True).stdout
    assert json.loads(said.decode()) == _as_utf8(BYTES)
    assert not any(byte < 32 or byte == 127 for byte in said)


def _as_utf8(text: bytes) -> str:
    """Return what is UTF-8 as it is, and U+FFFD for each byte that is not."""
    out, at = "", 0
    while at < len(text):
        for width in (1, 2, 3, 4):
            try:
                out += text[at : at + width].decode()
            except UnicodeDecodeError:
                continue
            break
        else:
            width = 1
            out += "\ufffd"
        at += width
    return out


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_STATE_HOME": "{place}/state"}, f"state/{NAMESPACE}/runs"),
        ({}, f".local/state/{NAMESPACE}/runs"),
    ],
    ids=["as XDG says", "in the home"],
)
def test_where_a_run_is_kept_outside_of_a_checkout(
    place: Place, environment: dict[str, str], expected: str
) -> None:
    place.write(LOOK)
    place.path("root/docker-compose.yml").unlink()
    ran = place.run(**{name: value.format(place=place.folder) for name, value in environment.items()})
    assert ran.code == 0
    assert f"kept in {place.path(expected)}/" in ran.out


def test_a_folder_that_cannot_be_written_is_passed_over(place: Place) -> None:
    place.path("file").touch()
    ran = place.write(LOOK).run("--run-dir", str(place.path("file/runs")))
    assert (ran.code, f"cannot keep this run in {place.path('file/runs')}" in ran.err) == (0, True)
    assert f"kept in {place.path('root/.local/runs')}/" in ran.out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_passed_over(place: Place) -> None:
    # Where every write fails: ulimit stands for a disk that takes nothing more.
    place.write(LOOK)
    ran = subprocess.run(
        ["bash", "-c", 'trap "" XFSZ; ulimit -f 512; exec bash "$0" --only-probes', str(place.script)],
        env=place.environment, capture_output=True, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert ran.returncode == 5
    assert ran.stderr.count("cannot keep this run in") == 4
    assert list(place.path("root/.local/runs").iterdir()) == []


def test_run_dir(place: Place) -> None:
    ran = place.write(LOOK).run("--run-dir", "mine")
    assert (ran.code, len(list(place.path("mine").iterdir()))) == (0, 1)
    assert f"kept in {place.path('mine')}/" in ran.out


SAYS = 'printf \'%s\\n\' "$SAY"; printf \'%s\' "$SAY" >&2; finding "found $SAY"'


HIDDEN = [
    ("sentinel-1", "[redacted]"),
    ("a sentinel-1,sentinel-1.", "a [redacted],[redacted]."),
    ("x*?[a-z]\\&y", "x[redacted]y"),
    ("second-line", "[redacted]"),
    ("sentinel-and-more", "[redacted]"),
    ("cut: sentinel-and-m", "cut: [redacted]"),
    ("cut: sentinel-other", "cut: sentinel-other"),
    ("from-a-file", "[redacted]"),
    ("p@ss\\word", "[redacted]"),
    ("p%40ss%5Cword", "[redacted]"),
    ("p@ssword", "[redacted]"),
    ("password1", "[redacted]"),
    ("a:pass\\word", "[redacted]"),
    ("a\\:pass\\\\word", "[redacted]"),
]
ADDRESSES = "postgresql://u:p%40ss%5Cword@h/d\npostgresql://u:p@ssword@h/d\nhost=h password=password1 user=u"


def test_secrets_are_in_nothing_that_is_shown_or_kept(place: Place) -> None:
    place.path("token").write_text("from-a-file\n")
    place.path("pgpass").write_text("# a comment\nhost\\:1:5432:*:user:a\\:pass\\\\word\n")
    place.write(
        *({"id": f"s{i}", "run": f"SAY=${{SAY{i}}}; {SAYS}"} for i in range(len(HIDDEN))), SECRETS=SECRETS
    )
    says = {f"SAY{i}": say for i, (say, _) in enumerate(HIDDEN)}
    reason = "; ".join(say for say, _ in HIDDEN[:5])
    ran = place.run(
        "--json",
        "--reason",
        reason,
        TOKEN="sentinel-1\n*?[a-z]\\&\nsecond-line",
        SHORT="sentinel-and-more",
        TOKEN_FILE="token",
        DATABASE_URL=ADDRESSES,
        PGPASSFILE="pgpass",
        **says,
    )
    assert ran.code == 3, ran.err
    kept = {path.name: path.read_text() for path in ran.run.iterdir()}
    logs = [f"{i + 1:03}-s{i}.log" for i in range(len(HIDDEN))]
    assert kept.keys() == {"journal.jsonl", *logs}
    everything = ran.out + ran.err + "".join(kept.values())
    for i, (say, shown) in enumerate(HIDDEN):
        assert kept[logs[i]] == f"{shown}\n{shown}\n"
        assert f"    {shown}\n    {shown}\n  finding: found {shown}\n" in ran.err
        assert ran.told("finding")[i]["text"] == f"found {shown}"
        assert say == shown or say not in everything
    assert ran.events[0]["reason"] == "; ".join(shown for _, shown in HIDDEN[:5])


def test_what_is_no_secret_is_shown(place: Place) -> None:
    place.write({"id": "look", "run": "echo sentinel-1 abc from-a-file"}, SECRETS=SECRETS)
    ran = place.run(SHORT="abc", TOKEN_FILE="nowhere")
    assert "    sentinel-1 abc from-a-file\n" in ran.out
    assert "SHORT is shorter than 6 characters" in ran.err


def test_a_secret_at_the_cut_is_not_kept_in_part(place: Place) -> None:
    place.write({"id": "look", "run": "printf '%0262141d' 0; echo $TOKEN; echo on"})
    ran = place.run(TOKEN="sentinel-sentinel")
    text = (ran.run / "001-look.log").read_text()
    assert "sen" not in text + ran.out
    assert text.endswith("(cut at 256 KiB)\n")


def test_what_a_platform_exports_is_secret_too(place: Place) -> None:
    place.write(
        {"id": "look", "run": "echo got $TOKEN"}, library="platform_enter() { export TOKEN=sentinel-1; }"
    )
    assert "    got [redacted]\n" in place.run().out


def test_identity_and_evidence_are_redacted(place: Place) -> None:
    library = "platform_identity() { echo at $TOKEN; }; evidence_all() { echo with $TOKEN; }"
    ran = place.write(MEND, library=library, EVIDENCE=["all"]).run("--yes", TOKEN="sentinel-1")
    assert "    at [redacted]\n" in ran.out
    kept = "".join(path.read_text() for path in ran.run.iterdir())
    assert ("sentinel" in kept + ran.out + ran.err, "with [redacted]" in kept) == (False, True)
