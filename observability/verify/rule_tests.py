"""What promtool says of a test, brought back to the expectation that it failed."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from config.spec.duration import Duration
from config.spec.model import Alert
from config.spec.problem import Place, Problem
from config.spec.story import Story

_CHECK = "promtool/test"
_TIME = re.compile(r"time: (\w+),")
# One failure of many in a test: it begins with what was evaluated.
_FAILURE = re.compile(r"(?m)^ {4}(?=expr: |alertname: )")
_NAME = re.compile(r"(?m)^ {4}name: .*\n")
_SEVERITY = re.compile(r'severity="(\w+)"')


def failures(alert: Alert, report: Path, said: str) -> Iterator[Problem]:
    """Yield a problem per failed expectation of the stories, or all that was said if none can be told."""
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
        stories = zip(alert.tests, suites[0].iter("testcase"), strict=True)
        found = [
            problem
            for story, case in stories
            for failure in case.iter("failure")
            for problem in _of_story(alert, story, failure.text or "")
        ]
        found += [
            problem
            for suite in suites[1:]
            for case in suite.iter("testcase")
            for failure in case.iter("failure")
            for problem in _of_edge(alert, case.get("name", ""), failure.text or "")
        ]
    except (OSError, ElementTree.ParseError, ValueError, IndexError):
        found = []
    yield from found or [Problem(alert.where("tests"), f"a test of {alert.name} fails\n{said}", _CHECK)]


def length(alert: Alert) -> int:
    """Return how much time the stories of an alert tell, which is what testing it costs."""
    return sum(max(one.at.milliseconds for one in story.expect) for story in alert.tests)


def _of_edge(alert: Alert, name: str, text: str) -> Iterator[Problem]:
    """What a derived test says is the alert's own matter: nobody wrote it down elsewhere."""
    for at, part in _failures(text):
        yield Problem(alert.where(), f"{name} (derived): {_told(at, part)}", _CHECK)


def _failures(text: str) -> Iterator[tuple[Duration | None, str]]:
    """Yield each failure of a test with its time."""
    for part in filter(str.strip, _FAILURE.split(_NAME.sub("", text))):
        found = _TIME.search(part)
        yield Duration.parse(found[1]) if found else None, part


def _of_story(alert: Alert, story: Story, text: str) -> Iterator[Problem]:
    for at, part in _failures(text):
        yield Problem(_place(story, at), f"{alert.name}, {story.name!r}: {_told(at, part)}", _CHECK)


def _place(story: Story, at: Duration | None) -> Place:
    meant = [expectation for expectation in story.expect if expectation.at == at]
    return meant[0].where() if meant else story.where("name")


def _told(at: Duration | None, part: str) -> str:
    """Say which levels were expected and which fire; where texts differ, show them as promtool does."""
    expected, _, got = part.partition("got:")
    if not part.startswith("expr:"):
        return f"at {at} the texts are others\n    {part.strip()}"
    return f"at {at} expected {_levels(expected.partition('exp:')[2])}, but {_levels(got)} fires"


def _levels(text: str) -> str:
    return " and ".join(sorted(set(_SEVERITY.findall(text)))) or "nothing"
