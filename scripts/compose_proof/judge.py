"""Says what is wrong with what was seen of a stack, as a list; nothing here asks anybody."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.spec.model import Project
from observability.live.loaded import Rule, rule_problems, target_problems

Json = Mapping[str, Any]
# What `cap_add` gives to begin with: CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID by their numbers.
_MAY_REGAIN = {"db": 1 << 0 | 1 << 1 | 1 << 3 | 1 << 6 | 1 << 7}
_SHORTEST_SECRET = 16  # characters; shorter pieces of a secret's file are words like `postgres`
_PIECE = re.compile(rf"[A-Za-z0-9]{{{_SHORTEST_SECRET},}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What must outlive each death: names of single things by kind, and the level of the switch."""

    level: int
    things: Mapping[str, frozenset[str]]
    samples: int


def unready(project: Project, files: Mapping[str, str], targets: list[Rule], groups: list[Rule]) -> list[str]:
    """Targets that are not up, rules and alerts of `files` that are not loaded, differ or are not well."""
    found = [*target_problems(project, targets), *rule_problems(project, files, groups)]
    return [problem.message for problem in found]


def open_doors(service: str, status: str, mounts: str, told: Json) -> list[str]:
    """What a container may do that it must not: by /proc/1/status, by /proc/mounts, and by the engine."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    faults = []
    uids = fields.get("Uid", "").split()
    if not uids or "0" in uids:
        faults.append(f"{service}: runs as uid {' '.join(uids) or 'unknown'}")
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        if int(fields.get(name, "1"), 16):
            faults.append(f"{service}: {name} is {fields.get(name, 'unknown').strip()}")
    if (bound := int(fields.get("CapBnd", "-1"), 16)) & ~_MAY_REGAIN.get(service, 0):
        faults.append(f"{service}: could regain capabilities: CapBnd is {bound:016x}")
    if fields.get("NoNewPrivs", "").strip() != "1":
        faults.append(f"{service}: may gain new privileges")
    roots = [line.split()[3].split(",") for line in mounts.splitlines() if line.split()[1:2] == ["/"]]
    if not roots or "ro" not in roots[-1]:
        faults.append(f"{service}: its root can be written")
    host = told["HostConfig"]
    if host["Privileged"]:
        faults.append(f"{service}: is privileged")
    if not host["Memory"] or not (host["PidsLimit"] or 0) > 0:
        faults.append(f"{service}: has no limit of memory or processes")
    if "max-size" not in (host["LogConfig"]["Config"] or {}):
        faults.append(f"{service}: its log grows without end")
    for port, bound_to in (host["PortBindings"] or {}).items():
        if wide := {one["HostIp"] for one in bound_to} - {"127.0.0.1"}:
            faults.append(f"{service}: {port} is published on {', '.join(sorted(wide)) or 'every address'}")
    return faults


def exposed(secrets: Mapping[str, str], told: Mapping[str, str]) -> list[str]:
    """Which secrets show where. A file in which there is nothing to look for is a fault as well."""
    faults = []
    for name, text in secrets.items():
        pieces = set(_PIECE.findall(text))
        if text.strip() and not pieces:
            faults.append(f"{name}: has no piece of {_SHORTEST_SECRET} characters that could be looked for")
        faults += [
            f"{name} shows in {where}" for where, said in told.items() if any(p in said for p in pieces)
        ]
    return faults


def wrong_ways(may: Mapping[str, bool], found: Mapping[str, bool]) -> list[str]:
    """Where a connection was made that must not be, or could not be made that must."""
    return [
        f"{where} {'could not' if may[where] else 'could'} be reached"
        if where in found
        else f"{where} was not tried"
        for where in may
        if found.get(where) is not may[where]
    ]


def lost(before: Kept, after: Kept) -> list[str]:
    """What was there before and is not after; that there was nothing to lose is a fault as well."""
    faults = [
        f"there were no {kind} that could be lost" for kind, names in before.things.items() if not names
    ]
    if before.level != after.level:
        faults.append(f"the switch was at level {before.level} and is at {after.level}")
    for kind, names in before.things.items():
        if gone := names - after.things[kind]:
            faults.append(f"{len(gone)} of {len(names)} {kind} are gone: {', '.join(sorted(gone)[:3])}")
    if not 0 < before.samples <= after.samples:
        faults.append(f"Prometheus had {before.samples} samples of before, and has {after.samples}")
    return faults


def untold(notifications: Sequence[Json], wanted: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Which of (alert, severity, channel, status) reached nobody."""
    keys = ("alertname", "severity", "channel", "status")
    told = {tuple(str(one[key]) for key in keys) for one in notifications}
    return [f"{' '.join(one)} reached nobody" for one in wanted if one not in told]
