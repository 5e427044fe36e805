"""One way to write what looks the same: spaces, dashes, fancy letters. Digits stay as they are."""

import re
import unicodedata

UNKNOWN = "\ufffd"  # stands for what a text cannot hold; never part of a number
_SPACES = re.compile(r"[ \t]+")
_KEYCAPS = re.compile("((?:[0-9]\ufe0f?\u20e3)+)")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_HALF_KEYCAP = re.compile("(?<=[0-9.,])[\ufe00-\ufe0f](?=[0-9.,])")
_NO_UNIT = re.compile("(?<=[0-9]) ?[ḰḱḲḳḴḵĶķǨǩƘƙẊẋẌẍ]")  # neither K nor x
_OVERRIDES = "\u202d\u202e"  # they show digits in another order than they are read
_URL = re.compile(r"(?:https?://|www\.|t\.me/)[^\s\ufffd]+|[@＠][A-Za-z]\w*", re.IGNORECASE)


def normalise(text: str) -> str:
    text = _BREAKS.sub("\n", unicodedata.normalize("NFC", text))
    text = _KEYCAPS.sub(lambda keys: re.sub("[^0-9]", "", keys[1]) + ") ", text)
    text = _HALF_KEYCAP.sub(UNKNOWN, text)
    text = _NO_UNIT.sub(UNKNOWN, text)
    text = "".join(_ASCII.get(char) or _plain(char) for char in text)
    text = _URL.sub(_without_url, _SPACES.sub(" ", text))
    for quirk, instead in _QUIRKS:
        text = quirk.sub(instead, text)
    return text


def _without_url(url: re.Match[str]) -> str:
    """Where it runs together with a number, nobody knows where that ends."""
    before = url.string[url.start() - 2 : url.start()]
    return UNKNOWN if re.search(r"[0-9][kK$]?\Z", before) else " "


_ASCII = {chr(code): chr(code) for code in range(32, 127)} | {"\n": "\n", "\t": " "}


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if char in _OVERRIDES or category in ("Cs", "Cc"):
        return UNKNOWN
    if category == "Cf" or "\ufe00" <= char <= "\ufe0f":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or char == "\u2212":
        return "-"
    if char in "’‘`´":
        return "'"
    if category[0] in "LPS" and char not in "ªº":
        usual = unicodedata.normalize("NFKC", char)
        return usual if len(usual) == 1 and not usual.isdigit() else char
    return char


# Ways of writing that no table of labels can name. A mend must never move a number to another label.
_QUIRKS = (
    # Exported from HTML without its line breaks: SHORTLeverage :3xEntry : 0.39 - 0.42Targets : 0.38
    (
        re.compile(
            r"(?<=[A-Za-z0-9$%.)])(?<!Entry)(?<!Stop)(?<!Profit)(?<!Sell)(?<!Buy)"
            r"(?=(?:(?:TP ?[0-9]?|SL|Lev) ?|(?:Leverage|Entry|Targets?|Take|Stop|Pair|Coin|Direction"
            r"|Exit|Exchange|Signal)"
            r"(?: ?-?[A-Za-z]{2,8}){0,2} ?):)"
        ),
        "\n",
    ),
    (
        re.compile(
            r"(?<=[0-9$])(?=(?:leverage|entry|targets?|take[ -]?profit|tp[0-9]?|stop[ -]?(?:loss)?|sl) ?:)",
            re.IGNORECASE,
        ),
        "\n",
    ),
    # The stop behind its price: 0.06$ can be stop
    (
        re.compile(
            r"^[^\w\n]{0,20}([0-9][0-9.,]*)[ ]?\$? (?:can be|is|as) (?:the |your )?stop"
            r"(?:[ -]?loss)?[^\w\n]{0,20}$",
            re.I | re.M,
        ),
        r"Stop: \1",
    ),
    # 1st target: 0.5, 1º alvo: 0.5, 1 target: 0.5
    (
        re.compile(
            r"^[^\w\n]{0,20}([0-9]{1,2})(?:st|nd|rd|th|[ºª°])? (target|tp|entry|alvo|objetivo|entrada"
            r"|цель|тейк) ?[:=-](?!\d)",
            re.I | re.M,
        ),
        r"\2 \1: ",
    ),
    # SHORT DOGEUSDT at 0.12
    (re.compile(r"(usdt|long|short|buy|sell) at (?=[$]?[0-9])", re.I), r"\1 @ "),
    # How a copy service trails stops; no prices stand there.
    (
        re.compile(
            r"^[^\w\n]{0,20}trailing (?:configuration|settings?)[^\w\n]{0,20}\n(?:[^\w\n]{0,20}(?:entry"
            r"|take[ -]profit|stop|trigger) ?:"
            r"[^\d\n]*(?:\([^()\n]{1,12}\))?[^\d\n]*(?:\n|\Z)){1,8}",
            re.I | re.M,
        ),
        "\n",
    ),
)


_LOOK_ALIKES = dict(zip("авсекмнортхуіѕј", "abcekmhoptxyisj", strict=True))
_WORD = re.compile(r"[^\W\d_]+")
_TIMES = re.compile(r"(?<=[0-9])х(?![^\W_])|(?<![^\W_])х(?= ?[0-9])")
_LETTERS = {"İ": "i", "ı": "i", "ё": "е", "Ё": "е"}


def fold(text: str) -> str:
    """As long as the text: lower case, Latin without accents, Cyrillic letters among Latin ones replaced."""
    text = "".join(char.lower() if char.isascii() else _folded(char) for char in text)
    text = _TIMES.sub("x", text)
    return text if text.isascii() else _WORD.sub(lambda word: _one_script(word[0]), text)


def _folded(char: str) -> str:
    base = _LETTERS.get(char) or unicodedata.normalize("NFD", char)[0]
    lower = (base if base.isascii() else char).lower()
    return _LETTERS.get(char) or (lower if len(lower) == 1 else char)


def _one_script(word: str) -> str:
    if not (any("a" <= char <= "z" for char in word) and any(is_cyrillic(char) for char in word)):
        return word
    return "".join(_LOOK_ALIKES.get(char, char) for char in word)


def is_cyrillic(char: str) -> bool:
    return "\u0400" <= char <= "\u052f"
