"""Shell read into commands: what belongs together, what is expanded, and what real bash refuses as well."""

import subprocess
from pathlib import Path

import pytest

from observability.shell import ShellError, parse
from observability.shell_calls import calls

WHOLE = (
    "a | b && c; d &",
    "x=$(a \"$(b 'c)')\")\n# it's a comment\n",
    "f() { a; }\nfunction g { b; }\nf",
    "if ! a; then b; elif c; then d; else e; fi | f",
    "case $x in a|b) c ;; (d) e ;& *) ;; esac",
    "for ((i = 0; i < 3; i++)); do a; done; until b; do c; done <<<x",
    "for x in a b\ndo c; done",
    "cat <<A; cat <<-'B'\n$(x) \\$y\nA\n\t$z\n\tB\n",
    "a=(1 '2' # three\n \"$b\"); ((a[0]++)); [[ $a =~ ^(b|c)$ && -n $d ]]",
    "echo ${a:-$(b)} ${#a} ${a[@]} ${a//\\}/x} $'it\\'s' \"`c \\`d\\``\" $((1 + ${x:-2})) a#b",
    "diff <(a) <(b) >/dev/null 2>&1; exec {fd}<>file 3>&-",
    "! a; time b; { c; } >d; (e)",
)
BROKEN = (
    "a '",
    'a "$(b"',
    "a $(b",
    "if a; then b",
    "fi",
    "a )",
    "{ a",
    "case x in a) b",
    "a <<X\nb",
    "a ((b)",
)


@pytest.mark.parametrize("text", WHOLE)
def test_what_bash_reads_is_read(text: str) -> None:
    assert _bash_reads(text)
    assert parse(text).commands


@pytest.mark.parametrize("text", BROKEN)
def test_what_bash_refuses_is_refused(text: str) -> None:
    assert not _bash_reads(text)
    with pytest.raises(ShellError):
        parse(text)


def test_our_own_scripts_are_read(root: Path) -> None:
    scripts = [*root.glob("scripts/*.sh"), *root.glob("config/runbooks/lib/*.sh"), root / ".ci" / "run"]
    for script in scripts:
        assert parse(script.read_text("utf-8")).commands, script


def test_quotes_expansions_and_substitutions_are_told_apart() -> None:
    inner, outer = parse("""a "$X ${Y:?} \\$N" '$N' ${#Z} "$(b $V)" 2>$W""").commands
    assert [(one.name, one.operator) for word in outer.all_words for one in word.expansions] == [
        ("X", ""),
        ("Y", ":?"),
        ("Z", "length"),
        ("W", ""),
    ]
    assert [word.text for word in outer.words] == ["a", "$X ${Y:?} $N", "$N", "${#Z}", "$(…)"]
    assert (str(inner), inner.inside, inner.words[1].expansions[0].name) == ("b $V", "$(", "V")


def test_a_text_given_in_place_is_expanded_unless_its_end_is_quoted() -> None:
    for end, expanded in (("S", ["X"]), ("'S'", [])):
        [command] = parse(f"psql <<{end}\nselect '$X'\nS\n").commands
        assert [one.name for word in command.all_words for one in word.expansions] == expanded


def test_a_group_is_piped_and_redirected_as_a_whole() -> None:
    piped = parse("{ a; b; } | c\nwhile a; do b; done >d\ne").commands
    assert [(str(one), one.is_piped, len(one.redirects)) for one in piped] == [
        ("a", True, 0),
        ("b", True, 0),
        ("c", False, 0),
        ("a", False, 1),
        ("b", False, 1),
        ("e", False, 0),
    ]


def test_commands_know_their_neighbours_and_what_they_are_asked_for() -> None:
    first, second, third, fourth = parse("if a; then b || true; fi\n! c").commands
    assert (first.asks, second.asks, second.after, third.before) == ("if", "", "||", "||")
    assert fourth.negated


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("timeout -k 1 5 docker compose -f x exec -T -u app db timeout 3 psql -X", "psql"),
        ("sudo -u postgres env A=b nice -n 5 psql", "psql"),
        ("kubectl -n x exec deploy/y -c z -- psql -c 'select 1'", "psql"),
        ("docker exec -e A c sh -ec 'a; psql $B'", "psql"),
        ("/usr/bin/psql", "psql"),
        ("a | xargs -r -n 1 psql", "psql"),
    ],
)
def test_what_is_handed_on_is_a_call(text: str, called: str) -> None:
    assert [call for call in calls(parse(text).commands) if call.name == called]


def test_options_are_found_alone_in_a_bundle_and_with_a_value() -> None:
    [call] = calls(parse("psql -XAt --set=A=1 -c x").commands)
    assert [call.has(one) for one in ("-X", "-t", "--set", "-w", "--no-psqlrc")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def _bash_reads(text: str) -> bool:
    done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, check=False, text=True)
    # Of a text without its end bash only warns, and takes the rest of the file.
    return done.returncode == 0 and "here-document" not in done.stderr
