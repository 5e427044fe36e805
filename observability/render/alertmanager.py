"""alertmanager.yml of each environment: routes by severity, the daily digest, the heartbeat, inhibition."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Address, Environment, Project, SeverityRoute
from observability.names import DAILY_DIGEST, NOBODY, WATCHDOG
from observability.render.document import to_yaml
from observability.silencing import silenced_by

Config = dict[str, Any]

# The daily window follows the wall clock, and so these two are never scaled. A look is far shorter than the
# window, so that no day is missed; a repeat is longer than it and shorter than a day.
DIGEST_LOOK, DIGEST_REPEAT = Duration(300_000), Duration(72_000_000)
_DIGEST_WINDOW = "digest"
_DIGEST_RECEIVER = "digest"
_HEARTBEAT_RECEIVER = "heartbeat"


def render(project: Project) -> dict[str, str]:
    return {
        f"{name}/alertmanager.yml": to_yaml(
            f"config/routing.yaml and config/environments/{name}.yaml", _config(project, environment)
        )
        for name, environment in project.environments.items()
    }


def receiver_of(project: Project, severity: str) -> str:
    """Return the Alertmanager receiver of a severity; one without receivers waits for the digest."""
    return severity if project.routing.severities[severity].receivers else NOBODY


def _config(project: Project, environment: Environment) -> Config:
    digest = project.routing.digest
    window = {"times": [{"start_time": digest.opens, "end_time": digest.closes}], "location": digest.timezone}
    return {
        "templates": ["notifications.tmpl"],
        "route": _root(project),
        "inhibit_rules": [*_levels(project), *_silences(project)],
        "time_intervals": [{"name": _DIGEST_WINDOW, "time_intervals": [window]}],
        "receivers": _receivers(project, environment),
    }


def _root(project: Project) -> Config:
    """Routes by severity. An alert whose severity nobody foresaw goes where the gravest go."""
    severities = list(project.routing.severities.values())
    return {
        **_severity_timers(severities[0]),
        "receiver": receiver_of(project, severities[0].name),
        "group_by": ["alertname"],
        "routes": [
            _heartbeat_route(project),
            _digest_route(),
            *(_severity_route(project, severity) for severity in severities),
        ],
    }


def _heartbeat_route(project: Project) -> Config:
    """A beat each `every`: Alertmanager repeats at the first look at the group after repeat_interval."""
    every = project.routing.heartbeat.every
    return {
        "receiver": _HEARTBEAT_RECEIVER,
        "matchers": [f'alertname="{WATCHDOG}"'],
        "group_wait": "0s",
        "group_interval": str(every.scaled(2)),
        "repeat_interval": str(every.scaled(4 / 3)),
    }


def _digest_route() -> Config:
    """Once a day: sent at the first look inside the window, and not again before that has closed."""
    return {
        "receiver": _DIGEST_RECEIVER,
        "matchers": [f'alertname="{DAILY_DIGEST}"'],
        "active_time_intervals": [_DIGEST_WINDOW],
        "group_wait": "0s",
        "group_interval": str(DIGEST_LOOK),
        "repeat_interval": str(DIGEST_REPEAT),
    }


def _severity_route(project: Project, severity: SeverityRoute) -> Config:
    return {
        "receiver": receiver_of(project, severity.name),
        "matchers": [f'severity="{severity.name}"'],
        **_severity_timers(severity),
    }


def _severity_timers(severity: SeverityRoute) -> Config:
    return {
        "group_wait": str(severity.group_wait),
        "group_interval": str(severity.group_interval),
        "repeat_interval": str(severity.repeat_interval),
    }


def _silences(project: Project) -> list[Config]:
    """An alert silences those that it explains, whatever their labels."""
    return [
        {
            "source_matchers": [f'alertname="{alert.name}"'],
            "target_matchers": [f'alertname=~"{"|".join(names)}"'],
        }
        for alert in project.alerts.values()
        if (names := [one.name for one in silenced_by(project, alert)])
    ]


def _levels(project: Project) -> list[Config]:
    """A graver level silences the lesser ones of the same alert on the same labels.

    Alertmanager takes two missing labels as equal, so only labels that the alerts' measures keep are named.
    """
    silenced: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for graver, lesser in combinations(project.routing.severities, 2):
        for alert in project.alerts.values():
            if graver in alert.levels and lesser in alert.levels:
                labels = project.measures[alert.measure].by
                silenced.setdefault((graver, lesser, labels), []).append(alert.name)
    return [
        {
            "source_matchers": [f'severity="{graver}"', f'alertname=~"{"|".join(names)}"'],
            "target_matchers": [f'severity="{lesser}"', f'alertname=~"{"|".join(names)}"'],
            "equal": ["alertname", *labels],
        }
        for (graver, lesser, labels), names in silenced.items()
    ]


def _receivers(project: Project, environment: Environment) -> list[Config]:
    routing = project.routing
    named: dict[str, list[str]] = {
        s.name: list(s.receivers) for s in routing.severities.values() if s.receivers
    }
    receivers = [_receiver(project, environment, name, members) for name, members in named.items()]
    digest = _receiver(project, environment, _DIGEST_RECEIVER, [routing.digest.receiver], text="digest")
    beat = _receiver(project, environment, _HEARTBEAT_RECEIVER, [routing.heartbeat.receiver])
    return [*receivers, digest, beat, {"name": NOBODY}]


def _receiver(
    project: Project, environment: Environment, name: str, members: list[str], text: str = "text"
) -> Config:
    receiver: Config = {"name": name}
    for member in members:
        kind = project.routing.receivers[member].kind
        config = _KINDS[kind](environment.receivers[member], name, text)
        receiver.setdefault(f"{kind}_configs", []).append(config)
    return receiver


# Alertmanager adds these to every page; empty, they are left out of it.
_NO_DEFAULTS = {"firing": "", "resolved": "", "num_firing": "", "num_resolved": ""}


def _pagerduty(address: Address, severity: str, text: str) -> Config:
    # PagerDuty knows four severities; what is not one of them would be refused.
    return {
        "send_resolved": True,
        **_given(url=address.url),
        "routing_key_file": address.routing_key_file,
        "severity": severity if severity in ("critical", "error", "warning", "info") else "critical",
        "description": _template("title"),
        "class": "{{ .CommonLabels.alertname }}",
        "client": '{{ template "tradewatch.product" . }}',
        "client_url": _template("dashboard_url"),
        "details": {
            **_NO_DEFAULTS,
            "alertname": "{{ .CommonLabels.alertname }}",
            "severity": "{{ .CommonLabels.severity }}",
            "value": "{{ .CommonAnnotations.value }}",
            "text": _template(text),
        },
        "links": [
            {"href": _template("runbook_url"), "text": "Runbook {{ .CommonAnnotations.runbook }}"},
            {"href": _template("dashboard_url"), "text": "Dashboard"},
        ],
    }


def _sns(address: Address, severity: str, text: str) -> Config:
    return {
        "send_resolved": True,
        **_given(api_url=address.url),
        "sigv4": {"region": address.region, "profile": address.profile},
        "phone_number": address.phone_number,
        "subject": "",
        "message": _template("sms"),
    }


def _email(address: Address, severity: str, text: str) -> Config:
    return {
        "send_resolved": text != "digest",
        "smarthost": address.smarthost,
        "from": address.from_,
        "to": address.to,
        **_given(auth_username=address.username, auth_password_file=address.password_file),
        "require_tls": address.require_tls,
        "headers": {
            "Subject": _template("digest_title" if text == "digest" else "title"),
            "X-Tradewatch-Alertname": "{{ .CommonLabels.alertname }}",
            "X-Tradewatch-Severity": "{{ .CommonLabels.severity }}",
            "X-Tradewatch-Status": "{{ .Status }}",
        },
        "html": "",
        "text": _template(text),
    }


def _webhook(address: Address, severity: str, text: str) -> Config:
    where = _given(url=address.url, url_file=address.url_file)
    return {"send_resolved": severity != _HEARTBEAT_RECEIVER, **where}


_KINDS: dict[str, Callable[[Address, str, str], Config]] = {
    "pagerduty": _pagerduty,
    "sns": _sns,
    "email": _email,
    "webhook": _webhook,
}


def _given(**keys: str | None) -> Config:
    """Return what has a value; Alertmanager knows what to do without the rest."""
    return {key: value for key, value in keys.items() if value is not None}


def _template(name: str) -> str:
    return f'{{{{ template "tradewatch.{name}" . }}}}'
