"""What runs in a container has its timeout inside: `docker exec CONTAINER timeout 5 COMMAND`.

Why: a timeout around `docker exec`, `docker compose exec` or `kubectl exec` ends the client alone. The
command goes on in the container, and the next attempt is a second one.
Fix: put `timeout` behind the name of the container, with what `left_seconds` gives.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_steps import pieces

_EXECS = ("exec", "compose exec")


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for call in piece.calls:
            engine = call.engine()
            if not engine or engine[0] not in _EXECS:
                continue
            inner = [word.text.rpartition("/")[2] for word in engine[1]]
            if "timeout" in inner or any("statement_timeout" in one for one in inner):
                continue
            if "timeout" in call.by:
                text = "its timeout ends the client, and what runs in the container goes on"
            else:
                text = "what runs in the container has no timeout"
            yield Finding(piece.place, f"`{call}`: {text}; put `timeout` behind the container's name")
