"""What a message is that is no signal: word of a stop that moves, of a close, of how a trade goes."""

import re
from collections.abc import Sequence

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.prices import TICKS
from bot.domain.formats.segments import Segment
from bot.domain.formats.symbols import has_pair, named
from bot.domain.formats.words import BEGIN, BUYS, END, IFS, NO_CALL, ONCE, OVER, PAST, SELLS, pattern
from bot.domain.reason import Reason
from bot.domain.signal import Remark

NOTHING = "no known format and no side; an order reads like: BUY BTCUSDT 0.1"

_STOP = r"(?:stop(?:[ -]?loss)?|sl|s/l|стоп(?:[ -]?лосс)?|сл|استاپ|حد ضرر)"
_EVEN = (
    r"(?:entry|break[ -]?even|be|b/e|profit|б/?у|безубыт\w*|точк\w+ входа|вход|entrada|0 a 0|0x0|ورود"
    r"|giris\w*)"
)
_MOVE = (
    r"(?:mov(?:e|ed|ing)|rais(?:e|ed|ing)|lower(?:ed)?|trail(?:ed)?|adjust(?:ed)?|updat(?:e|ed)|chang"
    r"(?:e|ed)|set|put|shift(?:ed)?"
    r"|перен\w+|перед[вн]\w+|перев[оеё]\w+|двига\w+|став\w+|mov\w+|subir|sub\w+|mueve\w*|ajust\w+"
    r"|cek\w+|tasi\w+)"
)
# In this order: what the operator has to act upon comes first.
_ROWS = (
    (
        Reason.MOVE_STOP,
        "moves the stop",
        re.compile(
            rf"(?<!\w){_STOP}(?!\w)[^\n]{{0,40}}(?<!\w)(?:{_EVEN}|{_MOVE})(?!\w)"
            rf"|(?<!\w){_MOVE}(?!\w)[^\n]{{0,30}}(?<!\w)(?:{_STOP}|{_EVEN})(?!\w)"
            rf"|(?<!\w)new {_STOP}(?!\w)|previous stop"
        ),
    ),
    (
        Reason.CLOSE,
        "asks to close",
        re.compile(
            r"(?:^|[.!,:;]|\b(?:we|please|pls|you can|just|manually|now|to)\b)[^\w\n]{0,20}(?:close"
            r"|closing|exit|cancel|закрываем\w*|закрывайте|закройте"
            r"|закрыть|закрываю|закрывай|выходим|выходите|выйти|фиксируем|фиксируйте|отмена|отменяем"
            r"|fechar|fechem|feche|fechamos|fechando"
            r"|encerrar|encerrem|encerre|sair|saiam|cancelar|cerrar|cierren|cierra|cerramos|salir"
            r"|kapat\w*|kapatin|kapatiyoruz|schliessen"
            r"|schließen|fermer|fermez|ببندید|بستن|خروج)(?!\w)(?! (?:above|below|under|over|price|to "
            r"|call|eye|community))",
            re.MULTILINE,
        ),
    ),
    (
        Reason.UPDATE,
        "tells how a trade goes",
        re.compile(
            rf"{BEGIN}(?:{pattern(PAST)}){END}|[{TICKS}]|(?<!\w)(?:profit|roi|pnl|gain|loss|прибыль"
            rf"|профит|lucro|kar|سود)(?!\w)"
            r"|[+-] ?[0-9]+(?:[.,][0-9]+)? ?[%r](?!\w)|(?<!\w)(?:breakeven|recap|results?|update[ds]?"
            r"|итоги|обновление)(?!\w)"
        ),
    ),
)
_MOVES_STOP = _ROWS[0][2]
_QUOTES = re.compile(
    r"\W{0,20}\[?(?:in reply to|replying to|reply to|quoted?[: ]|в ответ на|ответ на|em resposta a"
    r"|respondendo a|en respuesta a|respondiendo a"
    r"|antwort auf)|^[ ]*(?:>|»|\|>) ?\S",
)
_BARE = re.compile(
    r"^[^\w\n]{0,20}([A-Z][A-Z0-9]{1,9}) (?:by|at|@|now)\b|\b(?:[Cc]lose|CLOSE|[Ee]xit"
    r"|EXIT) ([A-Z][A-Z0-9]{1,9})\b",
    re.M,
)
_ORDER_TO_CLOSE = re.compile(
    r"\W{0,20}(?:close|cancel|exit|closed|закрываем|закрыть|fechar|encerrar|cerrar"
    r"|kapat)(?!\w)(?!\W{0,9}[0-9])"
)
_OLD = re.compile(
    r"(?:target|tp ?[0-9]?|take[ -]?profit|entry|stop|stop[ -]?loss|sl|all|position|trade|signal"
    r"|цел[ьи]|тейк\w*|стоп|позици\w|сделк\w"
    rf"|alvo|operacao|posicao)s?(?!\w)[^\n]{{0,25}}?{BEGIN}(?:{pattern(PAST)}){END}"
    r"|(?<!\w)(?:hit|reached|achieved|booked)(?!\w)[^\n]{0,12}(?:target|tp|stop|sl)"
    r"|^[^\w\n]{0,20}(?:update|updated|closed|cancelled|canceled|result|results|recap)(?!\w)",
    re.MULTILINE,
)
# What a post ends with that takes back what it repeats; behind a colon or before a number it is a label.
_TAKEN_BACK = re.compile(
    r"^[^\w\n]{0,20}(?:(?:close|cancel|exit|ignore|delete|skip|закрываем|закрыть|отменяем|fechar|cerrar)"
    r"(?= (?:this|it|all|now|here|the|at market|please|trade|position|signal)(?!\w)|[^\w\n:=]*$)"
    rf"|(?:{pattern(OVER)}){END})[^\n0-9:=]*$",
    re.MULTILINE,
)
_AT_ONCE = re.compile(rf"{BEGIN}(?:now|immediately|сейчас|agora|ahora){END}")
_CROSSED = re.compile(rf"[❌❎✖✗✘🚫⛔](?!\W{{0,9}}{_STOP}(?!\w))")  # it also adorns the stop
_ASKED = re.compile(rf"{BEGIN}(?:{pattern(BUYS)}|{pattern(SELLS)}){END}[^\n0-9?]{{0,20}}[?]")
_RESULT = re.compile(r"^[^\w\n]{0,20}(?:profit|loss|roi|pnl)[ ]?[:=-][ ]?[+-]?[0-9]", re.MULTILINE)
_ONCE = re.compile(rf"{BEGIN}(?:{pattern(ONCE)}){END}")
_NO_CALL = re.compile(rf"{BEGIN}(?:{pattern(NO_CALL)}){END}")
_STRUCK = re.compile("[\u0335-\u0338]")


