"""Reads a text of /metrics, as Prometheus scrapes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TYPE = ["#", "TYPE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series with its latest value; `name` ends as it is exported: `_bucket`, `_total` or not.

    A label without a value is none, as Prometheus has it.
    """

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric with what is told of it, and its series."""

    name: str
    type: str
    help: str
    samples: tuple[Sample, ...]


def families(text: str) -> Iterator[Family]:
    """Yield every metric of a text; raise ValueError where it is none."""
    # Here, because it takes a tenth of a second that `check` need not wait for.
    from prometheus_client import parser

    typed = {parts[2] for line in text.splitlines() if (parts := line.split())[:2] == _TYPE and parts[2:]}
    for family in parser.text_string_to_metric_families(text):
        # The library calls every counter as OpenMetrics does, whether its name ends so or not.
        total = f"{family.name}_total"
        is_renamed = family.type == "counter" and total not in typed
        name = total if family.type == "counter" and not is_renamed else family.name
        yield Family(
            name=name,
            type=family.type,
            help=family.documentation,
            samples=tuple(
                Sample(
                    name=name if is_renamed else one.name,
                    labels={label: value for label, value in one.labels.items() if value},
                    value=one.value,
                )
                for one in family.samples
            ),
        )
