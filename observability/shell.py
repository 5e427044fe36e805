"""Bash to simple commands: words with their quotes, expansions, redirections, and what joins the commands.

It is read, and never run. Known limits: aliases are not followed, the patterns of `case` are left out,
the inside of `[[ ]]` is words, of arithmetic only the names are kept, and what is put together at run time
stays text.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from observability.shell_parts import Expansion, Redirect, Script, Simple, Word
from observability.shell_words import Cursor

__all__ = ["Expansion", "Redirect", "Script", "ShellError", "Simple", "Word", "parse"]

_OPERATOR = re.compile(r";;&|;;|;&|&&|\|\||\|&|[;|&](?!>)")
_REDIRECT = re.compile(
    r"(?P<fd>\d+|\{\w+(?:\[\w+\])?\})?(?P<op><<<|<<-|<<|<>|>>|>\||>&|<&|&>>|&>|<(?!\()|>(?!\())"
)
_FUNCTION = re.compile(r"(?P<name>[A-Za-z_][\w-]*)[ \t]*\([ \t]*\)")
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:\[[^]]*\])?\+?=")
_SPECIAL = "\n#;|&()<>{0123456789"  # what may begin anything but a word
_COPROCESS = re.compile(r"[A-Za-z_]\w*(?=[ \t]+[({])")
_BRACKETS = re.compile(r"\([ \t]*\)")
_OPENING = {
    "if": "fi",
    "while": "done",
    "until": "done",
    "for": "done",
    "select": "done",
    "{": "}",
    "case": "esac",
}
_CLOSING = {"fi", "done", "}", "esac"}
_MIDDLE = {"then", "else", "elif", "do"}
_ASKING = {"if", "elif", "while", "until"}


class ShellError(Exception):
    """The text is no shell; says what is missing."""


@dataclass(slots=True)
class _Group:
    closed_by: str
    first: int
    function: str | None
    asks: str = ""
    is_pattern: bool = False


@dataclass(slots=True)
class _Draft:
    """The command that is being read."""

    before: str = ""
    asks: str = ""
    negated: bool = False
    words: list[Word] = field(default_factory=list)
    assigned: list[tuple[str, Word]] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.assigned or self.redirects)


@lru_cache(4096)
def parse(text: str) -> Script:
    """Return the commands of a piece of shell, those of substitutions before the command that holds them."""
    cursor = Cursor(text)
    try:
        reader = _Reader(cursor, "")
        reader.read()
    except RecursionError:
        raise ShellError("it is nested too deep") from None
    except ValueError as error:
        raise ShellError(str(error)) from None
    return Script(tuple(reader.commands), reader.functions)


class _Reader:
    """One pass over a list of commands, up to the bracket that closes it."""

    def __init__(self, cursor: Cursor, inside: str, function: str | None = None) -> None:
        self.cursor, self.inside, self.function = cursor, inside, function
        self.commands: list[Simple] = []
        self.functions: dict[str, tuple[Simple, ...]] = {}
        self.groups: list[_Group] = []
        self.named: str | None = None
        self.heredocs: list[tuple[Redirect, bool, bool]] = []
        self.closed: _Group | None = None
        self.draft = _Draft()
        cursor.substitute = self.substitute

    def substitute(self, cursor: Cursor, kind: str) -> tuple[Simple, ...]:
        inner = _Reader(cursor, kind, self.function)
        inner.read()
        cursor.substitute = self.substitute
        return tuple(inner.commands)

    def read(self) -> None:
        cursor = self.cursor
        self.draft = _Draft()
        while True:
            cursor.skip_blanks()
            if not cursor.rest:
                break
            if cursor.text[cursor.at] not in _SPECIAL and self.draft.words and not self.is_pattern:
                self.word()
            elif cursor.peek("\n"):
                self.newline()
            elif cursor.peek("#"):
                cursor.skip_line()
            elif self.inside and cursor.peek(")") and not self.groups:
                cursor.take(1)
                self.finish(";")
                return
            elif self.is_pattern:
                self.pattern()
            elif found := _OPERATOR.match(cursor.text, cursor.at):
                cursor.take(len(found.group()))
                self.operator(found.group())
            elif self.bracket():
                continue
            elif found := _REDIRECT.match(cursor.text, cursor.at):
                cursor.take(len(found.group()))
                self.redirect(found["op"], found["fd"] or "")
            else:
                self.word()
        self.finish(";")
        if self.heredocs:
            raise ValueError(f"nothing ends the text <<{self.heredocs[0][0].target.text}")
        if self.groups:
            raise ValueError(f"{self.groups[-1].closed_by!r} is missing")
        if self.inside:
            raise ValueError("')' is missing")

    @property
    def is_pattern(self) -> bool:
        return bool(self.groups) and self.groups[-1].is_pattern

    def newline(self) -> None:
        self.cursor.take(1)
        self.finish(";")
        for redirect, is_plain, is_indented in self.heredocs:
            redirect.body = self.cursor.heredoc(redirect.target.text, is_plain, is_indented)
        self.heredocs.clear()

    def operator(self, operator: str) -> None:
        if operator.startswith(";") and operator != ";":
            self.finish(";")
            if not (self.groups and self.groups[-1].closed_by == "esac"):
                raise ValueError(f"{operator!r} outside of case")
            self.groups[-1].is_pattern = True
        else:
            self.finish("|" if operator == "|&" else operator)

    def bracket(self) -> bool:
        """Read a bracket that opens or closes a group, or heads a function."""
        cursor = self.cursor
        if self.draft.is_empty and cursor.peek("(("):
            self.draft.words += [Word.plain("(("), cursor.arithmetic()]
            return True
        if self.draft.is_empty and (found := _FUNCTION.match(cursor.text, cursor.at)):
            cursor.take(len(found.group()))
            self.named = found["name"]
            return True
        if self.draft.is_empty and cursor.peek("("):
            cursor.take(1)
            self.open(")")
            return True
        if cursor.peek(")"):
            cursor.take(1)
            self.close(")")
            return True
        if cursor.peek("("):
            raise ValueError("'(' where none can be")
        return False

    def redirect(self, operator: str, fd: str) -> None:
        self.cursor.skip_blanks()
        target = self.cursor.word()
        redirect = Redirect(operator, fd, target)
        if operator in ("<<", "<<-"):
            self.heredocs.append((redirect, target.raw != target.text, operator == "<<-"))
        if self.closed is not None:
            for command in self.commands[self.closed.first :]:
                command.redirects += (redirect,)
        else:
            self.draft.redirects.append(redirect)
        for nested in target.commands:
            self.add(nested)

    def word(self) -> None:
        cursor, draft = self.cursor, self.draft
        word = cursor.word()
        if draft.is_empty and self.keyword(word.raw):
            return
        if not draft.words and (found := _ASSIGNED.match(word.raw)):
            if word.raw == found.group() and cursor.peek("("):
                word = cursor.array(word)
            draft.assigned.append((found["name"], word))
        else:
            draft.words.append(word)
            if word.raw == "[[" and len(draft.words) == 1:
                draft.words += cursor.test()
            elif _ASSIGNED.fullmatch(word.raw) and cursor.peek("("):
                draft.words[-1] = cursor.array(word)

    def keyword(self, word: str) -> bool:
        """Read a reserved word at the head of a command; tell whether it was one."""
        draft = self.draft
        if word == "!":
            draft.negated = True
        elif word in _MIDDLE:
            if not self.groups:
                raise ValueError(f"{word!r} without a beginning")
            draft.asks = self.groups[-1].asks = word if word in _ASKING else ""
        elif word in _OPENING:
            self.open(_OPENING[word], word if word in _ASKING else "")
            if word in ("for", "select"):
                self.loop()
            elif word == "case":
                self.case()
        elif word in _CLOSING:
            self.close(word)
        elif word == "function":
            self.cursor.skip_blanks()
            self.named = self.cursor.word().text
            self.cursor.skip_blanks()
            if found := _BRACKETS.match(self.cursor.text, self.cursor.at):
                self.cursor.take(len(found.group()))
        elif word == "coproc":
            self.cursor.skip_blanks()
            if found := _COPROCESS.match(self.cursor.text, self.cursor.at):
                self.cursor.take(len(found.group()))
        else:
            return word == "time"
        return True

    def loop(self) -> None:
        cursor = self.cursor
        cursor.skip_blanks()
        if cursor.peek("(("):
            self.draft.words += [Word.plain("for"), Word.plain("(("), cursor.arithmetic()]
            return
        name = cursor.word()
        cursor.skip_blanks()
        values: list[Word] = []
        if cursor.peek("in") and cursor.word().raw == "in":
            cursor.skip_blanks()
            while cursor.rest and not cursor.peek("\n") and not cursor.peek(";"):
                values.append(cursor.word())
                cursor.skip_blanks()
        self.draft.words += [Word.plain("for"), name, *values]

    def case(self) -> None:
        cursor = self.cursor
        cursor.skip_blanks()
        self.draft.words += [Word.plain("case"), cursor.word()]
        cursor.skip_space()
        if cursor.word().raw != "in":
            raise ValueError("'in' is missing behind case")
        self.finish(";")
        self.groups[-1].is_pattern = True

    def pattern(self) -> None:
        cursor = self.cursor
        cursor.skip_space()
        if cursor.peek("esac"):
            cursor.take(4)
            self.groups[-1].is_pattern = False
            self.close("esac")
            return
        if cursor.peek("("):
            cursor.take(1)
        while not cursor.peek(")"):
            cursor.skip_space()
            if not cursor.rest:
                raise ValueError("'esac' is missing")
            if cursor.peek("|"):
                cursor.take(1)
            elif not cursor.peek(")"):
                cursor.word()
        cursor.take(1)
        self.groups[-1].is_pattern = False

    def open(self, closed_by: str, asks: str = "") -> None:
        name, self.named = self.named, None
        self.groups.append(_Group(closed_by, len(self.commands), self.function, asks))
        if name:
            self.function = name
            self.functions.setdefault(name, ())
        self.draft.asks, self.draft.before = asks, ""

    def close(self, word: str) -> None:
        self.finish(";")
        if not self.groups or self.groups[-1].closed_by != word:
            raise ValueError(f"{word!r} where none can be")
        group = self.groups.pop()
        if self.function != group.function and self.function is not None:
            self.functions[self.function] = tuple(self.commands[group.first :])
        self.function = group.function
        self.closed = group

    def finish(self, operator: str) -> None:
        draft, closed = self.draft, self.closed
        if not draft.is_empty:
            parts = [*draft.words, *(word for _, word in draft.assigned)]
            for nested in (one for word in parts for one in word.commands):
                self.add(nested)
            command = Simple(
                words=tuple(draft.words),
                assigned=tuple(draft.assigned),
                redirects=tuple(draft.redirects),
                before=draft.before,
                after=operator,
                asks=draft.asks or (self.groups[-1].asks if self.groups else ""),
                negated=draft.negated,
                inside=self.inside,
                function=self.function,
                is_piped=operator == "|",
                depth=len(self.groups),
            )
            self.add(command)
        elif closed is not None:
            for command in self.commands[closed.first :]:
                command.is_piped |= operator == "|"
        self.closed = None
        self.draft = _Draft(before=operator)

    def add(self, command: Simple) -> None:
        self.commands.append(command)
