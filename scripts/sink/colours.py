"""Turns Grafana's colours into the few tones of the page, each of which reads well on dark and on light."""

import colorsys
import re

_NAMED = frozenset(("red", "orange", "yellow", "green", "blue", "purple"))
_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})(?:[0-9a-f]{2})?", re.IGNORECASE)
# The hue, in degrees, up to which a tone goes.
_HUES = (
    (15, "red"),
    (42, "orange"),
    (70, "yellow"),
    (170, "green"),
    (255, "blue"),
    (330, "purple"),
    (360, "red"),
)


def tone(colour: str) -> str:
    """`dark-red`, `#E02F44` and `red` are all red; what is no colour is grey."""
    name = colour.rpartition("-")[2]
    if name in _NAMED:
        return name
    if found := _HEX.fullmatch(colour):
        hue, lightness, saturation = colorsys.rgb_to_hls(*(int(part, 16) / 255 for part in found.groups()))
        if saturation > 0.15 and 0.08 < lightness < 0.95:
            return next(name for limit, name in _HUES if hue * 360 <= limit)
    return "grey"
