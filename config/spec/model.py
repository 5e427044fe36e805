"""The frozen dataclasses of every kind of spec; their fields are the keys of the schemas, one to one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

from config.spec.alerting import Alert as Alert
from config.spec.alerting import Alerts as Alerts
from config.spec.alerting import Equivalent as Equivalent
from config.spec.alerting import Level as Level
from config.spec.duration import Duration
from config.spec.placed import Spec
from config.spec.runbook import Operations as Operations
from config.spec.runbook import Runbook as Runbook
from config.spec.source import Source
from config.spec.story import Event

MetricType = Literal["counter", "gauge", "histogram"]
# How a bound behaves: whether it scales with time, how it is written in a text.
Kind = Literal["ratio", "count", "age", "rate", "latency"]
ZERO, MINUTE, FOUR_HOURS = Duration(0), Duration(60_000), Duration(14_400_000)
Unit = Literal["ratio", "count", "seconds", "per_second", "bytes", "usdt"]
PanelKind = Literal["timeseries", "stat", "gauge", "state", "table", "alerts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption(Spec):
    """What a check is not to report of one thing, `of`, up to and including the day `until`."""

    check: str
    of: str
    until: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle(Spec):
    """What the bundle is called; `namespace` is the prefix of every recording rule."""

    namespace: str
    title: str
    allow: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Spec):
    """A metric that a job exports; `labels` maps each label to all values that it takes.

    What is `planned` is declared for alerts and panels, but nothing exports it yet. A gauge that is `polled`
    is read from outside at intervals, and keeps its last value when that fails.
    """

    name: str
    type: MetricType
    unit: Unit
    help: str
    job: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[Decimal, ...] = ()
    planned: bool = False
    polled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue(Spec):
    """metrics.yaml: every metric that rules, panels and tests may name."""

    metrics: Mapping[str, Metric]
    events: Mapping[str, Event] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Spec):
    """A query with a name; becomes a recording rule that alerts, panels and runbooks use.

    `may_be_empty` says why it has no value although all is well.
    """

    name: str
    description: str
    kind: Kind
    unit: Unit
    query: str
    by: tuple[str, ...] = ()
    may_be_empty: str | None = None
    equivalent: tuple[Equivalent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures(Spec):
    """measures.yaml."""

    measures: Mapping[str, Measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Spec):
    """One scrape job; its targets are the environment's.

    What is `ours` exports nothing but what the catalogue has, with its help, and each counter from the start.
    `unnoticed` says why nobody is told when one metric of it is gone and the rest is there.
    """

    name: str
    metrics_path: str = "/metrics"
    ours: bool = False
    unnoticed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape(Spec):
    """scrape.yaml: how often Prometheus looks, and at what."""

    scrape_interval: Duration
    scrape_timeout: Duration
    evaluation_interval: Duration
    jobs: Mapping[str, Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver(Spec):
    """A way to reach people; its addresses are the environment's."""

    name: str
    kind: Literal["pagerduty", "sns", "email", "webhook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRoute(Spec):
    """How a severity reaches people, and the promise from firing to accepted by the receiver.

    A severity without receivers is told by the daily digest alone.
    """

    name: str
    deliver_within: Duration
    receivers: tuple[str, ...] = ()
    group_wait: Duration = ZERO
    group_interval: Duration = MINUTE
    repeat_interval: Duration = FOUR_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(Spec):
    """The daily mail about severities without receivers: sent when the window opens, of what fires and what
    resolved in the time that it covers.
    """

    receiver: str
    opens: str
    closes: str
    timezone: str
    covers: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Spec):
    """The receiver that hears `Watchdog` as long as the whole path works."""

    receiver: str
    every: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing(Spec):
    """routing.yaml; severities stand from the gravest to the least."""

    receivers: Mapping[str, Receiver]
    severities: Mapping[str, SeverityRoute]
    digest: Digest
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Spec):
    """One panel: measures by name, or queries of its own, with the alerts whose bounds it shows.

    `values` are words for whole numbers. One of kind `alerts` is a table of what fires, and asks by itself.
    """

    id: str
    title: str
    description: str
    kind: PanelKind
    unit: Unit
    values: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    queries: tuple["Query", ...] = ()
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Spec):
    """A query of a panel; `legend` may hold {{label}}, `may_be_empty` says why it can have no value."""

    expr: str
    legend: str
    may_be_empty: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Spec):
    """A titled row of panels, which share its width."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard(Spec):
    """dashboards/<name>.yaml."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Spec):
    """Where a receiver is reached in one environment; which keys it needs follows from its kind.

    What is secret stands in a file, and only the file's name in here.
    """

    url: str | None = None
    url_file: str | None = None
    routing_key_file: str | None = None
    region: str | None = None
    profile: str | None = None
    phone_number: str | None = None
    smarthost: str | None = None
    from_: str | None = None
    to: str | None = None
    username: str | None = None
    password_file: str | None = None
    require_tls: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Links(Spec):
    """Where the links of a notification lead: `<runbooks>/<id>` and `<dashboards>/d/<uid>`."""

    runbooks: str
    dashboards: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(Spec):
    """environments/<name>.yaml: the few values that differ between where the stack runs.

    One that `needs_values` is for real people and compiled only with a values file. There the secret files
    must exist: in `secrets_at`, under the same names, where the machine that compiles has them elsewhere.
    """

    targets: Mapping[str, tuple[str, ...]]
    alertmanagers: tuple[str, ...]
    links: Links
    receivers: Mapping[str, Address]
    needs_values: bool = False
    secrets_at: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Project:
    """Everything that the compiler knows: the specs, and the texts of all files by their paths.

    Of runbooks, `pages` are those that exist as a page by hand alone; of these the blank ones say nothing.
    `libraries` are the words of their steps, in shell, by name. `left_out` names the environments that need
    values and were given none.

    It is compared by identity, so that what is worked out of it can be kept beside it.
    """

    bundle: Bundle
    catalogue: Catalogue
    measures: Mapping[str, Measure]
    scrape: Scrape
    routing: Routing
    subjects: Mapping[str, Alerts]
    dashboards: Mapping[str, Dashboard]
    environments: Mapping[str, Environment]
    left_out: tuple[str, ...]
    operations: Operations | None
    runbooks: Mapping[str, Runbook]
    libraries: Mapping[str, str]
    pages: frozenset[str]
    blank_pages: frozenset[str]
    sources: Mapping[str, Source]

    @cached_property
    def runbook_ids(self) -> frozenset[str]:
        """Every runbook that can be linked to."""
        return frozenset(self.runbooks) | self.pages

    @cached_property
    def alerts(self) -> dict[str, Alert]:
        """Every alert of every subject by its name."""
        return {name: alert for subject in self.subjects.values() for name, alert in subject.alerts.items()}

    @cached_property
    def told_by_digest(self) -> tuple[str, ...]:
        """The severities that nobody is told of at once."""
        return tuple(name for name, route in self.routing.severities.items() if not route.receivers)

    @cached_property
    def panels(self) -> dict[str, tuple[Dashboard, Panel]]:
        """Every panel by `<dashboard>/<panel>`."""
        return {
            f"{name}/{panel.id}": (board, panel)
            for name, board in self.dashboards.items()
            for panel in board.panels
        }
