"""How a drill recognises a text."""

import re

import pytest

from scripts.drill.scenario import filled

SUMMARY = "{value} of orders failed in 4h (limit {bound})"


def test_a_summary_is_recognised_with_numbers_in_it() -> None:
    assert re.search(filled(SUMMARY), "[FIRING] 33.3% of orders failed in 4h (limit 10%). Runbook")


@pytest.mark.parametrize(
    "text",
    [
        "{value} of orders failed in 4h (limit 10%)",
        "<no value> of orders failed in 4h (limit 10%)",
        "33% of orders",
    ],
)
def test_a_summary_that_was_not_filled_is_not(text: str) -> None:
    assert not re.search(filled(SUMMARY), text)


def test_a_label_in_a_summary_is_recognised_by_its_text() -> None:
    pattern = filled("{job} at {instance} does not answer", ["job", "instance"])
    assert re.search(pattern, "WARNING TargetDown postgres at 127.0.0.1:9187 does not answer")
    for text in ("{job} at {instance} does not answer", "<no value> at <no value> does not answer"):
        assert not re.search(pattern, text)
