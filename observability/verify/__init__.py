"""Judgement by the real tools: promtool and amtool on the rendered files, before anything is written."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from config.spec.model import Project
from config.spec.problem import Problem
from observability.verify import alertmanager, prometheus
from observability.write import write


def verify(project: Project, files: Mapping[str, str]) -> list[Problem]:
    """Return what the tools say against the files; they are laid out in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="tradewatch-") as folder:
        out = Path(folder)
        write(out, files)
        return [*prometheus.verify(project, out), *alertmanager.verify(project, out)]
