"""The words of signals, in the languages of channels: lower case, Latin letters without accents."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    ENTRY = "entry"
    TARGETS = "targets"
    STOP = "stop"
    LEVERAGE = "leverage"
    SYMBOL = "symbol"
    SIDE = "side"
    NOW = "price now"  # the entry, if no other is named
    IGNORED = "ignored"  # known prices that are no part of the trade
    NOISE = "noise"  # whatever stands behind it says nothing of the trade
    UNSURE = "unsure"  # known, and nobody can be certain what it means


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What names the value behind it. A loose one is also a word of talk: it counts only before a number."""

    kind: Kind
    phrases: str  # with commas between them
    english: bool = True
    loose: bool = False


def _other(kind: Kind, phrases: str, *, loose: bool = False) -> Label:
    return Label(kind=kind, phrases=phrases, english=False, loose=loose)


LABELS = (
    Label(kind=Kind.ENTRY, phrases=(
        "entry, entries, entry zone, entry zones, entry target, entry targets, entry price, entry "
        "prices, entry point, entry points, entry level, entry levels, entry area, entry range, entry "
        "limit, limit entry, enter at, get in, buy zone, buy price, buy entry, buy area, buy range, "
        "buy limit, sell entry, sell limit, sell area, long entry, long entry zone, short entry, "
        "short entry zone, long zone, short zone, entry order, entry orders"
    )),
    Label(kind=Kind.ENTRY, loose=True, phrases=(
        "enter, long, short, buy, sell, buy at, sell at, long at, short at, @, open, open at, buy "
        "between, sell between"
    )),
    _other(Kind.ENTRY, (
        "вход, точка входа, точки входа, зона входа, цена входа, вход в сделку, вход в позицию, "
        "диапазон входа, твх, entrada, entradas, zona de entrada, preco de entrada, ponto de entrada, "
        "faixa de entrada, regiao de entrada, precio de entrada, punto de entrada, rango de entrada, "
        "giris, giris bolgesi, giris fiyati, giris noktasi, giris araligi, einstieg, einstiegspreis, "
        "einstiegszone, entree, zone d'entree, prix d'entree, ingresso, prezzo di ingresso, ورود, "
        "نقطه ورود, نقاط ورود, منطقه ورود, محدوده ورود, قیمت ورود, الدخول, منطقة الدخول"
    )),
    _other(Kind.ENTRY, (
        "лонг, шорт, купить, покупка, продажа, compra, venda, venta, comprar, vender"
    ), loose=True),
    Label(kind=Kind.TARGETS, phrases=(
        "target, targets, take profit, take profits, take profit target, take profit targets, tp, "
        "tps, sell target, sell targets, profit target, profit targets, target price, target prices, "
        "target zone, exit target, exit targets, exit zone, targets zone, short term targets, mid "
        "term targets, long term targets"
    )),
    Label(kind=Kind.TARGETS, loose=True, phrases=(
        "exit, exits, close, close at, t, short term, mid term, long term, take"
    )),
    _other(Kind.TARGETS, (
        "тейк, тейки, тейк профит, тейк профиты, цель, цели, таргет, таргеты, тп, alvo, alvos, "
        "objetivo, objetivos, take, hedef, hedefler, kar al, kar hedefi, ziel, ziele, gewinnmitnahme, "
        "objectif, objectifs, obiettivo, obiettivi, toma de ganancias, realizacao, تارگت, تارگت ها, "
        "تارگتها, تارگت‌ها, هدف, اهداف, حد سود, تی پی, الاهداف, الأهداف"
    )),
    _other(Kind.TARGETS, "meta, metas, фиксация, фикс", loose=True),
    Label(kind=Kind.STOP, phrases=(
        "stop, stops, stop loss, stop losses, sl, s/l, stop target, stop targets, stop price, stop "
        "loss price, stop at"
    )),
    _other(Kind.STOP, (
        "стоп, стоп лосс, стоп лос, стоплосс, сл, parada, zarar durdur, zarar kes, stop ol, arret, "
        "stopp, verlustgrenze, حد ضرر, استاپ, استاپ لاس, استاپلاس, ضرر, وقف الخسارة"
    )),
    Label(kind=Kind.LEVERAGE, phrases=(
        "leverage, leverages, lev, lvg, lvrg, margin, margin mode, margin type, leverage type"
    )),
    _other(Kind.LEVERAGE, (
        "плечо, кредитное плечо, маржа, тип маржи, режим маржи, alavancagem, apalancamiento, "
        "kaldirac, hebel, levier, leva, modo de margem, margem, اهرم, لوریج, الرافعة"
    )),
    Label(kind=Kind.SYMBOL, phrases=(
        "pair, pairs, coin, coins, symbol, asset, name, ticker, token, coin name, coin pair, trading "
        "pair, trade pair, coin/pair, instrument, contract, crypto"
    )),
    _other(Kind.SYMBOL, (
        "монета, пара, торговая пара, актив, тикер, инструмент, токен, moeda, par, ativo, "
        "criptomoeda, moneda, activo, cripto, coin adi, parite, cift, munze, paar, paire, نماد, ارز, "
        "جفت ارز, کوین, نام ارز, العملة"
    )),
    Label(kind=Kind.SIDE, phrases=(
        "direction, type, signal type, trade type, position, side, action, order, order type, "
        "position type, trade, signal, setup, trade direction, trend"
    )),
    _other(Kind.SIDE, (
        "тип, направление, позиция, сделка, сигнал, direcao, tipo, operacao, posicao, sinal, lado, "
        "direccion, operacion, posicion, yon, islem, pozisyon, islem yonu, richtung, جهت, پوزیشن, نوع "
        "معامله, موقعیت, نوع"
    )),
    Label(kind=Kind.NOW, phrases=(
        "current price, price now, market price, last price, mark price, current market price"
    )),
    Label(kind=Kind.NOW, phrases="now, cmp, price, market", loose=True),
    _other(Kind.NOW, (
        "текущая цена, цена сейчас, preco atual, precio actual, guncel fiyat, aktueller preis, قیمت "
        "فعلی"
    )),
    _other(Kind.NOW, "сейчас, preco, precio, fiyat, цена, قیمت", loose=True),
    Label(kind=Kind.IGNORED, phrases=(
        "ote, previous, previous stop, previous stop price, previous stop loss, updated stop price, "
        "support, supports, resistance, resistances, trend line, trendline, average entry price, "
        "average price, high, low, 24h high, 24h low, ath, liquidation, liquidation price, est "
        "liquidation price, volume, market cap"
    )),
    _other(Kind.IGNORED, (
        "поддержка, сопротивление, suporte, resistencia, ликвидация, усреднение, усреднить"
    )),
    Label(kind=Kind.UNSURE, phrases=(
        "buy target, buy targets, dca, dca zone, dca entry, trailing stop, trailing stop loss, "
        "trailing sl, re entry, reentry, invalidation, trigger, trigger price, activation, activation "
        "price, entry above, entry below, buy above, buy below, sell above, sell below, long above, "
        "short below, long below, short above, new stop, new sl, new tp, new target, stop limit, "
        "trailing entry, breakeven, be, new entry, buy stop, sell stop, old entry, old sl, old stop, "
        "old target, hedge, second entry"
    )),
    Label(kind=Kind.NOISE, phrases=(
        "exchange, exchanges, client, signal id, id, published by, by, risk, risk level, risk reward, "
        "risk/reward, risk ratio, r:r, r/r, rr, rrr, amount, wallet size, wallet, position size, "
        "size, portfolio, capital, deposit, period, profit, roi, pnl, timeframe, time frame, tf, "
        "strategy, reasoning, reason, note, notes, nb, analysis, chart, comment, comments, time, "
        "date, duration, accuracy, strategy accuracy, win rate, winrate, confidence, author, trader, "
        "vip, channel, provider, fund, funds, use, invest, allocation, quantity, potential profit, "
        "expected profit, trailing, probability, rating, source, holding time, hold time, expected "
        "time, posted, last, disclaimer, join, contact, market type, platform"
    )),
    _other(Kind.NOISE, (
        "биржа, риск, риски, риск на сделку, объем, объём, депозит, тф, таймфрейм, комментарий, "
        "автор, причина, прибыль, потенциал, обоснование, примечание, corretora, risco, banca, "
        "gerenciamento, exchange/corretora, observacao, lucro, razao, motivo, riesgo, borsa, borse, "
        "risk orani, not, risiko, صرافی, ریسک, سرمایه, تایم فریم"
    )),
)  # fmt: skip


