"""What a check yields; the compiler adds the check's name to make a Problem of it."""

from dataclasses import dataclass

from config.spec.problem import Place, Related, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place."""

    place: Place
    message: str
    severity: Severity = "error"
    related: tuple[Related, ...] = ()
