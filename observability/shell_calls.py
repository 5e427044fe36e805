"""What a command calls in the end: what `timeout`, `docker exec`, `sh -c` and such hand on is a call, too."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from observability.shell import ShellError, Simple, Word, parse

# Programs that run another one, and their options that take a value.
_WRAPPERS = {
    "env": ("-u", "--unset", "-C", "--chdir", "-S"),
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T"),
    "timeout": ("-k", "-s", "--kill-after", "--signal"),
    "nice": ("-n", "--adjustment"),
    "ionice": ("-c", "-n"),
    "nohup": (),
    "setsid": (),
    "stdbuf": ("-o", "-i", "-e"),
    "xargs": ("-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"),
    "flock": ("-w", "-E", "--timeout"),
    "watch": ("-n", "--interval"),
    "command": (),
    "builtin": (),
    "exec": ("-a",),
    "time": (),
}
PROGRAMS = frozenset(_WRAPPERS) - {"command", "builtin", "exec", "time"}
_OWN_OPERANDS = {"timeout": 1, "flock": 1}
_ENGINES = {"docker", "podman", "docker-compose", "podman-compose", "kubectl"}
_ENGINE_VALUES = {
    *("-H", "--host", "-c", "--context", "-l", "--log-level", "--config"),
    *("-f", "--file", "-p", "--project-name", "--profile", "--project-directory", "--env-file"),
    *("--ansi", "--progress", "--parallel", "-n", "--namespace", "--kubeconfig", "--cluster", "--user"),
}
_EXEC_VALUES = {"-e", "--env", "--env-file", "-u", "--user", "-w", "--workdir", "--detach-keys", "--index"}
_SHELLS = {"sh", "bash", "dash", "ash"}
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """A program or function with its arguments; its name is without a folder.

    `by` are the programs around it, the outermost first; `command` is where it stands in the piece of shell.
    """

    name: str
    words: tuple[Word, ...]
    by: tuple[str, ...]
    command: Simple

    @property
    def arguments(self) -> list[str]:
        return [word.text for word in self.words[1:]]

    def has(self, *options: str) -> bool:
        """Whether one of the options is given: `-x`, also in `-axb`; `--long`, also as `--long=value`."""
        for given in self.arguments:
            for option in options:
                if given == option or (option.startswith("--") and given.startswith(f"{option}=")):
                    return True
                is_short = len(option) == 2 and re.match(r"-[A-Za-z0-9]", given)
                if is_short and not given.startswith("--") and option[1] in given[1:]:
                    return True
        return False

    def engine(self) -> tuple[str, tuple[Word, ...]] | None:
        """Return what of `docker compose restart bot` is done, such as `compose restart`, and to what."""
        if self.name not in _ENGINES:
            return None
        verb, rest = _verb(self.words[1:], _ENGINE_VALUES)
        parts = ["compose"] * self.name.endswith("-compose")
        if verb == "compose":
            parts, (verb, rest) = ["compose"], _verb(rest, _ENGINE_VALUES)
        elif verb in ("container", "service", "volume", "network", "system", "image", "rollout"):
            parts, (verb, rest) = [verb] * (verb != "container"), _verb(rest, _ENGINE_VALUES)
        return " ".join([*parts, verb]), rest

    def __str__(self) -> str:
        return " ".join(word.raw for word in self.words)


def calls(commands: Iterable[Simple]) -> Iterator[Call]:
    """Yield every call of the commands; of `timeout 5 sh -c 'a; b'` all four."""
    for command in commands:
        if command.words and command.name not in ("for", "select", "case", "[[", "(("):
            yield from _unfolded(command.words, (), command)


def _unfolded(words: tuple[Word, ...], by: tuple[str, ...], command: Simple) -> Iterator[Call]:
    call = Call(words[0].text.rpartition("/")[2], words, by, command)
    yield call
    inner = _handed_on(call)
    if inner:
        yield from _unfolded(inner, (*by, _label(call)), command)
    elif call.name in _SHELLS or call.name == "eval":
        yield from _of_text(call)


def _label(call: Call) -> str:
    engine = call.engine()
    return f"{call.name} {engine[0]}" if engine else call.name


def _handed_on(call: Call) -> tuple[Word, ...]:
    if engine := call.engine():
        verb, rest = engine
        if not verb.endswith("exec"):
            return ()
        if call.name == "kubectl":
            texts = [word.text for word in rest]
            return rest[texts.index("--") + 1 :] if "--" in texts else ()
        return _after_options(rest, _EXEC_VALUES)[1:]
    if call.name not in _WRAPPERS:
        return ()
    rest = _after_options(call.words[1:], _WRAPPERS[call.name])
    if call.name in ("env", "sudo"):
        while rest and _ASSIGNED.match(rest[0].text):
            rest = rest[1:]
    return rest[_OWN_OPERANDS.get(call.name, 0) :]


def _after_options(words: tuple[Word, ...], with_value: Iterable[str]) -> tuple[Word, ...]:
    at = 0
    while at < len(words) and words[at].text.startswith("-") and words[at].text != "-":
        if words[at].text == "--":
            return words[at + 1 :]
        at += 2 if words[at].text in with_value else 1
    return words[at:]


def _verb(words: tuple[Word, ...], with_value: Iterable[str]) -> tuple[str, tuple[Word, ...]]:
    rest = _after_options(words, with_value)
    return (rest[0].text, rest[1:]) if rest else ("", ())


def _of_text(call: Call) -> Iterator[Call]:
    """Read the text behind `-c`, where it is one that can be read."""
    for option, text in zip(call.words[1:], call.words[2:], strict=False):
        if re.fullmatch(r"-[a-z]*c", option.text):
            try:
                commands = parse(text.text).commands
            except ShellError:
                return
            for inner in calls(commands):
                yield Call(inner.name, inner.words, (*call.by, call.name, *inner.by), inner.command)
            return
