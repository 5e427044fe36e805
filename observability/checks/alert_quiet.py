"""An alert that names its lowest traffic has a test in which it fires at that rhythm.

Why: a share of the requests of five minutes is found with one in a second, and never with one in an hour.
Fix: add a story with the event at that rhythm, or slower, and a level firing; or name the traffic it needs.
"""

from collections.abc import Iterator

from config.spec.alerting import Traffic
from config.spec.model import Project
from config.spec.story import Story
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        traffic = alert.lowest_traffic
        if traffic is not None and not any(_shows(story, traffic) for story in alert.tests):
            text = f"no test of {alert.name} shows it firing with {traffic.event} every {traffic.every}"
            yield Finding(traffic.where(), text)


def _shows(story: Story, traffic: Traffic) -> bool:
    """Whether the event comes as rarely as that throughout, and a level fires after it began."""
    stretches = [one for one in story.world if one.event == traffic.event]
    rare = all(one.every is not None and one.every >= traffic.every for one in stretches)
    begin = min((one.from_ for one in stretches), default=None)
    fires = (one.at for one in story.expect if one.firing and not one.absent)
    return rare and begin is not None and any(at > begin for at in fires)
