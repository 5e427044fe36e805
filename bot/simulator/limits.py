"""How often BingX may be called: by account and endpoint, by address and group; and its two bans."""

from collections import defaultdict, deque
from dataclasses import dataclass

from bot.simulator.errors import BingXError

FIVE_MINUTES = 300_000  # milliseconds of the ban after too many requests
ERROR_SPAN = 480_000
MOST_ERRORS = 20  # of one code, within the span, from one endpoint
MARKET_GROUP = 1
_BANNED = (
    "code:{code}:The endpoint trigger frequency limit rule is currently in the disabled period "
    "and will be unblocked after {until}"
)
_TOO_WRONG = (
    "over 20 error code:{code} requests within 480000 ms for this api, "
    "please verify and fix it ,can retry after time: {until}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What an endpoint allows: calls of an account in a second, and the group it shares with others."""

    name: str
    per_second: int
    group: int


class Limits:
    """Counts always, refuses only when `enforced`; a ban that was set by hand holds either way."""

    def __init__(self) -> None:
        self.enforced = False
        self.bans: dict[str, tuple[int, str]] = {}  # until when, and what is said
        self._calls: defaultdict[str, deque[int]] = defaultdict(deque)

    def take(self, quota: Quota, now: int, code: int) -> dict[str, str]:
        """Count a call and return the headers that tell of it; raises the refusal of one too many."""
        until, text = self.bans.get(quota.name, (0, ""))
        if now < until:
            raise BingXError(code, text)
        told, full = (0, 0), False
        for key, most, span in _windows(quota):
            calls = self._count(key, now, span)
            full = full or len(calls) > most
            told = told if told[1] else (max(most - len(calls), 0), calls[0] + span)
        if full and self.enforced:
            self.ban(quota.name, now + FIVE_MINUTES, code)
            raise BingXError(code, self.bans[quota.name][1])
        return {"X-RateLimit-Requests-Remain": str(told[0]), "X-RateLimit-Requests-Expire": str(told[1])}

    def ban(self, name: str, until: int, code: int) -> None:
        self.bans[name] = (until, _BANNED.format(code=code, until=until))

    def failed(self, quota: Quota, code: int, now: int) -> None:
        """Too many refusals of one kind close the endpoint, also for the calls that would be good."""
        calls = self._count(f"{quota.name} {code}", now, ERROR_SPAN)
        if len(calls) > MOST_ERRORS and self.enforced:
            until = calls[0] + ERROR_SPAN
            self.bans[quota.name] = (until, _TOO_WRONG.format(code=code, until=until))

    def _count(self, key: str, now: int, span: int) -> deque[int]:
        """The calls of the last `span` milliseconds, with this one."""
        calls = self._calls[key]
        while calls and calls[0] <= now - span:
            calls.popleft()
        calls.append(now)
        return calls


def _windows(quota: Quota) -> list[tuple[str, int, int]]:
    """Name, calls and milliseconds of each window in which the call counts; the narrowest first."""
    group = f"group {quota.group}"
    if quota.group == MARKET_GROUP:
        return [(group, 500, 10_000), (f"{group} minute", 1000, 60_000)]
    return [
        (f"{quota.name} account", quota.per_second, 1000),
        (f"{quota.name} address", 300, 10_000),
        (group, 2000, 10_000),
    ]
