"""Compares what Prometheus has loaded with what the specs make: its rules, and the targets to scrape."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from config.spec.duration import Duration
from config.spec.model import Project
from config.spec.problem import Place, Problem
from observability.names import ABSENT, recorded
from observability.promql import prettified

Rule = Mapping[str, Any]
_OTHER = {
    "query": "another query",
    "duration": "another `for`",
    "keepFiringFor": "another `keep_firing_for`",
    "annotations": "other annotations",
}
Key = tuple[str, str, str]


def rule_problems(project: Project, files: Mapping[str, str], groups: list[Rule]) -> Iterator[Problem]:
    """Yield the rules that are missing, different, too many or not well."""
    compiled = {
        _key(group, rule): _compiled(rule)
        for path, text in files.items()
        if path.startswith("rules/")
        for group in yaml.load(text, Loader=yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
    }
    loaded = {_key(group, rule): rule for group in groups for rule in group["rules"]}
    ours = {group for group, _, _ in compiled}
    for key, rule in compiled.items():
        texts = list(_missing_or_ill(rule, loaded.get(key)))
        yield from (_problem(_place(project, key), key, text) for text in texts)
    for key in loaded.keys() - compiled.keys():
        if key[0] in ours:
            yield _problem(project.scrape.where(), key, "is loaded, but no spec makes it; load the new files")


def target_problems(project: Project, targets: list[Rule]) -> Iterator[Problem]:
    """Yield the jobs without a target, and the targets that cannot be scraped."""
    for job in project.scrape.jobs.values():
        mine = [target for target in targets if target["labels"]["job"] == job.name]
        if not mine:
            yield Problem(job.where(), f"Prometheus has no target of the job {job.name}", "live/target")
        for target in mine:
            if target["health"] != "up":
                why = target["lastError"] or "it was not scraped yet"
                text = f"{job.name}: {target['labels']['instance']} is {target['health']}: {why}"
                yield Problem(job.where(), text, "live/target")


def _key(group: Rule, rule: Rule) -> Key:
    name = rule.get("name") or rule.get("alert") or rule["record"]
    labels = rule.get("labels", {})
    return group["name"], name, ", ".join(f"{label}={labels[label]}" for label in sorted(labels))


def _compiled(rule: Rule) -> dict[str, object]:
    """Return a rule of a file as Prometheus tells of it."""
    expected: dict[str, object] = {"query": rule["expr"]}
    if "alert" in rule:
        for name, key in (("duration", "for"), ("keepFiringFor", "keep_firing_for")):
            expected[name] = Duration.parse(rule.get(key, "0s")).seconds
        expected["annotations"] = rule["annotations"]
    return expected


def _missing_or_ill(expected: Mapping[str, object], rule: Rule | None) -> Iterator[str]:
    if rule is None:
        yield "is not loaded; let Prometheus load the new files"
        return
    for name, value in expected.items():
        known = prettified(rule[name]) if name == "query" else rule[name]
        if known != (prettified(str(value)) if name == "query" else value):
            yield f"is loaded with {_OTHER[name]}; let Prometheus load the new files"
    if rule["health"] != "ok":
        yield f"is {rule['health']}: {rule.get('lastError') or 'it was not evaluated yet'}"


def _place(project: Project, key: Key) -> Place:
    _, name, labels = key
    if (alert := project.alerts.get(name)) is not None:
        parts = dict(label.split("=", 1) for label in labels.split(", "))
        if parts.keys() & ABSENT.keys():
            return alert.where("when_absent")
        return alert.levels[parts["severity"]].where()
    for measure in project.measures.values():
        if recorded(project, measure.name) == name:
            return measure.where("query")
    return project.routing.where()


def _problem(place: Place, key: Key, text: str) -> Problem:
    _, name, labels = key
    return Problem(place, f"rule {name}{f' ({labels})' if labels else ''} {text}", "live/rule")
