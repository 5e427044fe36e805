"""Durations are read and written as Prometheus does."""

import pytest

from config.spec.duration import Duration


@pytest.mark.parametrize(
    ("text", "milliseconds", "written"),
    [
        ("30s", 30_000, "30s"),
        ("90m", 5_400_000, "1h30m"),
        ("1d", 86_400_000, "1d"),
        ("1w", 604_800_000, "7d"),
        ("250ms", 250, "250ms"),
        ("0s", 0, "0s"),
        ("1h0m1s", 3_601_000, "1h1s"),
    ],
)
def test_it_reads_and_writes(text: str, milliseconds: int, written: str) -> None:
    duration = Duration.parse(text)
    assert duration.milliseconds == milliseconds
    assert str(duration) == written
    assert Duration.parse(written) == duration


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5m1h", "-5m", "1.5h", "5M", "5m5m", "5m\n", "٥m"])
def test_it_refuses_what_prometheus_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["101y", "99y9999w", "9" * 400 + "s", "9" * 5000 + "ms"])
def test_it_refuses_what_nobody_lives_to_see(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than 100 years") as refused:
        Duration.parse(text)
    assert len(str(refused.value)) < 80


def test_leading_zeros_are_no_length() -> None:
    assert Duration.parse("0" * 5000 + "5m") == Duration.parse("5m")


def test_scaling_never_turns_a_length_into_nothing() -> None:
    assert Duration.parse("1h").scaled(60) == Duration.parse("1m")
    assert Duration.parse("15s").scaled(60) == Duration.parse("250ms")
    assert Duration.parse("1ms").scaled(1000) == Duration(1)
    assert Duration(0).scaled(60) == Duration(0)
