"""What every spec has: the place where it was written."""

from dataclasses import dataclass, field

from config.spec.build import Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Anything that was written in a file."""

    where: Where = field(repr=False, compare=False)
