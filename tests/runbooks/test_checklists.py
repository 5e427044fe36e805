"""The checklists: what is well, what is not, and that Prometheus hears of both."""

import os
import re
from pathlib import Path

import pytest

from tests.runbooks.databases import LIBRARIES, ROOT, TEMPLATES, Cluster, Desk, Said, run
from tests.runbooks.stage import playing

LISTS = ("daily", "weekly", "monthly")
WORDS = ("platform", "bot", "database", "backup", "prove", "monitoring", "review", "audit", "checklist")


def say(desk: Desk, text: str, *, kind: str = "probe", **variables: str) -> Said:
    """Words of checklists, in a step of a run of which `journal` tells."""
    sources = [TEMPLATES / "json.sh", TEMPLATES / "prelude.sh", *(LIBRARIES / f"{one}.sh" for one in WORDS)]
    given = "; ".join(f". '{one}'" for one in sources)
    state = f"RUNBOOK_STEP_KIND={kind} RUNBOOK_DEADLINE=$(($(date +%s) + 60)) TRADEWATCH_ROOT='{ROOT}'"
    findings = desk.folder / "step.findings"
    findings.unlink(missing_ok=True)
    words = ["bash", "-Eeuo", "pipefail", "-O", "inherit_errexit", "-c", f"{given}; export {state}; {text}"]
    done = run(words, {**desk.variables(), "RUNBOOK_FINDINGS": str(findings), **variables})
    found = tuple(findings.read_text().splitlines()) if findings.exists() else ()
    return Said(code=done.code, out=done.out, err=done.err, findings=found)


def journal(desk: Desk, *events: str, mode: str = "act") -> None:
    lines = [f'"event":"run_start","mode":"{mode}"', *events]
    text = "".join(f'{{"run":"r","time":"t",{line},"prev":"x"}}\n' for line in lines)
    (desk.folder / "journal.jsonl").write_text(text)


WELL = '"event":"step_end","step":"pool","status":"ok"'
FOUND = '"event":"finding","step":"log","text":"the log has 3 errors"'
FOUND_END = '"event":"step_end","step":"log","status":"finding"'
FAILED = '"event":"step_end","step":"orders","status":"failed"'


def test_the_report_says_what_is_well_and_what_is_not(desk: Desk) -> None:
    journal(desk, WELL, FOUND, FOUND_END, FAILED)
    told = say(desk, "checklist_report")
    assert told.out.splitlines() == [
        "well: pool",
        "not well: log: the log has 3 errors",
        "not well: orders: could not be done",
    ]
    assert told.findings == ("log: the log has 3 errors", "orders: could not be done")
    # They stand in the run already if nothing followed that counts as mending them.
    journal(desk, WELL, FOUND, FOUND_END, mode="only-probes")
    assert say(desk, "checklist_report").findings == ()
    journal(desk, WELL)
    assert say(desk, "checklist_report").out == "well: pool\n"


def test_prometheus_hears_when_it_ran_and_what_it_found(desk: Desk) -> None:
    journal(desk, WELL, FOUND, FOUND_END, FAILED)
    assert say(desk, "checklist_is_told weekly").code == 1
    told = say(desk, "checklist_tell weekly", kind="action")
    assert told.code == 0, told.err
    text = (desk.folder / "textfile" / "checklist_weekly.prom").read_text()
    assert 'checklist_findings{checklist="weekly"} 2' in text
    assert 'checklist_period_seconds{checklist="weekly"} 604800' in text
    assert re.search(r'^checklist_last_run_timestamp_seconds{checklist="weekly"} \d{10}$', text, re.MULTILINE)
    assert say(desk, "checklist_is_told weekly").code == 0
    assert say(desk, "checklist_tell weekly").code == 1, "a probe may not write it"
    nobody = say(desk, "checklist_tell weekly", kind="action", TEXTFILE_DIR="/nowhere")
    assert "no alert hears of this checklist" in nobody.findings[0]


def test_overdue_is_what_the_alert_calls_so(desk: Desk) -> None:
    now = int(run(["date", "+%s"], dict(os.environ)).out)
    for name, days in (("daily", 1.3), ("weekly", 8.0), ("monthly", 30.0)):
        file = desk.folder / "textfile" / f"checklist_{name}.prom"
        stamp = f'checklist_last_run_timestamp_seconds{{checklist="{name}"}} {now - int(days * 86400)}\n'
        file.write_text(f'{stamp}checklist_findings{{checklist="{name}"}} 4\n')
    assert say(desk, "checklists_overdue").out == "daily\n"
    assert "weekly: 192 hours ago, findings: 4" in say(desk, "checklists_told").out
    (desk.folder / "textfile" / "checklist_monthly.prom").unlink()
    assert say(desk, "checklists_overdue").out == "daily\nmonthly\n"


