"""Measures a text message: its alphabet (GSM 03.38 or UCS-2) and how many messages a phone company bills."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these costs two places: an escape and the character.
_EXTENSION = frozenset("^{}\\[~]|€\f")
LIMIT = 160
LIMIT_UCS2 = 70


def sms_warnings(text: str) -> tuple[str, ...]:
    foreign = sorted(set(text) - _BASIC - _EXTENSION)
    if foreign:
        shown = " ".join(f"U+{ord(char):04X}" for char in foreign[:5])
        warning = f"SMS is not GSM-7 ({shown}): a part holds {LIMIT_UCS2} characters, not {LIMIT}"
        return (warning, *_too_long(len(text)))
    return _too_long(len(text) + sum(char in _EXTENSION for char in text))


def _too_long(places: int) -> tuple[str, ...]:
    if places <= LIMIT:
        return ()
    return (f"SMS takes {places} characters, {places - LIMIT} over the limit of {LIMIT}",)
