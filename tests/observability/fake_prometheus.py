"""A Prometheus with a script: it has loaded and scraped all of a bundle, except what a test changes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from config.spec.duration import Duration
from config.spec.model import Project
from observability.compile import Request, compile_bundle
from observability.infer import exported_names

Labels = Mapping[str, str]
TARGET = {"instance": "one:80", "environment": "cellar"}


class FakePrometheus:
    """What it answers; a query without an answer of its own has one series, with all labels asked for."""

    def __init__(self, config: Path, time_scale: float = 1) -> None:
        outcome = compile_bundle(Request(config_dir=config, time_scale=time_scale))
        assert outcome.project is not None, outcome.problems
        assert not outcome.failed, outcome.problems
        self.url = ""
        self.asked: list[str] = []
        self.answers: dict[str, object] = {}
        self.groups = [_loaded(text) for path, text in outcome.files.items() if path.startswith("rules/")]
        jobs = outcome.project.scrape.jobs
        self.targets: list[dict[str, Any]] = [
            {"labels": {"job": job, **TARGET}, "health": "up", "lastError": ""} for job in jobs
        ]
        self.series = list(_exported(outcome.project))
        self.types: dict[str, str] = {
            name: metric.type for name, metric in outcome.project.catalogue.metrics.items()
        }
        measures = outcome.project.measures.values()
        names = ["severity", "alertname", "runbook", *(label for measure in measures for label in measure.by)]
        self._labels = dict.fromkeys(names, "x")

    def rule(self, name: str, **labels: str) -> dict[str, Any]:
        """Return a loaded rule, to be changed."""
        rules = (rule for group in self.groups for rule in group["rules"])
        return next(one for one in rules if one["name"] == name and labels.items() <= one["labels"].items())

    def metric(self, name: str) -> list[dict[str, str]]:
        """Return the labels of the scraped series of a name, to be changed."""
        return [labels for labels in self.series if labels["__name__"] == name]

    def answer(self, path: str, asked: Mapping[str, str]) -> tuple[int, object]:
        match path:
            case "/api/v1/rules":
                return 200, {"data": {"groups": self.groups}}
            case "/api/v1/targets":
                return 200, {"data": {"activeTargets": self.targets}}
            case "/api/v1/targets/metadata":
                return 200, {"data": [{"metric": name, "type": kind} for name, kind in self.types.items()]}
            case "/api/v1/query":
                return self._value(asked["query"])
        return 404, {}

    def _value(self, query: str) -> tuple[int, object]:
        self.asked.append(query)
        if query.startswith("{job="):
            return 200, _vector([(labels, "1") for labels in self.series])
        answer = self.answers.get(query, [(self._labels, "1")])
        if isinstance(answer, str):
            return 422, {"status": "error", "error": answer}
        if isinstance(answer, int):
            return 200, {"data": {"resultType": "scalar", "result": [0, str(answer)]}}
        return 200, _vector(answer)


def _vector(series: Any) -> object:
    result = [{"metric": labels, "value": [0, value]} for labels, value in series]
    return {"data": {"resultType": "vector", "result": result}}


def _loaded(text: str) -> dict[str, Any]:
    """Return a group as the API tells of it: lengths are seconds, and what is empty is there."""
    (group,) = yaml.safe_load(text)["groups"]
    for rule in group["rules"]:
        rule["name"] = rule.pop("alert", None) or rule.pop("record")
        rule["query"] = rule.pop("expr")
        rule["duration"] = Duration.parse(rule.pop("for", "0s")).seconds
        rule["keepFiringFor"] = Duration.parse(rule.pop("keep_firing_for", "0s")).seconds
        rule |= {"labels": rule.get("labels", {}), "health": "ok"}
    return dict(group)


def _exported(project: Project) -> Iterator[dict[str, str]]:
    for metric in project.catalogue.metrics.values():
        labels = {label: values[0] if values else "x" for label, values in metric.labels.items()}
        for name in [] if metric.planned else exported_names(metric):
            bounds = [*map(str, metric.buckets), "+Inf"] if name.endswith("_bucket") else []
            for le in [{"le": bound} for bound in bounds] or [{}]:
                yield {"__name__": name, "job": metric.job, **TARGET, **labels, **le}


@contextmanager
def serving(prometheus: FakePrometheus) -> Iterator[FakePrometheus]:
    """Let it answer at its `url` for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._send(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _send(self, form: str) -> None:
            asked = {key: values[0] for key, values in parse_qs(form).items()}
            status, body = prometheus.answer(urlsplit(self.path).path, asked)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # How often it looks whether it is to stop, in seconds: every test waits for that at its end.
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    prometheus.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield prometheus
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
