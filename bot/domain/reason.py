"""Why a message became no order: one word for the metric, the database and the page, with what it means."""

from enum import StrEnum


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"  # it reads as a signal, and is not traded
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"  # it means to be a signal, and cannot be read with certainty
    IGNORED = "ignored"  # it is none


class Reason(StrEnum):
    """The value of the label; `verdict` is what it leads to, `meaning` stands in docs/reasons.md."""

    verdict: Verdict
    meaning: str

    def __new__(cls, value: str, verdict: Verdict, meaning: str) -> "Reason":
        member = str.__new__(cls, value)
        member._value_ = value
        member.verdict = verdict
        member.meaning = meaning
        return member

    # What is no signal.
    COMMENTARY = "commentary", Verdict.IGNORED, "neither a signal nor word of one"
    UPDATE = "update", Verdict.IGNORED, "tells how a trade goes: a target was reached, a result"
    CLOSE = "close", Verdict.IGNORED, "asks to close a trade; told to the operator while the symbol is held"
    MOVE_STOP = "move_stop", Verdict.IGNORED, "moves a stop or targets; told while the symbol is held"

    # What means to be a signal, and is not certain.
    TOO_LONG = "too_long", Verdict.UNREADABLE, "longer than any message of Telegram"
    NO_SIDE = "no_side", Verdict.UNREADABLE, "neither long nor short is said; it is never guessed from prices"
    SIDES = "sides", Verdict.UNREADABLE, "says long and short, or more than one trade"
    NO_SYMBOL = "no_symbol", Verdict.UNREADABLE, "no symbol, or none that is traded against USDT"
    SYMBOLS = "symbols", Verdict.UNREADABLE, "more than one symbol"
    TICKED = "ticked", Verdict.UNREADABLE, "an old signal: entries or targets are marked as reached"
    NUMBER = (
        "number",
        Verdict.UNREADABLE,
        "a price, quantity or leverage is no certain number above 0",
    )
    STOP = "stop", Verdict.UNREADABLE, "the stop is no price: a percentage, a condition, a word"
    STOP_SIDE = "stop_side", Verdict.UNREADABLE, "the stop lies on the wrong side of the entry"
    TARGET_SIDE = "target_side", Verdict.UNREADABLE, "a target lies on the wrong side of the entry"
    FORMAT = "format", Verdict.UNREADABLE, "some part could not be understood"
    FAULT = "fault", Verdict.UNREADABLE, "a fault of the bot while it was read; the log has the traceback"
    LINK = "link", Verdict.UNREADABLE, "a post of cryptet without a link to its page, or to another one"
    PAGE = "page", Verdict.UNREADABLE, "the page of cryptet did not come, or not as a signal"

    # What reads as a signal, and is not traded.
    EDITED = "edited", Verdict.REFUSED, "the message was edited before it was first seen"
    REPLY = "reply", Verdict.REFUSED, "an answer to another message, which may quote an old signal"
    STALE = "stale", Verdict.REFUSED, "older than max_signal_age by its own date"
    FUTURE = "future", Verdict.REFUSED, "dated later than now: its age is not known"
    EXPIRED = "expired", Verdict.REFUSED, "its page says that it is over"
    HALTED = "halted", Verdict.REFUSED, "the switch, the HALT file, the lease or a lost view of the account"
    STOPPED = "stopped", Verdict.REFUSED, "something only a person can mend: a wrong key, another account"
    EXCHANGE_ERRORS = "exchange_errors", Verdict.REFUSED, "the exchange gave one error too often: no entries"
    SYMBOL_NOT_ALLOWED = "symbol_not_allowed", Verdict.REFUSED, "not in trading.symbols, or not re-opened yet"
    SYMBOL_OFFLINE = "symbol_offline", Verdict.REFUSED, "the exchange does not trade it now"
    NO_PRICE = "no_price", Verdict.REFUSED, "no price of the last five seconds"
    PRICE_TOO_FAR = "price_too_far", Verdict.REFUSED, "too far from the price, or no price of this market"
    NO_STOP = "no_stop", Verdict.REFUSED, "no stop, and default_stop_percent is not set"
    STOP_BEYOND_PRICE = "stop_beyond_price", Verdict.REFUSED, "the stop would trade at once"
    TARGET_BEYOND_ENTRY = "target_beyond_entry", Verdict.REFUSED, "a target on the wrong side of the entry"
    TARGET_REACHED = "target_reached", Verdict.REFUSED, "the price is at the first target already"
    STOP_TOO_FAR = "stop_too_far", Verdict.REFUSED, "no leverage keeps liquidation beyond the stop"
    NO_EQUITY = "no_equity", Verdict.REFUSED, "the equity was not read within the last 60 seconds"
    BELOW_MINIMUM = "below_minimum", Verdict.REFUSED, "less than the exchange takes; never rounded up"
    NO_MARGIN = "no_margin", Verdict.REFUSED, "less margin is free than the smallest order needs"
    MAX_POSITIONS = "max_positions", Verdict.REFUSED, "as many positions and entries as allowed"
    MAX_NOTIONAL = "max_notional", Verdict.REFUSED, "no room within a cap: order, all, symbol or source"
    DUPLICATE_DIRECTION = "duplicate_direction", Verdict.REFUSED, "that symbol is held or entered that way"
    OPPOSITE_POSITION = "opposite_position", Verdict.REFUSED, "one-way, and the other side is held"
    FOREIGN_POSITION = "foreign_position", Verdict.REFUSED, "there is a position that is not ours"
    CLOSING = "closing", Verdict.REFUSED, "what is left of the last position is being cancelled"
    DAILY_LOSS = "daily_loss", Verdict.REFUSED, "today's loss has reached its limit"


def told(reason: Reason, text: str) -> str:
    """As it is stored and shown: the word first."""
    return f"{reason.value}: {text}"


def code_of(told: str | None) -> str:
    """The label of the metric for what `told` made; `none` where there is no reason."""
    return told.partition(":")[0] if told else "none"
