"""The words of shell: quotes, expansions, substitutions and texts given in place."""

import re
from collections.abc import Callable

from observability.shell_parts import Expansion, Simple, Word

_NAME = re.compile(r"[A-Za-z_]\w*")
_ANSI = re.compile(r"\$'(?:[^'\\]|\\.)*'", re.DOTALL)
_SPECIAL = re.compile(r"\d|[@*#?$!-]")
_PLAIN, _QUOTED = re.compile(r"[^\s;|&()<>'\"`$\\]+"), re.compile(r'[^"`$\\]+')
_ENDS = " \t\n;|&()<>"


class _Made:
    """A word that is being read."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.expansions: list[Expansion] = []
        self.commands: list[Simple] = []

    def word(self, raw: str) -> Word:
        return Word(raw, "".join(self.text), tuple(self.expansions), tuple(self.commands))


def _no_commands(cursor: "Cursor", kind: str) -> tuple[Simple, ...]:
    raise ValueError(f"{kind} before any command")


class Cursor:
    """A position in a text of shell, and how to read a word there; raises ValueError with what is missing."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.substitute: Callable[[Cursor, str], tuple[Simple, ...]] = _no_commands

    @property
    def rest(self) -> bool:
        return self.at < len(self.text)

    def peek(self, wanted: str) -> bool:
        return self.text.startswith(wanted, self.at)

    def take(self, count: int) -> str:
        taken = self.text[self.at : self.at + count]
        self.at += count
        return taken

    def skip_blanks(self) -> None:
        while self.rest:
            if self.text[self.at] in " \t":
                self.at += 1
            elif self.peek("\\\n"):
                self.at += 2
            else:
                return

    def skip_space(self) -> None:
        """Skip line feeds and comments as well."""
        self.skip_blanks()
        while self.peek("\n") or self.peek("#"):
            self.at = self.at + 1 if self.peek("\n") else self._line_end()
            self.skip_blanks()

    def skip_line(self) -> None:
        self.at = self._line_end()

    def _line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def word(self) -> Word:
        found = _PLAIN.match(self.text, self.at)
        if found and (found.end() == len(self.text) or self.text[found.end()] in " \t\n;|&)"):
            self.at = found.end()
            return Word.plain(found.group())
        start, made = self.at, _Made()
        while self.rest:
            char = self.text[self.at]
            if char in "<>" and self.text.startswith("(", self.at + 1):
                kind = self.take(2)
                made.commands += self.substitute(self, kind)
                made.text.append(f"{kind}…)")
            elif char in _ENDS:
                break
            elif char == "'":
                made.text.append(self._single())
            elif char == '"':
                self._double(made)
            else:
                self._unquoted(made, char)
        if self.at == start:
            raise ValueError(f"a word is missing before {self.text[start : start + 1]!r}")
        return made.word(self.text[start : self.at])

    def _unquoted(self, made: _Made, char: str) -> None:
        if char == "\\":
            taken = self.take(2)
            made.text.append("" if taken == "\\\n" else taken[1:])
        elif char in "$`":
            self._expansion(made, is_quoted=False)
        else:
            made.text.append(self._run(_PLAIN))

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise ValueError("a ' is not closed")
        return self.take(end + 1 - self.at)[1:-1]

    def _double(self, made: _Made) -> None:
        self.at += 1
        while not self.peek('"'):
            if not self.rest:
                raise ValueError('a " is not closed')
            self._inside_double(made, '$`"\\')
        self.at += 1

    def _inside_double(self, made: _Made, escaped: str) -> None:
        char = self.text[self.at]
        if char == "\\":
            taken = self.take(2)
            made.text.append(taken[1:] if taken[1:] in escaped else "" if taken == "\\\n" else taken)
        elif char in "$`":
            self._expansion(made, is_quoted=True)
        else:
            made.text.append(self._run(_QUOTED))

    def _run(self, pattern: re.Pattern[str]) -> str:
        """Take all that the pattern matches, and one character at least."""
        found = pattern.match(self.text, self.at)
        return self.take(len(found.group()) if found else 1)

    def _expansion(self, made: _Made, *, is_quoted: bool) -> None:
        start = self.at
        if self.peek("`"):
            self._backticks(made)
        elif self.peek("$(("):
            self.at += 1
            made.expansions += self.arithmetic().expansions
            made.text.append("$((…))")
        elif self.peek("$("):
            made.commands += self.substitute(self, self.take(2))
            made.text.append("$(…)")
        elif self.peek("${"):
            self._braces(made)
            made.text.append(self.text[start : self.at])
        elif self.peek("$'") and not is_quoted:
            if not (found := _ANSI.match(self.text, self.at)):
                raise ValueError("a $' is not closed")
            made.text.append(self.take(len(found.group()))[2:-1])
        elif self.peek('$"') and not is_quoted:
            self.at += 1
        elif found := _NAME.match(self.text, self.at + 1) or _SPECIAL.match(self.text, self.at + 1):
            self.at = found.end()
            made.expansions.append(Expansion(found.group()))
            made.text.append(f"${found.group()}")
        else:
            made.text.append(self.take(1))

    def _backticks(self, made: _Made) -> None:
        found = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, self.at)
        if not found:
            raise ValueError("a ` is not closed")
        self.at = found.end()
        inner = Cursor(re.sub(r"\\([$`\\])", r"\1", found[1]) + ")")
        made.commands += self.substitute(inner, "$(")
        made.text.append("$(…)")

    def _braces(self, made: _Made) -> None:
        self.at += 2
        prefix = ""
        if self.text[self.at : self.at + 1] in ("#", "!") and not self.text.startswith("}", self.at + 1):
            prefix = self.take(1)
        found = _NAME.match(self.text, self.at) or re.compile(r"\d+|[@*#?$!-]").match(self.text, self.at)
        if not found:
            raise ValueError("${ without a name")
        self.at = found.end()
        if self.peek("["):
            self._until(made, "]", is_text=False)
        operator = re.compile(r":?[-=?+]|[#%/^,@:]*").match(self.text, self.at)
        kind = "length" if prefix == "#" else operator.group() if operator else ""
        made.expansions.append(Expansion(found.group(), kind))
        self._until(made, "}", is_text=False)

    def _until(self, made: _Made, end: str, *, is_text: bool = True) -> None:
        """Read on to the bracket that closes what stands here, with all that is expanded on the way."""
        start, kept, depth = self.at, list(made.text), 0
        opening = {")": "(", "]": "[", "}": "{"}[end]
        while True:
            if not self.rest:
                raise ValueError(f"{end!r} is missing")
            char = self.text[self.at]
            if char == "'" and end != "}":
                self._single()
            elif char == '"':
                self._double(made)
            elif char in "\\$`":
                self._unquoted(made, char)
            else:
                self.at += 1
                depth += (char == opening) - (char == end)
                if char == end and depth <= 0:
                    break
        made.text[:] = [*kept, self.text[start : self.at]] if is_text else kept

    def arithmetic(self) -> Word:
        """Read `((…))`."""
        start, made, depth = self.at, _Made(), 0
        while True:
            if not self.rest:
                raise ValueError("'))' is missing")
            char = self.text[self.at]
            if char in "$`":
                self._expansion(made, is_quoted=True)
            elif found := _NAME.match(self.text, self.at):
                self.at = found.end()
                made.expansions.append(Expansion(found.group()))
            elif char.isdigit():
                self.at += len(re.compile(r"[\w#]+").match(self.text, self.at).group())  # type: ignore[union-attr]
            else:
                self.at += 1
                depth += (char == "(") - (char == ")")
                if char == ")" and depth == 0:
                    break
        raw = self.text[start : self.at]
        return Word(raw, raw[2:-2].strip(), tuple(made.expansions), tuple(made.commands))

    def array(self, head: Word) -> Word:
        """Read `(…)` behind `NAME=`."""
        start, made = self.at, _Made()
        self.at += 1
        self.skip_space()
        while not self.peek(")"):
            if not self.rest:
                raise ValueError("')' is missing")
            word = self.word()
            made.text += [word.text, " "]
            made.expansions += word.expansions
            made.commands += word.commands
            self.skip_space()
        self.at += 1
        whole = made.word(head.raw + self.text[start : self.at])
        return Word(whole.raw, head.text + whole.text.strip(), whole.expansions, whole.commands)

    def test(self) -> list[Word]:
        """Read the rest of `[[ … ]]`."""
        words: list[Word] = []
        while not (words and words[-1].raw == "]]"):
            self.skip_space()
            if not self.rest:
                raise ValueError("']]' is missing")
            if found := re.compile(r"&&|\|\||[<>()|&;]+").match(self.text, self.at):
                words.append(Word.plain(self.take(len(found.group()))))
            else:
                words.append(self.word())
        return words

    def heredoc(self, end: str, is_plain: bool, is_indented: bool) -> Word:
        """Read the text up to the line `end`; a plain one has no expansions."""
        lines: list[str] = []
        while self.rest:
            stop = self._line_end()
            line = self.text[self.at : stop]
            self.at = min(stop + 1, len(self.text))
            if (line.lstrip("\t") if is_indented else line) == end:
                return _body("".join(lines), is_plain, self.substitute)
            lines.append(f"{line}\n")
        raise ValueError(f"nothing ends the text <<{end}")


def _body(text: str, is_plain: bool, substitute: Callable[[Cursor, str], tuple[Simple, ...]]) -> Word:
    if is_plain:
        return Word(text, text)
    cursor, made = Cursor(text), _Made()
    cursor.substitute = substitute
    while cursor.rest:
        cursor._inside_double(made, "$`\\")
    return made.word(text)
