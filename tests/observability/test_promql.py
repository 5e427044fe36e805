"""Questions to expressions."""

import pytest

from observability.promql import metric_names, scaled, syntax_error


def test_metric_names_are_found_wherever_they_stand() -> None:
    text = (
        'sum(rate(a[5m])) / (b > 0) + on () quantile(0.9, -c) + {__name__="d"} unless max_over_time(e[1h:1m])'
    )
    assert metric_names(text) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "sum(increase(a[4h])) / (sum(increase(b[4h])) > 0)",
            "sum(increase(a[4m])) / (sum(increase(b{}[4m])) > 0)",
        ),
        ("rate(a[15s])", "rate(a{}[250ms])"),
        ("max_over_time(a[4h:15s] offset 1h)", "max_over_time(a{}[4m:250ms] offset 1m)"),
        ("max_over_time(rate(a[5m])[1h:])", "max_over_time(rate(a{}[5s])[1m:])"),
        ("a offset -5m", "a{} offset -5s"),
        ("predict_linear(a[6h], 86400)", "predict_linear(a{}[6m], 1440)"),
        (" + ".join(["rate(a[25m])"] * 30), " + ".join(["rate(a[25s])"] * 30)),
    ],
)
def test_scaling_divides_every_length(text: str, wanted: str) -> None:
    assert scaled(text, 60).replace("{}", "") == wanted.replace("{}", "")


def test_a_scaled_expression_is_valid_again() -> None:
    assert syntax_error(scaled("max_over_time(rate(a[5m])[1h:] offset 1w) > bool 0.5", 240)) is None


def test_a_syntax_error_is_told_in_one_line() -> None:
    assert syntax_error("sum(rate(x[5m])") == "unclosed left parenthesis"
    assert syntax_error("rate(x)") is not None
    assert syntax_error("up == 1") is None
