"""How one thing the bot depends on has answered lately."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`since` and `checked` are readings of a monotonic clock; `since` is when `ok` last changed."""

    ok: bool
    reason: str
    since: float
    checked: float


def first(name: str, now: float) -> Check:
    return Check(ok=False, reason=f"{name}: not tried yet", since=now, checked=now)


def passed(check: Check, now: float) -> Check:
    return Check(ok=True, reason="", since=check.since if check.ok else now, checked=now)


def failed(check: Check, reason: str, now: float) -> Check:
    if check.ok:
        return Check(ok=False, reason=reason, since=now, checked=now)
    return replace(check, reason=reason, checked=now)
