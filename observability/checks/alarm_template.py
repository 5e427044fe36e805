"""The templates in labels and annotations can be filled.

Why: a label that the expression has aggregated away is blank in the text, and a template that Prometheus
cannot read becomes an error message in place of the text.
Fix: keep the label (`sum by (job) (...)`), or leave it out of the text; correct the function's name.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.alert_template import faults, labels_used
from observability.checks.finding import Finding
from observability.checks.queries import Alarm, alarms

_NAME = "__name__"  # kept by some operations and dropped by others


def check(project: Project) -> Iterator[Finding]:
    for alarm in alarms(project):
        yield from check_alarm(alarm)


def check_alarm(alarm: Alarm) -> Iterator[Finding]:
    known = alarm.query.known.shape(alarm.query.tree).labels
    for part, text in alarm.rule.texts.items():
        kind, name = part.split("/", 1)
        place, where = alarm.rule.where(part), f"{kind.removesuffix('s')} {name!r}"
        for fault in faults(text):
            yield Finding(place, f"{where}: {fault}")
        for label in labels_used(text):
            if known is not None and label not in known and label != _NAME:
                left = f"only {', '.join(sorted(known))}" if known else "no label"
                yield Finding(place, f"{where} uses label {label!r}, and the expression leaves {left}")
