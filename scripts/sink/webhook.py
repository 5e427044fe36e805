"""Reads Alertmanager's webhook JSON, version 4: one message for each notified group."""

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.sink.body import BodyError, mapping
from scripts.sink.message import Link, Message
from scripts.sink.wording import named_links, plain, template_warnings, unique_links


def read_webhook(name: str, body: Mapping[str, Any]) -> Message:
    alerts = body.get("alerts")
    if body.get("version") != "4" or not isinstance(alerts, list):
        raise BodyError('not an Alertmanager webhook body: wants "version": "4" and a list of alerts')
    alerts = [mapping(alert) for alert in alerts]
    alertname = _label(body, alerts, "alertname")
    status = plain(body.get("status")).lower()
    summary = mapping(body.get("commonAnnotations")).get("summary")
    return Message(
        channel="webhook",
        to=name,
        status=status if status in ("firing", "resolved") else "unknown",
        alertname=alertname,
        severity=_label(body, alerts, "severity").lower(),
        title=plain(summary) or f"[{status.upper()}:{len(alerts)}] {alertname}",
        text="\n".join(_line(alert) for alert in alerts),
        links=unique_links(_links(body, alerts)),
        warnings=template_warnings(body),
        raw=body,
    )


def _label(body: Mapping[str, Any], alerts: list[dict[str, Any]], name: str) -> str:
    """The label of the whole group, else each value that its alerts have."""
    common = plain(mapping(body.get("commonLabels")).get(name))
    values = {plain(mapping(alert.get("labels")).get(name)) for alert in alerts}
    return common or ", ".join(sorted(values - {""}))


def _line(alert: Mapping[str, Any]) -> str:
    annotations = mapping(alert.get("annotations"))
    told = [plain(annotations[key]) for key in ("summary", "description") if annotations.get(key)]
    labels = ", ".join(f"{key}={plain(value)}" for key, value in mapping(alert.get("labels")).items())
    return f"{plain(alert.get('status')) or 'unknown'}: {' - '.join(told) or labels}"


def _links(body: Mapping[str, Any], alerts: list[dict[str, Any]]) -> Iterator[Link]:
    for alert in alerts:
        yield from named_links(mapping(alert.get("annotations")))
        if source := plain(alert.get("generatorURL")):
            yield Link(text="source", href=source)
    if home := plain(body.get("externalURL")):
        yield Link(text="Alertmanager", href=home)
