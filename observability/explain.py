"""The documentation of the checks, which is their docstrings, and of the families of other problems."""

from collections.abc import Iterator, Mapping

from observability.checks import CHECKS

# Problems that no check finds have an id with a slash; what stands before it is explained here.
FAMILIES: Mapping[str, str] = {
    "yaml": """\
A file cannot be read as YAML.

Why: what is read wrongly is compiled wrongly; so a doubled key, a tag or an alias of itself is refused.
Fix: mend the text at the place. Scalars follow YAML 1.2: on, 10:30 and 0640 are text.""",
    "schema": """\
A file has a key or a value that its kind of spec does not have; the word behind the slash is JSON Schema's.

Why: a key that nobody reads is a wish that nobody grants.
Fix: see config/schemas/<kind>.schema.json; an editor with a YAML language server completes from it.""",
    "spec": """\
A value has the right form, but cannot be meant, such as a duration of a thousand years.

Why: a slip in a duration or a number makes an alert silent without any error.
Fix: correct the value.""",
    "load": """\
A folder is empty; a file has a name that nobody reads, names a schema that is none, or is to be laid over
something that is not there.

Why: a spec under a wrong name would be left out silently.
Fix: rename, move or remove it as the message says. A YAML file that is for something else is judged by the
schema that its first line names: `# yaml-language-server: $schema=<path>`.""",
    "allow": """\
An exception in bundle.yaml has ended, matches nothing, is too long, or is for a check that allows none.

Why: an exception that outlives its reason hides the next mistake.
Fix: mend the problem and remove the exception; or set another day, at most a year ahead, with the reason.
`of` is the name of what has the problem: a measure, alert, metric, panel id and so on, or <file>/<name>.""",
    "lint": """\
A file given to `tradewatch lint` is no file of Prometheus rules, or something in it is no rule.

Why: what cannot be read was not checked.
Fix: give each rule `alert` or `record`, and `expr`, in `groups: [{name: …, rules: […]}]`.""",
    "promtool": """\
Prometheus' own tool refuses a rendered file, or a test of an alert in it fails.

Why: what it refuses, Prometheus would not load; an alert whose test fails does not do what its spec says.
Fix: for a test read what was expected (exp) and what came (got), then correct the alert or its test.""",
    "amtool": """\
Alertmanager's own tool refuses its rendered configuration, or an alert would go to somebody else.

Why: what it refuses, Alertmanager would not load; a page that goes astray is not a page.
Fix: correct routing.yaml, or the receivers of the environment.""",
    "latency": """\
An alert cannot fire, or cannot be told, as soon as its spec or its severity promises.

Why: a page that comes after the damage is none.
Fix: shorten the step that costs most (`tradewatch latency ALERT` lists them), or promise what can be.""",
    "mutate": """\
What a spec excuses under `equivalent` is no mutant of it, or a test tells it from the rule after all.

Why: a reason that excuses nothing hides the next mutant that it happens to name.
Fix: remove it, or write the mutant word for word as `tradewatch mutate` tells it.""",
    "live": """\
A running Prometheus lacks what the specs stand on: a target, a rule, a metric, or the value of a query.

Why: a query that finds nothing draws nothing and pages nobody, and files alone cannot tell that it does.
Fix: correct the query, or the catalogue, at the place. What has no value although all is well says why:
`may_be_empty: <reason>` at the measure or the query of the panel.""",
    "contract": """\
What a job exports is not what the catalogue says of it: a name, type, label, value, bucket, unit or help.

Why: rules, panels and tests stand on the catalogue; where it is wrong they find nothing, and say nothing.
Fix: correct `metrics.yaml`, or what the exporter exports. What comes later is `planned: true`.""",
    "backtest": """\
A rule cannot be asked of recorded data: Prometheus refuses it, or it cannot be written over raw metrics.

Why: nothing is known then of how it would have fired.
Fix: what Prometheus says. Where it takes too long, ask for a shorter --range. A rule that reads a recorded
name by a pattern, or with @, cannot be asked.""",
    "dashboard": """\
A rendered dashboard does not fit what Grafana publishes of its form, or breaks a rule of good dashboards.

Why: Grafana loads much that it cannot draw, and says nothing.
Fix: correct the panel or the dashboard at the place.""",
}


def documentation() -> dict[str, str]:
    """Return each check's text by its id."""
    return {module.__name__.rpartition(".")[2]: (module.__doc__ or "").strip() for module in CHECKS}


def explanation(name: str) -> str | None:
    """Return the text for the id of a problem, whoever found it."""
    family, slash, _ = name.partition("/")
    return FAMILIES.get(family) if slash else documentation().get(name)


def listed() -> Iterator[str]:
    """Yield a line per check: its id and what it wants."""
    texts = documentation()
    width = max(map(len, texts))
    for name, text in texts.items():
        yield f"{name.ljust(width)}  {text.splitlines()[0]}"


def as_objects() -> list[dict[str, object]]:
    """Return the checks for machines; `lint` tells whether plain rule files are checked by it too."""
    linting = {
        module.__name__.rpartition(".")[2]
        for module in CHECKS
        if any(hasattr(module, name) for name in ("check_query", "check_alarm", "check_groups"))
    }
    return [
        {
            "id": name,
            "summary": text.splitlines()[0],
            "text": text,
            "lint": name in linting | {"query_syntax"},
        }
        for name, text in documentation().items()
    ]
