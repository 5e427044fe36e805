"""A made-up bundle of any size: alerts and panels in files of a hundred, and a measure for each alert."""

from collections.abc import Iterator
from pathlib import Path

_PER_FILE = 100
_PER_ROW = 4
_FIXED = {
    "config/bundle.yaml": "namespace: shop\ntitle: Made up\n",
    "config/metrics.yaml": """\
metrics:
  requests_total:
    {type: counter, unit: count, job: web, help: Requests that were answered, labels: {code: ["200", "500"]}}
events:
  request_answered:
    description: A request went well
    adds:
      - {metric: requests_total, labels: {code: "200"}}
  request_failed:
    description: A request failed
    adds:
      - {metric: requests_total, labels: {code: "500"}}
""",
    "config/routing.yaml": """\
receivers:
  page: {kind: pagerduty}
  mail: {kind: email}
  beat: {kind: webhook}
severities:
  critical: {deliver_within: 2m, receivers: [page]}
  warning: {deliver_within: 15m, receivers: [mail]}
  info: {deliver_within: 1d}
digest: {receiver: mail, opens: "07:00", closes: "09:00", timezone: Europe/Berlin, covers: 26h}
heartbeat: {receiver: beat, every: 1m}
""",
    "config/scrape.yaml": """\
scrape_interval: 30s
scrape_timeout: 10s
evaluation_interval: 30s
jobs:
  web: {}
""",
    "config/environments/local.yaml": """\
targets:
  web: ["127.0.0.1:8000"]
alertmanagers: ["127.0.0.1:9093"]
links: {runbooks: "http://127.0.0.1:1/r", dashboards: "http://127.0.0.1:1"}
receivers:
  page: {url: "http://127.0.0.1:1/page", routing_key_file: /run/secrets/page}
  mail: {smarthost: "127.0.0.1:25", from: shop@localhost, to: owner@localhost, require_tls: false}
  beat: {url: "http://127.0.0.1:1/beat"}
""",
    "runbooks/many_errors.md": "# Many errors\n",
}
_MEASURE = """\
  errors_{n}:
    description: Share of requests that failed, where any are asked; no other query is quite like it
    kind: ratio
    unit: ratio
    query: sum(rate(requests_total{{code="500"}}[10m])) / (sum(rate(requests_total[10m])) > {n}e-9)
"""
_ALERT = """\
  ManyErrors{n}:
    measure: errors_{n}
    levels:
      warning: {{above: 0.1, for: 5m}}
      critical: {{above: 0.5, for: 5m}}
    detect_within: 20m
    when_absent: {{silent: nobody asks for anything}}
    summary: "{{value}} of requests fail (limit {{bound}})"
    description: "{{value}} of requests fail for {{for}}."
    runbook: many_errors
    panel: {board}/errors_{n}
    tests:
      - name: every request fails
        world:
          - {{event: request_failed, every: 1m, until: 1h}}
        expect:
          - {{at: 3m}}
          - {{at: 30m, firing: [warning, critical], value: 1}}
"""
_BOARD = """\
uid: {uid}
title: Board {board}
description: Do requests fail?
rows:
"""
_ROW = """\
  - title: Requests from {n}
    panels:
"""
_PANEL = """\
      - id: errors_{n}
        title: Errors {n}
        description: Share of requests that failed
        kind: timeseries
        unit: ratio
        measures: [errors_{n}]
        alerts: [ManyErrors{n}]
"""


def lay_out(folder: Path, count: int) -> Path:
    """Write a bundle with `count` alerts into `folder`; return its config folder."""
    for name, text in _files(count):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder / "config"


def _files(count: int) -> Iterator[tuple[str, str]]:
    yield from _FIXED.items()
    yield "config/measures.yaml", "measures:\n" + "".join(_MEASURE.format(n=n) for n in range(count))
    for first in range(0, count, _PER_FILE):
        board = f"board_{first // _PER_FILE}"
        numbers = range(first, min(first + _PER_FILE, count))
        alerts = "".join(_ALERT.format(n=n, board=board) for n in numbers)
        yield f"config/alerts/{board}.yaml", f"alerts:\n{alerts}"
        panels = "".join(_panel(n) for n in numbers)
        yield f"config/dashboards/{board}.yaml", _BOARD.format(board=board, uid=f"board-{first:08}") + panels


def _panel(n: int) -> str:
    return ("" if n % _PER_ROW else _ROW.format(n=n)) + _PANEL.format(n=n)
