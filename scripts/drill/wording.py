"""How lengths of time are written in reports."""


def span(seconds: float) -> str:
    """Return a length of time in two units at most; below zero with a minus."""
    whole = round(seconds)
    sign, whole = ("-" if whole < 0 else ""), abs(whole)
    if whole >= 86_400:
        return f"{sign}{whole // 86_400}d {whole % 86_400 // 3600:02d}h"
    if whole >= 3600:
        return f"{sign}{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{sign}{whole // 60}m {whole % 60:02d}s" if whole >= 60 else f"{sign}{whole}s"
