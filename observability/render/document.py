"""Data to the text of a generated YAML file."""

from typing import Any

import yaml


class _Dumper(yaml.CSafeDumper):
    """CSafeDumper that writes texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def header(made_from: str) -> str:
    """Return the first line of a generated file."""
    return f"# Made from {made_from} by `make generate`; change that, not this.\n"


def to_yaml(made_from: str, data: Any) -> str:
    """Return `data` as YAML under a line that says what it is made from."""
    body = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return header(made_from) + str(body)
