"""A text uses only the placeholders that exist.

Why: at night nobody wants to read `{vlaue} of orders failed`.
Fix: use {for}, {bound}, {value} and the labels of the measure; what is absent has neither value nor labels.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding
from observability.texts import known_placeholders, placeholders


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        measure = project.measures.get(alert.measure)
        known = known_placeholders(alert, measure) if measure else []
        for field, text in (("summary", alert.summary), ("description", alert.description)):
            for name in placeholders(text) if measure else ():
                if name not in known:
                    near = did_you_mean(name, known)
                    yield Finding(alert.where(field), f"no placeholder named {{{name}}}{near}")
