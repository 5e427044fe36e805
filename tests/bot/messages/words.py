"""The words of which messages are made, tongue by tongue."""

from dataclasses import dataclass

from bot.domain.signal import Side

NAMES = """
BTC ETH SOL LTC AVAX DOT ATOM NEAR FIL LINK APT SUI ARB OP INJ TIA SEI RUNE AAVE UNI DYDX ENS GMX LDO STX
1INCH API3 C98 1000PEPE 1000SHIB W T G IO XRP ADA TRX ETC BCH XLM VET HBAR ICP GALA SAND AXS CRV KAVA ZEC
"""
BASES = tuple(NAMES.split())

HEADS = (*[""] * 6, "⚡️⚡️", "💎 VIP SIGNAL 💎", "Exchange: BingX Futures", "🔥🔥🔥")
TAILS = (
    *[""] * 6,
    "By @mole_trades",
    "Risk 2% of the wallet",
    "https://t.me/moletrades/4412",
    "DYOR",
    "🚀🚀🚀",
)


@dataclass(frozen=True, slots=True)
class Tongue:
    sides: dict[Side, tuple[str, ...]]
    entry: tuple[str, ...]
    market: tuple[str, ...]
    target: tuple[str, ...]  # of one, with a number after it
    targets: tuple[str, ...]
    stop: tuple[str, ...]
    leverage: tuple[str, ...]
    modes: tuple[tuple[str, str], ...]


EITHER = {Side.BUY: ("LONG", "Long", "#LONG", "🟢 LONG"), Side.SELL: ("SHORT", "Short", "#SHORT", "🔴 SHORT")}

TONGUES = {
    "en": Tongue(
        sides={
            Side.BUY: ("LONG", "Long", "BUY", "(Long)", "🟢 Long", "Signal Type: Regular (Long)"),
            Side.SELL: ("SHORT", "Short", "SELL", "(Short)", "🔴 Short", "Trade Type: Regular (SHORT)"),
        },
        entry=("Entry", "ENTRY", "Entry Zone", "Entry Price", "Entry Targets"),
        market=("market", "Market", "now"),
        target=("TP", "TP ", "Target ", "Tp"),
        targets=("Targets", "TARGETS", "Take-Profit Targets", "Take Profit Targets", "TP"),
        stop=("SL", "Stop", "STOP LOSS", "Stop Loss", "Stoploss", "StopLoss", "Stop-Loss"),
        leverage=("Leverage", "LEVERAGE", "Lev", "Lvg."),
        modes=(("cross", "Cross"), ("isolated", "Isolated"), ("cross", "CROSS")),
    ),
    "ru": Tongue(
        sides={
            Side.BUY: ("ЛОНГ", "Лонг", "LONG", "ЛОНГ 📈"),
            Side.SELL: ("ШОРТ", "Шорт", "SHORT", "ШОРТ 📉"),
        },
        entry=("Вход", "ВХОД", "Точка входа"),
        market=("по рынку",),
        target=("Тейк ", "Цель ", "TP"),
        targets=("Цели", "Тейк"),
        stop=("Стоп", "Стоп-лосс", "СТОП"),
        leverage=("Плечо",),
        modes=(("cross", "Кросс"),),
    ),
    "pt": Tongue(
        sides={
            Side.BUY: ("LONG", "Tipo: LONG (Futures)", "COMPRA"),
            Side.SELL: ("SHORT", "Tipo: SHORT", "VENDA"),
        },
        entry=("Entrada", "Zona de Entrada"),
        market=("a mercado",),
        target=("T", "Alvo "),
        targets=("Alvos",),
        stop=("Stop Loss", "Stop"),
        leverage=("Alavancagem",),
        modes=(("isolated", "Isolada"),),
    ),
    "es": Tongue(
        sides=EITHER,
        entry=("Entrada",),
        market=("market",),
        target=("Objetivo ",),
        targets=("Objetivos",),
        stop=("Stop Loss", "Stop"),
        leverage=("Apalancamiento",),
        modes=(("cross", "Cruzado"),),
    ),
    "de": Tongue(
        sides={Side.BUY: ("LONG", "KAUFEN", "Kaufen"), Side.SELL: ("SHORT", "VERKAUFEN", "Verkaufen")},
        entry=("Einstieg",),
        market=("market",),
        target=("Ziel ", "TP"),
        targets=("Ziele", "Gewinnmitnahme"),
        stop=("Stop-Loss", "Stop"),
        leverage=("Hebel",),
        modes=(("isolated", "Isoliert"),),
    ),
    "tr": Tongue(
        sides=EITHER,
        entry=("Giriş",),
        market=("market",),
        target=("Hedef ",),
        targets=("Hedefler",),
        stop=("Stop", "Zarar Durdur"),
        leverage=("Kaldıraç",),
        modes=(("cross", "Cross"),),
    ),
    "fa": Tongue(
        sides=EITHER,
        entry=("ورود", "نقطه ورود"),
        market=("market",),
        target=("TP",),
        targets=("اهداف",),
        stop=("حد ضرر",),
        leverage=("اهرم",),
        modes=(("cross", "Cross"),),
    ),
}
