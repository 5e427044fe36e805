"""How a drill recognises a text."""

import re

import pytest

from scripts.drill.scenario import _filled

SUMMARY = "{value} of orders failed in 4h (limit {bound})"


def test_a_summary_is_recognised_with_numbers_in_it() -> None:
    assert re.search(_filled(SUMMARY), "[FIRING] 33.3% of orders failed in 4h (limit 10%). Runbook")


@pytest.mark.parametrize(
    "text",
    [
        "{value} of orders failed in 4h (limit 10%)",
        "<no value> of orders failed in 4h (limit 10%)",
        "33% of orders",
    ],
)
def test_a_summary_that_was_not_filled_is_not(text: str) -> None:
    assert not re.search(_filled(SUMMARY), text)
