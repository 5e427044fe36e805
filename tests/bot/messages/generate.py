"""Messages made by chance in the styles of channels, each with the signal that it means, or with none."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.domain.signal import MarginMode, Side, Signal
from tests.bot.messages.words import BASES, HEADS, TAILS, TONGUES, Tongue

Writer = Callable[[Decimal], str]


@dataclass(frozen=True, slots=True)
class Made:
    text: str
    style: str
    signal: Signal | None  # None: whatever is read from it is wrong


def signal(rng: random.Random) -> Signal:
    """Prices of any scale, the stop and the targets on their sides of the entries."""
    price = Decimal(repr(10 ** rng.uniform(-5.1, 5.08)))
    unit = Decimal(1).scaleb(price.adjusted() - rng.choice((3, 3, 4)))
    base = price.quantize(unit)
    way = rng.choice((1, -1))

    def away(steps: int) -> Decimal:
        return (base + way * steps * unit).normalize() + 0

    entries = tuple(away(-each) for each in (0, rng.randint(1, 30))[: rng.choice((0, 1, 1, 2, 2))])
    marks = sorted(rng.sample(range(5, 400), rng.randint(1, 6)))
    stop = away(-rng.randint(40, 90)) if not entries or rng.random() < 0.95 else None
    return Signal(
        side=Side.BUY if way > 0 else Side.SELL,
        symbol=f"{rng.choice(BASES)}-USDT",
        entries=entries,
        stop=stop,
        targets=tuple(away(each) for each in marks),
        leverage=rng.choice((None, 1, 3, 5, 7, 10, 12, 20, 25, 50, 75)),
    )


def writer(rng: random.Random, meant: Signal, *, english: bool = True) -> Writer:
    """One way to write every price of a message, such that none of them is in doubt."""
    prices = [*meant.entries, *meant.targets, *([meant.stop] if meant.stop is not None else [])]
    parts = [f"{each:f}".partition(".") for each in prices]
    ways: list[Writer] = ["{:f}".format] * 3 + ["{:f}$".format, "${:f}".format]
    if all(point and (len(rest) != 3 or whole == "0") for whole, point, rest in parts):
        ways += [lambda each: f"{each:f}".replace(".", ",")] * 2
        if min(prices) >= 1000 and not english:
            ways += [lambda each: f"{each:,f}".translate(str.maketrans(",.", ".,"))] * 2
    if min(prices) >= 10000 and english:
        ways += ["{:,f}".format] * 2
    if min(prices) >= 1000 and all(each % 10 == 0 for each in prices):
        ways += [
            lambda each: f"{(each / 1000).normalize():f}K",
            lambda each: f"{(each / 1000).normalize():f}k",
        ]
    return rng.choice(ways)


def pair(rng: random.Random, meant: Signal) -> str:
    base = meant.symbol.partition("-")[0]
    written = rng.choice(
        ("{}/USDT", "{}USDT", "#{}/USDT", "#{}USDT", "${}/USDT", "{}-USDT", "{}_USDT", "{} /USDT")
    )
    return written.format(base)


def gear(rng: random.Random, meant: Signal, tongue: Tongue) -> tuple[list[str], Signal]:
    """The line of leverage, and the signal with the margin mode that the line says."""
    if meant.leverage is None:
        return [], meant
    times = rng.choice(("{}x", "{}X", "{}.0X", "{}х", "x{}")).format(meant.leverage)
    mode, words = rng.choice(((None, ""), (None, ""), *tongue.modes))
    if mode is None:
        high = rng.random() < 0.2 and meant.leverage < 25 and not times.startswith("x")
        return [f"{rng.choice(tongue.leverage)}: {times}{'-25x' if high else ''}"], meant
    text = rng.choice((f"{words} ({times})", f"{words} {times}"))
    return [f"{rng.choice(tongue.leverage)}: {text}"], replace(meant, margin_mode=MarginMode(mode))


def entry_text(rng: random.Random, meant: Signal, write: Writer, tongue: Tongue) -> str:
    if not meant.entries:
        return rng.choice(tongue.market)
    return rng.choice((" - ", "-", " – ", " - ")).join(map(write, meant.entries))


def target_lines(rng: random.Random, meant: Signal, write: Writer, tongue: Tongue) -> list[str]:
    label = rng.choice(tongue.targets)
    texts = [write(each) for each in meant.targets]
    way = rng.randrange(4)
    if way == 0:
        return [f"{label}: {rng.choice((' - ', ' / ')).join(texts)}"]
    if way == 1:
        return [f"{rng.choice(tongue.target)}{number}: {each}" for number, each in enumerate(texts, 1)]
    if way == 2:
        return [
            "\n".join(
                [f"{label}:", *(f"{number}\ufe0f\u20e3 {each}" for number, each in enumerate(texts, 1))]
            )
        ]
    share = f" - {100 // len(texts)}%" if rng.random() < 0.3 else ""
    return ["\n".join([f"{label}:", *(f"{number}) {each}{share}" for number, each in enumerate(texts, 1))])]


def lines(rng: random.Random, meant: Signal, name: str, *, sided: bool = True) -> Made:
    """A headline and one label a line, in whatever order."""
    tongue = TONGUES[name]
    write = writer(rng, meant, english=name == "en")
    gears, meant = gear(rng, meant, tongue)
    parts = [f"{rng.choice(tongue.entry)}: {entry_text(rng, meant, write, tongue)}"]
    parts += ["\n".join(target_lines(rng, meant, write, tongue))]
    if meant.stop is not None:
        parts += [f"{rng.choice(tongue.stop)}: {write(meant.stop)}"]
    parts += gears
    rng.shuffle(parts)
    side = rng.choice(tongue.sides[meant.side]) if sided else ""
    head = rng.choice(
        (f"{side} {pair(rng, meant)}", f"{pair(rng, meant)} {side}", f"{pair(rng, meant)}\n{side}")
    )
    text = [rng.choice(HEADS), head, *parts, rng.choice(TAILS)]
    gap = rng.choice(("\n", "\n", "\n\n"))
    return Made(gap.join(each for each in text if each), f"lines {name}", meant)


def line(rng: random.Random, meant: Signal) -> Made:
    """Everything in one line."""
    write, tongue = writer(rng, meant), TONGUES["en"]
    gears, meant = gear(rng, meant, tongue)
    parts = [f"{rng.choice(tongue.sides[meant.side])} {pair(rng, meant)}"]
    parts += [f"Entry: {entry_text(rng, meant, write, tongue)}"]
    parts += [f"SL: {write(meant.stop)}"] if meant.stop is not None else []
    parts += [
        rng.choice(("TP: ", "Targets: ")) + rng.choice((" - ", " / ")).join(map(write, meant.targets)),
        *gears,
    ]
    return Made(rng.choice((" ", " | ", "; ")).join(parts), "line", meant)


def mashed(rng: random.Random, meant: Signal) -> Made:
    """A line that lost the ends of its lines."""
    tongue = TONGUES["en"]
    meant = replace(meant, leverage=meant.leverage or 4)
    side = "LONG" if meant.side is Side.BUY else "SHORT"
    entry = entry_text(rng, meant, "{:f}".format, tongue)
    targets = rng.choice((" - ", " ")).join(f"{each:f}" for each in meant.targets)
    stop = f"Stoploss : {meant.stop:f}" if meant.stop is not None else ""
    head = f"{meant.symbol.replace('-', '')} {side}Leverage :{meant.leverage}x"
    return Made(f"{head}Entry : {entry}Targets : {targets}{stop}", "mashed", meant)


def numbered(rng: random.Random, meant: Signal) -> Made:
    """A numbered post with short-term targets, whichever the side."""
    write = writer(rng, meant)
    low = meant.leverage or 2
    side = "LONG📈" if meant.side is Side.BUY else "SHORT📉"
    near, far = meant.targets[:2], meant.targets[2:]
    text = [f"📍SIGNAL ID: #{rng.randint(100, 3000)}📍"]
    text += [
        f"COIN: ${meant.symbol.replace('-', '/')} ({low}-{low + 3}x)",
        f"Direction: {side}",
        "➖➖➖➖➖",
    ]
    text += [f"ENTRY: {entry_text(rng, meant, write, TONGUES['en'])}", "", "TARGETS"]
    text += ["Short Term: " + " - ".join(map(write, near))]
    text += ["Mid Term: " + " - ".join(map(write, far))] if far else []
    text += [f"STOP LOSS: {write(meant.stop)}"] if meant.stop is not None else []
    return Made("\n".join([*text, "➖➖➖➖➖"]), "numbered", replace(meant, leverage=low))


def tagged(rng: random.Random, meant: Signal) -> Made:
    """Tags for the pair and the side; "close" names the targets."""
    side = "LONG" if meant.side is Side.BUY else "SHORT"
    meant = replace(meant, entries=meant.entries or (_beside(meant),))
    parts = [
        f"#{meant.symbol.replace('-', '')}",
        f"#{side} {'-'.join(f'{each:f}' for each in meant.entries)}",
    ]
    parts += ["Close " + " ".join(f"{each:f}" for each in meant.targets)]
    parts += [f"Stop {meant.stop:f}"] if meant.stop is not None else []
    parts += [f"Lev {meant.leverage}X"] if meant.leverage else []
    return Made("\n\n".join(parts), "tagged", meant)


def _beside(meant: Signal) -> Decimal:
    """A price between the stop and the first target."""
    assert meant.stop is not None
    return ((meant.stop + 3 * meant.targets[0]) / 4).normalize() + 0


def quantity(rng: random.Random, meant: Signal) -> Made:
    amount = Decimal(rng.randint(1, 9999)).scaleb(rng.choice((-3, -2, -1, 0)))
    text = f"{meant.side} {meant.symbol.replace('-', rng.choice(('', '-', '/')))} {amount:f}"
    return Made(text, "quantity", Signal(side=meant.side, symbol=meant.symbol, quantity=amount))


def good(rng: random.Random) -> Made:
    meant = signal(rng)
    way = rng.randrange(11)
    if way < 5:
        return lines(rng, meant, rng.choice(tuple(TONGUES)))
    return (line, line, mashed, numbered, tagged, quantity)[way - 5](rng, meant)