_HEAD = re.compile(rf"{BEGIN}(?:status|state|статус|{pattern(BUYS)}|{pattern(SELLS)}){END}")
_IF = re.compile(rf"{BEGIN}(?:{pattern(IFS)}){END}")
_TYPE = re.compile(rf"[^\n]{{0,30}}{BEGIN}(?:type|тип|tipo){END}")
_FEW = 9  # words: a line with more is talk
_IS_OVER = re.compile(rf"{BEGIN}(?:{pattern(PAST)}|{pattern(OVER)}){END}")


def is_quote(folded: str) -> bool:
    return bool(_QUOTES.match(folded))


def orders_to_close(folded: str) -> bool:
    """Whether it begins with that; Close 33660 names targets."""
    return bool(_ORDER_TO_CLOSE.match(folded))


def remark(text: str, folded: str, segments: Sequence[Segment] = ()) -> Remark:
    for reason, told, row in _ROWS:
        if row.search(folded):
            return Remark(reason=reason, text=told, symbol=_symbol(text, segments))
    return Remark(reason=Reason.COMMENTARY, text=NOTHING, symbol=None)


def _symbol(text: str, segments: Sequence[Segment]) -> str | None:
    try:
        symbols = named(text, segments)
    except Doubt:
        return None
    if not symbols and (bare := _BARE.search(text)):
        word = bare[1] or bare[2]
        return (
            None
            if word in ("ALL", "NOW", "HALF", "THE", "TRADE", "POSITION", "LONG", "SHORT")
            else f"{word}-USDT"
        )
    return next(iter(symbols)) if len(symbols) == 1 else None


def refuse_old(text: str, folded: str) -> None:
    """Raises Doubt if a full signal says that something of it has happened already, or that it is none."""
    for match in _OLD.finditer(folded):
        line = folded[folded.rfind("\n", 0, match.start()) + 1 : match.end()]
        if not _ONCE.search(line):
            raise Doubt(Reason.TICKED, f"{text[match.start() : match.end()][-60:]!r} tells of an old signal")
    if result := _RESULT.search(folded):
        raise Doubt(
            Reason.TICKED, f"{text[result.start() : result.end()].strip()[-60:]!r} tells of an old signal"
        )
    for back in _TAKEN_BACK.finditer(folded):
        if not _ONCE.search(back[0]):
            raise Doubt(Reason.TICKED, f"{back[0].strip()[:60]!r} takes it back")
    for line in folded.split("\n"):
        if _AT_ONCE.search(line) and _MOVES_STOP.search(line) and not _ONCE.search(line):
            raise Doubt(Reason.TICKED, f"{line.strip()[:60]!r} is word of a trade that is open")
        if _is_heading(line) and (doubt := _CROSSED.search(line) or re.search("[?]", line)):
            raise Doubt(Reason.FORMAT, f"{doubt[0]!r} in its heading makes it no certain call")
        if (
            (_HEAD.search(line) or has_pair(line))
            and (over := _IS_OVER.search(line))
            and not _ONCE.search(line)
        ):
            raise Doubt(Reason.TICKED, f"{over[0]!r} in its heading tells of an old signal")
        if _is_heading(line) and (condition := _IF.search(line)):
            raise Doubt(Reason.FORMAT, f"{condition[0]!r} in its heading makes it a condition")
    if asked := _ASKED.search(folded):
        raise Doubt(Reason.FORMAT, f"{asked[0]!r} asks, and calls for nothing")
    if no_call := _NO_CALL.search(folded):
        raise Doubt(Reason.FORMAT, f"{no_call[0]!r}: it says that it is no call to trade")


def _is_heading(line: str) -> bool:
    return bool(_TYPE.match(line)) or (len(re.findall(r"\w+", line)) <= _FEW and has_pair(line))


def refuse_struck(text: str) -> None:
    if _STRUCK.search(text):
        raise Doubt(Reason.TICKED, "something of it is struck out")
