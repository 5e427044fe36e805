"""Every level of an alert, and its rule for absence, fires in a test; in another the alert stays silent.

Why: an alert that never fired in a test may never fire at all, and one that was never silent may always fire.
Fix: add to `tests` a story whose `expect` names the level, or one with an `at` and nothing firing; where
`when_absent` says `fires`, also one whose `expect` says `absent: true`.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        expectations = [expectation for story in alert.tests for expectation in story.expect]
        for name, level in alert.levels.items():
            if name in project.routing.severities and not any(
                name in one.firing and not one.absent for one in expectations
            ):
                yield Finding(level.where(), f"no test of {alert.name} shows its level {name!r} firing")
        if alert.absent_for is not None and not any(one.absent and one.firing for one in expectations):
            text = f"no test of {alert.name} shows it firing because its measure is absent"
            yield Finding(alert.where("when_absent"), text)
        if all(expectation.firing or not expectation.at.milliseconds for expectation in expectations):
            yield Finding(alert.where(), f"no test of {alert.name} shows it silent")
