"""A text uses only the placeholders that exist.

Why: at night nobody wants to read `{vlaue} of orders failed`.
Fix: use {value}, {bound} or {for}.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding
from observability.texts import PLACEHOLDERS, placeholders


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        for field, text in (("summary", alert.summary), ("description", alert.description)):
            for name in placeholders(text):
                if name not in PLACEHOLDERS:
                    near = did_you_mean(name, PLACEHOLDERS)
                    yield Finding(alert.where(field), f"no placeholder named {{{name}}}{near}")
