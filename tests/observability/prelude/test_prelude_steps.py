"""How steps run, and what their ends mean."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from tests.observability.prelude.conftest import Place

MEND = {"id": "mend", "kind": "action", "run": "touch $PLACE/mended"}
UNDONE = {"undo": "echo undoing $RUNBOOK_STEP_KIND"}


VERDICTS = [
    ({"run": "echo fine"}, 0, "  ok"),
    ({"run": "false; echo went on"}, 1, "failed with 1"),
    ({"run": "x=$(false; echo went on)"}, 1, "failed with 1"),
    ({"run": "false | cat"}, 1, "failed with 1"),
    ({"run": "echo $NOTHING_LIKE_IT"}, 1, "failed"),
    ({"run": "exit 43"}, 1, "failed with 43"),
    ({"run": "fail so it is"}, 1, "    so it is"),
    ({"run": "finding it is bad; echo went on"}, 3, "finding: it is bad"),
    (
        {"run": "echo x | while read -r _; do finding in a pipe; done; (finding in a subshell)"},
        3,
        "finding: in a subshell",
    ),
    ({"run": "finding first; false"}, 1, "finding: first"),
    ({"run": "sleep 9", "timeout": "0.2"}, 124, "stopped after 0.2 s"),
    ({"run": "exec sleep 9", "timeout": "0.2"}, 124, "stopped after 0.2 s"),
    ({"run": "kill -KILL $$"}, 124, "stopped"),
    ({"run": "read -r x || echo nothing to read"}, 0, "nothing to read"),
    ({"run": "echo 5", "matches": "^0$", "finding": "not nought"}, 3, "finding: not nought"),
    ({"run": "echo a; echo 0; echo b", "matches": "^0$", "finding": "not nought"}, 0, "  ok"),
    (
        {"run": "echo bad thing", "lacks": "bad|worse", "finding": "bad is there"},
        3,
        "finding: bad is there",
    ),
    ({"run": "echo good", "lacks": "bad|worse", "finding": "bad is there"}, 0, "  ok"),
    ({"run": "exit 7", "matches": "^0$", "finding": "not nought"}, 1, "failed with 7"),
    ({"run": "needs_action service_stop"}, 1, "service_stop changes something"),
    ({"run": "[[ $RUNBOOK_STEP_KIND == probe ]]; left_seconds", "timeout": "60"}, 0, "    6"),
]
STATUS = {0: "ok", 1: "failed", 3: "finding", 124: "late"}


def test_verdicts(place: Place) -> None:
    """Each is a step of one run, because probes that fail go on."""
    ran = place.write(*({"id": f"s{i}"} | step for i, (step, _, _) in enumerate(VERDICTS))).run()
    ends = {one["step"]: one["status"] for one in ran.told("step_end")}
    for i, (step, code, text) in enumerate(VERDICTS):
        said = ran.out.partition(f"\ns{i}: ")[2].partition("\ns")[0]
        assert (ends[f"s{i}"], text in said) == (STATUS[code], True), said
        assert ("went on" in said) == ("finding it is bad" in step["run"])
    # The worst of them is the run's.
    assert ran.code == 124


@pytest.mark.parametrize(("run", "code"), [("true", 0), ("false", 1), ("finding it", 3)])
def test_the_verdict_is_the_code(place: Place, run: str, code: int) -> None:
    assert place.write({"id": "look", "run": run}).run().code == code


def test_the_arguments_of_a_step_tell_only_its_name(place: Place) -> None:
    place.write({"id": "look", "run": "tr '\\0' ' ' </proc/$PPID/cmdline"})
    words = place.run().out.split("timeout -k 5")[1].splitlines()[0]
    assert words.split()[-2:] == ["-c", "step_look"]


def test_a_failed_probe_goes_on_and_a_failed_action_does_not(place: Place) -> None:
    place.write({"id": "look", "run": "false"}, MEND | {"run": "false"}, {"id": "later", "run": "echo later"})
    ran = place.run("--yes")
    assert (ran.code, "Title of mend" in ran.out, "    later" in ran.out) == (1, True, False)


def test_what_follows_a_failure_can_be_chosen(place: Place) -> None:
    last = {"id": "later", "run": "echo later"}
    ran = place.write({"id": "look", "run": "false", "on_failure": "abort"}, last).run()
    assert (ran.code, "    later" in ran.out) == (1, False)
    ran = place.write(MEND | {"run": "false", "on_failure": "continue"}, last).run("--yes")
    assert (ran.code, "    later" in ran.out) == (1, True)


@pytest.mark.parametrize(("done", "code"), [("true", 0), ("finding it mended half", 3), ("false", 1)])
def test_findings_before_the_last_completed_action_are_mended(place: Place, done: str, code: int) -> None:
    place.write({"id": "look", "run": "finding it is bad"}, MEND | {"run": done})
    ran = place.run("--yes")
    assert ran.code == code
    end = ran.out.split("Title of mend")[1]
    assert ("finding: it is bad" in end) == (done == "false")


@pytest.mark.parametrize(
    ("look", "code"),
    [
        ({"run": "false"}, 0),
        ({"run": "sleep 60", "timeout": "0.05"}, 0),
        ({"kind": "action", "run": "false"}, 1),
    ],
)
def test_what_could_not_be_looked_at_before_it_was_mended_counts_no_more(
    place: Place, look: dict[str, str], code: int
) -> None:
    first = {"id": "look", "on_failure": "continue", **look}
    assert place.write(first, MEND).run("--yes").code == code
    assert place.write(MEND, first).run("--yes").code != 0


def test_what_an_action_says_of_itself_is_not_mended_by_the_next(place: Place) -> None:
    ran = place.write(MEND | {"run": "finding half of it"}, MEND | {"id": "more"}).run("--yes")
    assert (ran.code, ran.out.splitlines()[-3]) == (3, "finding: half of it")


def test_a_finding_after_the_last_action_counts(place: Place) -> None:
    assert place.write(MEND, {"id": "look", "run": "finding it is bad"}).run("--yes").code == 3


def test_guard(place: Place) -> None:
    place.write(MEND | {"unless": "echo guarding $RUNBOOK_STEP_KIND; true", "run": "echo running"})
    ran = place.run()
    assert (ran.code, "not needed" in ran.out, "running" in ran.out) == (0, True, False)
    assert "guarding probe" in ran.out
    assert ran.told("step_end")[0]["status"] == "skipped"
    for guard in ("false", "finding not so", "needs_action x"):
        assert "    running" in place.write(MEND | {"unless": guard, "run": "echo running"}).run("--yes").out


@pytest.mark.parametrize(("needed", "attempts", "code"), [(3, "3", 0), (3, "2", 1)])
def test_verify_is_tried_so_often(place: Place, needed: int, attempts: str, code: int) -> None:
    verify = f"echo x >>$PLACE/tries; (($(wc -l <$PLACE/tries) >= {needed}))"
    place.write(
        MEND | {"verify": verify, "verify_attempts": attempts, "verify_every": "0.01", "verify_timeout": "5"}
    )
    ran = place.run("--yes")
    assert ran.code == code
    assert [one["status"] for one in ran.told("verify")] == ["failed"] * (int(attempts) - 1) + [
        "failed" if code else "ok"
    ]
    assert place.path("tries").read_text() == "x\n" * int(attempts)


def test_rollback_undoes_the_last_first_and_the_failed_one_too(place: Place) -> None:
    place.write(
        MEND | {"id": "one", "undo": "echo undo one $RUNBOOK_STEP_KIND; needs_action it"},
        MEND | {"id": "two", "undo_not": "nobody can"},
        MEND | {"id": "three", "run": "false", "on_failure": "rollback", "undo": "echo undo three"},
        {"id": "later", "run": "echo later"},
    )
    ran = place.run("--yes")
    assert ran.code == 7
    assert (
        ran.out.index("    undo three")
        < ran.out.index("two stays: nobody can")
        < ran.out.index("    undo one undo")
    )
    assert "    later" not in ran.out
    assert [(one["step"], one["status"]) for one in ran.told("undo")] == [
        ("three", "ok"),
        ("two", "stays"),
        ("one", "ok"),
    ]


def test_a_rollback_that_fails_goes_on_and_says_it(place: Place) -> None:
    place.write(
        MEND | {"id": "one", "undo": "echo undo one"},
        MEND | {"id": "two", "undo": "exit 9"},
        {"id": "look", "run": "false", "on_failure": "rollback"},
    )
    ran = place.run("--yes")
    assert (ran.code, "undoing two failed with 9" in ran.out, "    undo one" in ran.out) == (8, True, True)


def test_an_action_that_took_too_long_is_rolled_back_if_so_said(place: Place) -> None:
    slow = MEND | {"run": "sleep 9", "timeout": "0.2", "undo": "echo undone"}
    assert place.write(slow).run("--yes").code == 124
    ran = place.write(slow | {"on_failure": "rollback"}).run("--yes")
    assert (ran.code, "    undone" in ran.out) == (7, True)


def test_resolved_is_asked_until_it_is_no_finding(place: Place) -> None:
    text = "echo x >>$PLACE/tries; (($(wc -l <$PLACE/tries) >= 2)) || finding not over"
    over = {"id": "resolved", "kind": "resolved", "run": text, "verify_attempts": "3", "verify_every": "0.01"}
    assert place.write(over).run().code == 0
    assert place.path("tries").read_text() == "x\nx\n"
    never = over | {"run": "finding not over"}
    assert place.write(never).run().code == 9
    assert place.write(never).run("--only-probes").code == 3
    assert place.write(never).run("--dry-run").code == 3
    assert place.write(over | {"run": "fail no answer"}).run().code == 1


def test_a_process_that_a_step_leaves_behind_holds_nothing_up(place: Place) -> None:
    place.write(
        {"id": "look", "run": "setsid sleep 60 & echo $! >$PLACE/left; echo on"},
        {"id": "b", "run": "echo later"},
    )
    ran = place.run()
    assert (ran.code, "    later" in ran.out) == (0, True)
    left = int(place.path("left").read_text())
    os.kill(left, signal.SIGKILL)  # it was still there


def test_output_is_capped_and_says_so(place: Place) -> None:
    place.write({"id": "look", "run": "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo on >&2; exit 5"})
    ran = place.run()
    kept = next(ran.run.glob("*look.log")).read_text()
    assert (ran.code, kept[-16:], len(kept) < 263000) == (1, "cut at 256 KiB)\n", True)
    lines = place.write(
        {"id": "look", "run": "for ((i = 0; i < 4000; i++)); do printf '%0100d\\n' 7; done"}
    ).run()
    assert lines.code == 0
    kept = next(lines.run.glob("*look.log")).read_text()
    assert kept.endswith("(cut at 256 KiB)\n")
    assert 250000 < len(kept) < 263000


def test_what_would_move_the_cursor_is_not_shown(place: Place) -> None:
    ran = place.write({"id": "look", "run": "printf 'a\\033[2Jb\\tc\\r\\n'"}).run()
    assert "    a?[2Jb\tc?\n" in ran.out


def test_evidence_before_and_after(place: Place) -> None:
    library = "evidence_good() { cat $PLACE/mended || :; }; evidence_bad() { echo half; exit 4; }"
    place.write(MEND, EVIDENCE=["good", "bad"], library=library)
    ran = place.run("--yes")
    assert ran.code == 0
    assert [(one["when"], one["name"], one["rc"]) for one in ran.told("evidence")] == [
        ("before", "good", 0),
        ("before", "bad", 4),
        ("after", "good", 0),
        ("after", "bad", 4),
    ]
    assert "evidence bad is incomplete: it ended with 4" in ran.out
    before, after = sorted(ran.run.glob("*-good.log"), key=lambda path: path.name)
    assert ("No such file" in before.read_text(), after.read_text()) == (True, "")


class _Prometheus(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, object]] = {}

    def do_GET(self) -> None:
        query = parse_qs(self.path.partition("?")[2])["query"][0]
        body = json.dumps(self.answers.get(query, {"status": "error", "error": "no such thing"})).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_words_that_ask_prometheus(place: Place) -> None:
    series = [{"metric": {"job": "a b"}, "value": [1, "2"]}, {"metric": {}, "value": [1, "NaN"]}]
    _Prometheus.answers = {
        "up > 1": {"status": "success", "data": {"resultType": "vector", "result": series}},
        "none": {"status": "success", "data": {"resultType": "vector", "result": []}},
        "1 + 1": {"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}},
    }
    server = HTTPServer(("127.0.0.1", 0), _Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        steps = [
            {
                "id": "series",
                "run": "prometheus_query 'up > 1'; prometheus_query none; prometheus_query '1 + 1'",
            },
            {"id": "over", "run": "alert_is_over Quiet warning none"},
            {"id": "wrong", "run": "prometheus_query 'wrong('; echo went on"},
            {"id": "resolved", "kind": "resolved", "run": "alert_is_over Loud critical 'up > 1'"},
        ]
        ran = place.write(*steps).run("--only-probes", PROMETHEUS_URL=url)
    finally:
        server.shutdown()
        server.server_close()
    assert '    {"job":"a b"}\t2\n    {}\tNaN\n    {}\t2\n' in ran.out
    assert 'finding: Loud (critical) is still true: {"job":"a b"} is 2\n' in ran.out
    assert "Prometheus does not answer the query: no such thing" in ran.out
    assert "went on" not in ran.out
    assert [one["status"] for one in ran.told("step_end")] == ["ok", "ok", "failed", "finding"]


def test_a_prometheus_that_does_not_answer_is_no_sign_of_health(place: Place) -> None:
    place.write({"id": "resolved", "kind": "resolved", "run": "alert_is_over Loud critical up"})
    ran = place.run(PROMETHEUS_URL="http://127.0.0.1:1")
    assert (ran.code, "Prometheus does not answer" in ran.out) == (1, True)
