"""The documentation of the checks, which is their docstrings."""

from collections.abc import Iterator

from observability.checks import CHECKS


def documentation() -> dict[str, str]:
    """Return each check's text by its id."""
    return {module.__name__.rpartition(".")[2]: (module.__doc__ or "").strip() for module in CHECKS}


def listed() -> Iterator[str]:
    """Yield a line per check: its id and what it wants."""
    texts = documentation()
    width = max(map(len, texts))
    for name, text in texts.items():
        yield f"{name.ljust(width)}  {text.splitlines()[0]}"
