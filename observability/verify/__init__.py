"""Judgement on the rendered files before anything is written: promtool, amtool, bash, dashboards' rules."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from config.spec.model import Project
from config.spec.problem import Problem
from observability.verify import alertmanager, dashboards, prometheus, scripts
from observability.write import lay_out


def verify(project: Project, files: Mapping[str, str], schemas: Path | None = None) -> list[Problem]:
    """Return what the tools and rules say against the files, which are laid out in a temporary folder.

    `schemas` is the folder of the schema files that Grafana publishes, if they are at hand.
    """
    with tempfile.TemporaryDirectory(prefix="tradewatch-") as folder:
        out = Path(folder)
        lay_out(out, files)
        tools = [*prometheus.verify(project, files, out), *alertmanager.verify(project, out)]
        tools += scripts.verify(project, files, out)
        return [*tools, *dashboards.verify(project, files, schemas)]
