"""An outage of the exchange and a frozen exporter at once: pages, mails, and the runbook that ends it."""

import asyncio

from scripts.compose_proof.judge import untold
from scripts.compose_proof.report import StepError
from scripts.compose_proof.stage import Stage

_CRITICAL, _WARNING = "ExchangeAPIDown", "TargetDown"
_FROZEN = "postgres-exporter"
_CAUSE = "cause: the exchange is down: what stands before it answers for it"
_FOUND = "the exchange does not answer from here"
_FINDING = 3
# In life, from the fault to the message: window of the measure, `for`, wait for the group; and as much again.
_PATIENCE = 1200.0
WANTED = (
    (_CRITICAL, "critical", "pagerduty"),
    (_CRITICAL, "critical", "sns"),
    (_WARNING, "warning", "email"),
)


async def incident(stage: Stage) -> str:
    """Both faults, until both alerts reached the sink; mended, until both are told to be over."""
    after = await stage.world.latest()
    await stage.world.set_fault({"http_status": 502})
    await stage.place.compose("pause", _FROZEN)
    try:
        probes = await stage.runbook("exchange_api_down", "--only-probes", may=(_FINDING,))
        if _CAUSE not in probes.out:
            raise StepError(f"the runbook does not name the cause: {probes.said[-300:]}")
        diagnosis = await stage.runbook("quick_diagnosis", may=(_FINDING,))
        if _FOUND not in diagnosis.out:
            raise StepError(f"the quick diagnosis does not find it: {diagnosis.said[-300:]}")
        mending = asyncio.create_task(stage.runbook("exchange_api_down", "--yes", "--set", "good=3"))
        try:
            await _told(stage, after, "firing")
        except BaseException:
            mending.cancel()
            raise
    finally:
        await stage.world.clear_faults()
        await stage.place.compose("unpause", _FROZEN)
    await mending
    await _told(stage, after, "resolved")
    if await stage.level() != 1:
        raise StepError("the runbook did not stop new entries")
    return "the probes named the cause; page, SMS and mail came, and their end; the runbook ended well"


async def _told(stage: Stage, after: int, status: str) -> None:
    wanted = [(*one, status) for one in WANTED]

    async def wait(alert: str, channel: str) -> None:
        within = _PATIENCE / stage.time_scale
        await stage.world.notification(
            within, alertname=alert, channel=channel, status=status, after=str(after)
        )

    await asyncio.gather(*(wait(alert, channel) for alert, _, channel, _ in wanted))
    if faults := untold([one for one in await stage.world.notifications() if one["id"] > after], wanted):
        raise StepError(*faults)
