"""Put programs into .tools/bin: links, or small wrappers that exec the real program and so keep the pid."""

import json
import os
from pathlib import Path

from scripts.fetch.spec import SourceError, Tool

# Debian's alertmanager has this path compiled in and its templates there; we may not write there.
BUILT_IN = b"/usr/share/prometheus/alertmanager"
# Instead it gets a path of the same length, which names a descriptor that the wrapper opens on the templates.
# So it works wherever the checkout lies and whatever the working directory is, for any number of processes.
DESCRIPTOR = 9

WRAPPER = """#!/bin/sh
# Made by scripts/tools.py.
here=$(dirname "$(readlink -f "$0")")
{body}
"""


def link(folder: Path, name: str, target: Path) -> None:
    """A symbolic link, relative within .tools so that the checkout can move; replaced in one step."""
    inside = target.is_relative_to(folder.parent)
    new = folder / f".{name}.new"
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(target, folder) if inside else target)
    new.replace(folder / name)


def wrap(folder: Path, name: str, body: str) -> None:
    new = folder / f".{name}.new"
    new.unlink(missing_ok=True)
    new.write_text(WRAPPER.format(body=body))
    new.chmod(0o755)
    new.replace(folder / name)


def place(tool: Tool, folder: Path, files: Path, source: str) -> None:
    """The tool's programs from the directory they were put into."""
    for program in tool.programs:
        target = files / program.name if source != "debian" else files / program.debian
        if tool.templates and source == "debian" and redirect(target):
            _wrap_with_templates(folder, program.name, target, files / tool.templates)
        elif tool.templates and source == "debian" and program.name == "amtool":
            _wrap_amtool(folder, target, files / tool.templates)
        else:
            link(folder, program.name, target)


def redirect(binary: Path) -> bool:
    """Overwrite the compiled-in path by a descriptor's; whether it was there at all."""
    content = binary.read_bytes()
    if BUILT_IN not in content:
        return False
    path = f"/proc/self/fd/{DESCRIPTOR}".encode()
    new = binary.with_name(f".{binary.name}.new")
    new.write_bytes(content.replace(BUILT_IN, path + b"/" * (len(BUILT_IN) - len(path))))
    new.chmod(0o755)
    new.replace(binary)
    return True


def _wrap_with_templates(folder: Path, name: str, target: Path, templates: Path) -> None:
    if not (templates / "default.tmpl").is_file():
        raise SourceError(f"{name} has its templates elsewhere than expected")
    binary, directory = (quoted(part, folder) for part in (target, templates))
    wrap(folder, name, f'exec {DESCRIPTOR}<{directory}\nexec {binary} "$@"')


def _wrap_amtool(folder: Path, target: Path, templates: Path) -> None:
    """Debian's amtool never reads the default templates: name them, first, so that others may override."""
    binary, directory = (quoted(part, folder) for part in (target, templates))
    body = f"""if [ "${{1-}} ${{2-}}" = "template render" ]; then
    shift 2
    set -- template render --template.glob={directory}"/*.tmpl" "$@"
fi
exec {binary} "$@\""""
    wrap(folder, "amtool", body)


def quoted(target: Path, folder: Path) -> str:
    """A path for a wrapper, relative to where the wrapper lies."""
    relative = os.path.relpath(target, folder).replace("'", "'\\''")
    return f"\"$here\"/'{relative}'"


def note(tools: Path, name: str, source: str, version: str) -> None:
    """Remember what was taken, for the next run to say."""
    new = tools / f"{name}.json.new"
    new.write_text(json.dumps({"source": source, "version": version}) + "\n")
    new.replace(tools / f"{name}.json")


def noted_source(tools: Path, name: str) -> str:
    try:
        return str(json.loads((tools / f"{name}.json").read_text())["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
