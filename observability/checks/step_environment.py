"""No step prints a whole environment, or traces what it runs.

Why: `docker inspect`, `docker compose config`, `env`, `printenv`, `export -p` and `systemctl show` print
every secret that a program was started with; `set -x` prints each one as it is used, and `curl -v` each
header.
Fix: ask for the one thing: `docker inspect --format '{{.State.Status}}'`, `docker compose config --services`,
a pipe into `json`; or for names without values: `env | cut -d= -f1`.
"""

import re
from collections.abc import Iterator, Sequence

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_parts import Simple
from observability.shell_steps import pieces

_FILTERS = {"json", "jq", "wc", "cut", "sha256sum", "cksum"}
_CONFIG = (
    "--services",
    "--images",
    "--volumes",
    "--networks",
    "--profiles",
    "--hash",
    "-q",
    "--quiet",
    "--no-interpolate",
)
_ENVIRONMENT = re.compile(r"(.*/)?\.env(\.\w+)?|/proc/[^/]+/environ")
_ALL = re.compile(r"\{\{\s*(json\s+)?\.(Config(\.Env)?)?\s*\}\}|\.Config\.Env")


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for call in piece.calls:
            if _traces(call):
                yield Finding(piece.place, f"`{call}` prints each secret as it is used")
            elif _shows_all(call) and not _is_filtered(call.command, piece.commands):
                yield Finding(piece.place, f"`{call}` prints secrets; ask for what is needed alone")


def _traces(call: Call) -> bool:
    options = [one for one in call.arguments if one.startswith("-")]
    if call.name == "set":
        return any(re.fullmatch(r"-[a-z]*[xv][a-z]*", one) for one in options) or call.arguments[:2] == [
            "-o",
            "xtrace",
        ]
    if call.name in ("bash", "sh"):
        return any(re.fullmatch(r"-[a-z]*x[a-z]*", one) for one in options)
    return call.name == "curl" and call.has("-v", "--verbose", "--trace", "--trace-ascii")


def _shows_all(call: Call) -> bool:
    arguments = call.arguments
    if engine := call.engine():
        verb, rest = engine
        if verb == "inspect":
            texts = [word.text for word in rest]
            has_format = any(re.match(r"-f|--format", one) for one in texts)
            return not has_format or any(_ALL.search(one) for one in texts)
        if verb in ("compose config", "compose convert"):
            return not any(word.text.startswith(_CONFIG) for word in rest)
        return (
            call.name == "kubectl"
            and verb == "get"
            and any(w.text.startswith("secret") for w in rest)
            and any(re.match(r"-o|--output", word.text) for word in rest)
        )
    match call.name:
        case "env" | "printenv" | "set":
            return not arguments
        case "export":
            return not arguments or arguments == ["-p"]
        case "declare" | "typeset":
            return not arguments or arguments in (["-p"], ["-x"], ["-px"])
        case "systemctl":
            return arguments[:1] == ["show"] and not call.has("-p", "--property")
        case "cat" | "head" | "tail" | "less" | "strings" | "xargs":
            return any(_ENVIRONMENT.fullmatch(one) for one in arguments)
    return False


def _is_filtered(command: Simple, commands: Sequence[Simple]) -> bool:
    """Whether the next program of the pipe lets only a part through."""
    at = next((index for index, one in enumerate(commands) if one is command), None)
    if at is None or command.after != "|" or at + 1 == len(commands):
        return any(
            one.operator.startswith(">") and one.target.text == "/dev/null" for one in command.redirects
        )
    following = commands[at + 1]
    options = [word.text for word in following.words if word.text.startswith("-")]
    counts = following.name == "grep" and any(
        re.fullmatch(r"-[a-zA-Z]*[qc][a-zA-Z]*", one) for one in options
    )
    return following.name in _FILTERS or counts