# A word that says the side, unless it stands in a phrase that says nothing of it.
NO_SIDE = (
    "short term, mid term, long term, short squeeze, long squeeze, sell off, buy back, sell target, "
    "sell targets, exit target, buy wall, sell wall, as long as, so long, long time, long way, buy "
    "vip, buy premium, to buy vip, long wick, long shadow, long run"
)
BUYS = (
    "long, buy, лонг, лонгуем, покупка, покупаем, купить, compra, comprar, compre, kaufen, kauf, "
    "achat, acheter, alis, خرید, لانگ, شراء"
)
SELLS = (
    "short, sell, шорт, шортим, продажа, продаем, продать, venda, vender, venta, verkaufen, verkauf, "
    "vente, vendre, satis, فروش, شورت, بيع"
)
NOT = (
    "not, no, don't, dont, never, avoid, without, isn't, не, без, нет, nao, sem, nunca, sin, nicht, "
    "kein, keine, pas, degil"
)

# What may stand among prices without changing them.
FILLERS = (
    "usdt, usd, at, and, to, till, from, between, the, of, profit, price, level, levels, with, per, "
    "и, до, от, по, a, e, ate, de, en, y, hasta, bis, und, ile, ve, entre, au, et, و, تا, target, tp, "
    "targets, dollar, dollars, $"
)
ENTRY_FILLERS = (
    "at, around, near, zone, range, area, limit, order, limits, approx, approximately, в, около, "
    "зона, лимит, лимитка, zona, limite"
)
MARKET = (
    "market, now, cmp, current, instant, immediately, маркет, рынок, рынку, рыночная, рыночной, "
    "текущих, текущей, сейчас, mercado, agora, atual, ahora, piyasa, markt, مارکت"
)
MOON = (
    "unlimited, moon, moonbag, runner, runners, open, hold, hodl, infinity, unlim, луна, луны, холд, "
    "бесконечность, lua, luna, ay, aberto, abierto"
)
PAST = (
    "hit, reached, achieved, done, filled, closed, cancelled, canceled, stopped, booked, updated, "
    "moved, completed, triggered, smashed, достигнут, достигнута, достигнуты, взят, взята, взяты, "
    "сработал, отработал, отработан, выполнен, выполнена, закрыт, закрыта, закрыто, закрыли, закрыл, "
    "закрылась, atingido, atingida, atingidos, batido, batida, alcancado, alcancada, alcanzado, "
    "alcanzada, fechado, fechada, cancelado, cancelada, cerrado, cerrada, geldi, alindi, kapandi, "
    "erreicht, geschlossen, atteint, خورد, زده, رسید"
)
CONDITION = (
    "above, below, under, over, if, when, after, before, close, closes, closing, candle, daily, "
    "weekly, hourly, break, breaks, breakout, retest, wait, unless, only, not, no, выше, ниже, если, "
    "после, закрытия, закрытие, acima, abaixo, se, fechamento, apos, si, encima, debajo, cierre, "
    "uber, unter, wenn"
)
# A post that says this of itself is no call to trade.
NO_CALL = (
    "yesterday, i posted, we posted, posted earlier, was posted, last week, remember, вчера, ontem, "
    "ayer, gestern, hier, example, sample, template, demo, paper, backtest, simulation, hypothetical, "
    "says, said, wrote, reminder, days ago, hours ago, earlier today, watchlist, not a signal, no "
    "signal, not a trade, do not trade, don't trade, do not enter, don't enter, do not open, don't "
    "open, do not take, don't take, no entry, enter only, only enter, enter after, wait for "
    "confirmation, wait for the confirmation, wait for retest, wait for a retest, wait for the retest, "
    "wait for breakout, wait for a breakout, wait for the breakout, wait for entry, пример, exemplo, "
    "ejemplo, beispiel, ornek"
)
OVER = (
    "win, won, lost, expired, invalid, invalidated, missed, old, void, ended, finished, running, already, "
    "cancel, отмена, отменен, отменена, отменено, отменили, cancelar, anulado, anulada, iptal, storniert, "
    "abgebrochen, annule, annulee, annullato, annullata, لغو, کنسل, ملغي, ملغاة"
)
# What makes a heading a condition.
IFS = (
    "if, when, once, after, unless, wait, waiting, breakout, pending, buy stop, sell stop, not, если, когда, "
    "после, ждем, не, se, quando, nao, si, cuando, wenn, nicht"
)
ONCE = (
    "after, once, when, if, until, as soon, whenever, после, когда, если, как только, apos, quando, "
    "se, ao, cuando, si, al, sobald, wenn, nach, can, will, each"
)


def words(table: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in table.split(","))


def pattern(phrases: str) -> str:
    """The longest first; take profit is also take-profit and takeprofit."""
    ordered = sorted(words(phrases), key=lambda phrase: (-len(phrase), phrase))
    return "|".join("[ _-]{0,3}".join(map(re.escape, phrase.split(" "))) for phrase in ordered)


# Ends of a word: an underscore is decoration, not part of it.
BEGIN = r"(?<![^\W_])(?<![^\W_]['-])"
END = r"(?![^\W_])"
