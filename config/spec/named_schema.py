"""Validates a YAML file that the compiler does not know by the JSON Schema that its own first line names."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

from config.spec.problem import Place, Problem
from config.spec.schema import load_schema, validate
from config.spec.source import Source

# What editors with a YAML language server read too.
_FIRST_LINE = re.compile(r"#\s*yaml-language-server:\s*\$schema=(\S+)")


def schema_named_in(source: Source) -> str | None:
    """Return the schema that the first line names, or None."""
    found = _FIRST_LINE.match(source.text)
    return found[1] if found else None


def validate_by(schema: str, source: Source, folder: Path) -> list[Problem]:
    """Return what the schema says against the file; `folder` is where the file lies.

    A schema that lies elsewhere in the world is not fetched, and that is told.
    """
    top = Place(source.path, 1, 1)
    if urlsplit(schema).scheme:
        text = f"not checked, because its schema {schema!r} is no file; give the path of a copy"
        return [Problem(top, text, "load/schema", "warning")]
    try:
        validator = load_schema(folder / schema)
        validator.check_schema(validator.schema)
        return validate(source, validator)
    except OSError as error:
        reason = error.strerror or "cannot be read"
    except SchemaError as error:
        reason = f"no JSON Schema: {error.message}"
    except Unresolvable as error:
        reason = f"it refers to {error.ref!r}, which is not in it"
    except (ValueError, re.error, RecursionError):
        reason = "no JSON Schema that can be used"
    return [Problem(top, f"its schema {schema!r} cannot be used: {reason}", "load/schema")]
