"""What people do with the stack: look, change a rule, tend it, stop trading, in two ways."""

import json
import re
import sys

from scripts.compose_proof.command import run
from scripts.compose_proof.guide import RESTART, as_written
from scripts.compose_proof.judge import unready
from scripts.compose_proof.report import StepError
from scripts.compose_proof.stage import Stage
from scripts.drill import coverage
from scripts.drill.world import until

_REASON = "make test-compose"
# What an exchange refuses an order with, so that there is an error to be found in the log.
_REFUSED = {"code": 101204, "msg": "Order error: insufficient margin"}
_FINDING = 3  # of runbooks, by docs/runbooks.md
_SETTLED = 90.0
_POLL = 1.0


async def order(stage: Stage, message: str) -> str:
    client_id = await stage.ordered(message)
    return f"{message}: {client_id} is in the database and at the exchange"


async def refused(stage: Stage, message: str) -> str:
    await stage.world.set_fault({"reject_orders": _REFUSED})
    try:
        answer = await stage.world.send_signal(message)
    finally:
        await stage.world.clear_faults()
    state = (answer.get("order") or {}).get("state", answer["verdict"])
    if state != "rejected":
        raise StepError(f"{message}, which the exchange refuses, is {state}")
    return f"{message}: rejected"


async def watched(stage: Stage) -> str:
    """With the shipped files: every target up, every rule and alert as in its file, and evaluated."""
    files = stage.rule_files()
    faults: list[str] = []
    count = 0

    async def ready() -> bool | None:
        nonlocal count
        targets = (await stage.get("prometheus", "/api/v1/targets?state=active"))["data"]["activeTargets"]
        groups = (await stage.get("prometheus", "/api/v1/rules"))["data"]["groups"]
        count = sum(len(group["rules"]) for group in groups)
        faults[:] = unready(stage.project, files, targets, groups)
        return None if faults else True

    if await until(ready, _SETTLED, _POLL) is None:
        raise StepError(*faults)
    return f"{len(stage.project.scrape.jobs)} jobs, {count} rules and alerts"


async def diagnosis(stage: Stage) -> str:
    """It finds nothing in a stack that is well; that it finds something is proved during the outage."""
    ran = await stage.runbook("quick_diagnosis", may=(0, _FINDING))
    findings = re.findall(r"^  finding: (.*)$", ran.out, re.MULTILINE)
    if ran.code and not all("the runbook of each" in one for one in findings):
        raise StepError(*findings or [ran.said[-300:]])
    return f"ended with {ran.code}: {'; '.join(findings) or 'well'}"


async def tended(stage: Stage) -> str:
    """Only they say when that was done last. They find that there is no other host, and more."""
    for name in ("backup", "daily"):
        await stage.runbook(name, "--yes", may=(0, _FINDING))
    return "a backup was made and restored, and the daily checklist gone through"


async def reloaded(stage: Stage) -> str:
    """New files and `make reload`, which compares what is loaded; the processes stay."""
    place, scale = stage.place, f"{stage.time_scale:g}"
    out = str(place.tree / "observability" / "generated")
    before = {name: one["State"]["Pid"] for name, one in (await place.containers()).items()}
    await stage.tradewatch("generate", "--no-tools", "--time-scale", scale, "--out", out)
    await run(sys.executable, "-m", "scripts.reload", cwd=place.tree, env=place.environment, within=_SETTLED)
    after = {name: one["State"]["Pid"] for name, one in (await place.containers()).items()}
    if other := sorted(name for name in before if before[name] != after[name]):
        raise StepError(f"started anew: {', '.join(other)}")
    return f"all files made anew, {scale} times as fast, and loaded without a restart"


async def asked(stage: Stage) -> str:
    """`tradewatch check-live`; what counts over a window needs some scrapes first."""
    coverage.tell_all_passed(stage.place.home.textfile, stage.project)
    said = ""

    async def clean() -> bool | None:
        nonlocal said
        where = ["--prometheus", stage.url("prometheus"), "--time-scale", f"{stage.time_scale:g}"]
        ran = await stage.tradewatch("check-live", *where, "--format", "json", may=(0, 1))
        told = json.loads(ran.out)
        said = f"{len(told['queries'])} queries; " + "; ".join(one["message"] for one in told["problems"][:3])
        return True if ran.code == 0 else None

    if await until(clean, _SETTLED, 3 * _POLL) is None:
        raise StepError(said)
    return said.rstrip("; ")


async def restarted(stage: Stage) -> str:
    """The guide's way to stop trading: the bot trades on, as a container keeps its environment."""
    await stage.place.compose("exec", "-T", "bot", "python", "-m", "bot", "resume", "--reason", _REASON)
    if await stage.level() != 0:
        raise StepError("trading is not open, so that nothing could close it")
    if fault := await as_written(stage, RESTART):
        raise StepError(fault)
    await stage.until_well(["bot"])
    if await stage.level() != 0:
        raise StepError("the switch closed by a restart")
    return f"changed nothing: {await stage.ordered('BUY ETHUSDT 1')} was ordered"


async def emergency(stage: Stage) -> str:
    """The project's way to stop trading: proved by the script, and by a signal that becomes no order."""
    ran = await stage.runbook("emergency_stop", "--reason", _REASON)
    if await stage.level() != 1:
        raise StepError(f"the switch is at level {await stage.level()}: {ran.said[-300:]}")
    book = await stage.world.book()
    answer = await stage.world.send_signal("BUY SOLUSDT 1")
    if answer.get("order") or len(await stage.world.book()) != len(book):
        raise StepError("a signal became an order after the emergency stop")
    return f"level 1, and a signal is {answer['verdict']}"