def test_secrets_that_others_may_read_are_named_and_never_shown(desk: Desk) -> None:
    folder = desk.folder / "secrets"
    folder.mkdir(mode=0o700)
    file = folder / "admin_token"
    file.write_text("not-to-be-seen\n")
    file.chmod(0o644)
    given = {"ADMIN_TOKEN_FILE": str(file)}
    assert say(desk, "audit_secrets", **given).findings == ()
    folder.chmod(0o755)
    told = say(desk, "audit_secrets", **given)
    assert told.findings == (f"others may read {file}: chmod 600",)
    file.chmod(0o666)
    assert say(desk, "audit_secrets", **given).findings == (f"others may change {file}: chmod 600",)
    file.chmod(0o600)
    told = say(
        desk, "audit_secrets", **given, TELEGRAM_BOT_TOKEN="not-to-be-seen", BINGX_API_KEY_FILE="/gone"
    )
    assert told.findings == (
        "BINGX_API_KEY_FILE is to be in /gone, and there is no such file",
        "the secret TELEGRAM_BOT_TOKEN stands in a variable and not in a file",
    )
    assert "not-to-be-seen" not in told.out + told.err


def test_a_control_directory_that_everybody_may_change_is_named(desk: Desk) -> None:
    control = desk.folder / "shared" / "control"
    control.mkdir(parents=True)
    control.chmod(0o777)
    control.parent.chmod(0o755)
    told = say(desk, f"audit__control '{control}'")
    assert told.findings == (f"everybody may write into {control}, and take the file HALT away: chmod o-w",)
    # As in containers, where the bot is another user than who owns the checkout.
    control.parent.chmod(0o700)
    assert say(desk, f"audit__control '{control}'").findings == ()
    control.parent.chmod(0o755)
    control.chmod(0o755)
    assert say(desk, f"audit__control '{control}'").findings == ()


def test_an_old_backup_and_none_are_found(desk: Desk) -> None:
    assert "no backup was ever restored" in say(desk, "review_backup 26").findings[0]
    path = desk.given()
    (path / "verified").touch()
    assert say(desk, "review_backup 100000").findings == ()
    assert "hours old" in say(desk, "review_backup -1").findings[0]


def test_orders_that_did_not_reach_the_book_are_found(desk: Desk) -> None:
    assert say(desk, "review_orders").findings == ()
    desk.sql("UPDATE orders SET state = 'rejected', filled_quantity = 0, reason = 'x' WHERE id % 5 = 0")
    assert re.match(r"of 300 orders of a day 60 did not", say(desk, "review_orders").findings[0])


@pytest.mark.parametrize("name", LISTS)
def test_little_is_left_for_a_person_and_the_end_tells(name: str) -> None:
    said = run([str(ROOT / "runbooks" / f"{name}.sh"), "--list"], dict(os.environ)).out.splitlines()
    kinds = [line.split()[1] for line in said]
    assert kinds.count("manual") * 4 <= len(kinds)
    assert [line.split()[0] for line in said[-2:]] == ["tell", "report"]


@pytest.mark.stack
async def test_the_daily_list_of_a_well_and_of_a_sick_stack(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "textfile").mkdir()
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "bot.log").write_text("")
    own = {"TEXTFILE_DIR": str(tmp_path / "textfile"), "BACKUP_DIR": str(tmp_path / "backups")}
    metric = tmp_path / "textfile" / "checklist_daily.prom"
    async with playing(cluster, tmp_path) as stage:
        well = await stage.run("daily", "--yes", **own)
        assert "well: exchange" in well.out, well.out
        assert "well: orders" in well.out
        # There is no Prometheus here, and no backup.
        assert well.code == 3
        assert "not well: alerts: could not be done" in well.out
        assert any(text.startswith("backup: no backup was ever") for text in well.findings)
        before = count(metric)
        stage.fail(http_status=502)
        (tmp_path / "log" / "bot.log").write_text(LINE)
        sick = await stage.run("daily", "--yes", **own)
        assert (
            "exchange: the exchange does not answer from here: runbooks/exchange_api_down.sh" in sick.findings
        )
        assert "log: the log has 1 errors within 24 hours" in sick.findings
        assert count(metric) > before


LINE = '{"time": "2999-01-01T00:00:00Z", "level": "error", "event": "a bug ended the bot"}\n'


def count(metric: Path) -> int:
    found = re.search(r"^checklist_findings{.*} (\d+)$", metric.read_text(), re.MULTILINE)
    assert found
    return int(found[1])
