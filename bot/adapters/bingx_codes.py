"""What BingX's error codes mean for the caller, by the numbers before and after the change of 2025-10-16."""

from collections.abc import Mapping

from bot.ports import AlreadyTaken, NothingLeft, OutcomeUnknown, PastTrigger, Refused, StopTrading, TryAgain


class ClockSkew(TryAgain):
    """The exchange did not like our timestamp, and so did not take the request."""


class RateLimited(TryAgain):
    """Too many requests; this one was not executed."""


class Absent(Refused):
    """The exchange said that it has no such order."""


class TakenEarlier(OutcomeUnknown):
    """An earlier request with this id was taken, or the same request within the same second."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text} (an earlier request with this id was taken)")


class Duplicate(TakenEarlier, AlreadyTaken):
    """Certainly taken: an id is for one order, whatever became of it."""


_GROUPS: tuple[tuple[type[Exception], frozenset[int]], ...] = (
    # Keys, permissions, the account itself: a person must look.
    (StopTrading, frozenset({100001, 100004, 100412, 100413, 100414, 100419})),
    (RateLimited, frozenset({100409, 100410, 109429})),
    (ClockSkew, frozenset({100421})),
    # Risk control, funding being settled, an account that is being changed: over in seconds or minutes.
    (TryAgain, frozenset({80020, 101214, 101219, 101412, 101514, 101515, 109403})),
    (Absent, frozenset({80016, 109421})),
    (Duplicate, frozenset({101481})),
    (TakenEarlier, frozenset({109201})),
    (NothingLeft, frozenset({80017, 80018, 101205, 101290, 109420, 109422, 110203})),
    (PastTrigger, frozenset({110411, 110412, 110413, 110414})),
    # Busy, or still at work on it.
    (
        OutcomeUnknown,
        frozenset({80012, 80019, 100500, 100503, 101500, 109423, 109424, 109500, 109701, 110500}),
    ),
    # Our request or its format, or a mode that cannot be changed now.
    (Refused, frozenset({40029, 80001, 80014, 100400, 100404, 104103, 109400, 109401, 109414})),
    # Margin and leverage.
    (Refused, frozenset({101201, 101204, 101206, 101209, 101212, 101222, 101253, 101414, 101424, 101429})),
    (Refused, frozenset({110287, 110424, 112414})),
    # Size, price, and too many orders.
    (Refused, frozenset({80013, 101202, 101211, 101215, 101400, 101419, 101460, 101461, 101485})),
    (Refused, frozenset({110206, 110284, 110402, 110406, 110407, 110422, 110425})),
    # The symbol does not trade.
    (Refused, frozenset({100490, 101413, 101415, 104424, 109417, 109418, 109425, 110280})),
)
MEANINGS: Mapping[int, type[Exception]] = {code: kind for kind, codes in _GROUPS for code in codes}

# Codes that say too little: the text decides, and MEANINGS if none of these is in it.
_BY_TEXT: tuple[tuple[frozenset[int], str, type[Exception]], ...] = (
    (frozenset({109400, 109414}), "order not exist", Absent),
    (frozenset({101400}), "clientorderid", Duplicate),
    (frozenset({80012}), "101253", Refused),
    (frozenset({80014, 109400}), "temporarily disabled", TryAgain),
    (frozenset({80001, 80014, 109400}), "timestamp is invalid", ClockSkew),
)
_LONGEST_TEXT = 200


def meaning(code: int, text: str) -> Exception:
    """What is not listed is no answer that we understand, and so an unknown outcome."""
    told, plain = f"{code}: {text[:_LONGEST_TEXT]}", text.lower()
    for codes, part, kind in _BY_TEXT:
        if code in codes and part in plain:
            return kind(told)
    if code not in MEANINGS:
        return OutcomeUnknown(f"{told} (a code that this version does not know)")
    return MEANINGS[code](told)
