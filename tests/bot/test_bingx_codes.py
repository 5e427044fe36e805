"""Code by code what an answer of BingX means for the caller, old numbers and new."""

import pytest

from bot.adapters import bingx_codes as codes
from bot.ports import NothingLeft, OutcomeUnknown, PastTrigger, Refused, StopTrading, TryAgain

# On 2025-10-16 these became those; whoever meets either must do the same.
RENUMBERED = {80001: 109400, 80012: 109500, 80016: 109421, 80017: 109422, 80018: 109422, 80019: 109423}
RENUMBERED |= {80020: 109403, 100409: 109429, 100410: 109429, 40029: 109400, 80014: 109400}


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (100001, "Signature verification failed due to signature mismatch", StopTrading),
        (100413, "Incorrect apiKey", StopTrading),
        (100419, "IP does not match IP whitelist", StopTrading),
        (100421, "Null timestamp or timestamp mismatch", codes.ClockSkew),
        (100410, "rate limited", codes.RateLimited),
        (109429, "rate limited", codes.RateLimited),
        (109421, "order not exist", codes.Absent),
        (80016, "order not exist", codes.Absent),
        (109400, "order not exist", codes.Absent),
        (109400, "Invalid parameters", Refused),
        (101204, "Insufficient margin", Refused),
        (80012, '{"Code":101253,"Msg":"margin is not enough"}', Refused),
        (80012, "system error", OutcomeUnknown),
        (109500, "system error", OutcomeUnknown),
        (109423, "order is being processed", OutcomeUnknown),
        (101481, "clientOrderID cannot be repeated", codes.Duplicate),
        (109201, "only allowed to be submitted once within 1 second", codes.TakenEarlier),
        (101400, "clientOrderID cannot be repeated", codes.Duplicate),
        (101400, "The minimum order amount is 0.0001 BTC.", Refused),
        (101214, "Funding fee is being settled", TryAgain),
        (80020, "risk forbidden", TryAgain),
        (109403, "risk forbidden", TryAgain),
        (80014, "API orders are temporarily disabled", TryAgain),
        (109400, "API orders are temporarily disabled", TryAgain),
        (80014, "timestamp is invalid", codes.ClockSkew),
        (109400, "In the Hedge mode, the 'PositionSide' field can only be set to LONG or SHORT.", Refused),
        (101205, "No position to close", NothingLeft),
        (80018, "order already filled", NothingLeft),
        (109422, "order already filled", NothingLeft),
        (110412, "stop loss price must be above the price", PastTrigger),
        (424242, "a code of next year", OutcomeUnknown),
    ],
)
def test_what_a_code_means(code: int, text: str, kind: type[Exception]) -> None:
    assert type(codes.meaning(code, text)) is kind


@pytest.mark.parametrize(("old", "new"), RENUMBERED.items())
def test_an_old_number_means_what_its_new_one_does(old: int, new: int) -> None:
    assert type(codes.meaning(old, "told")) is type(codes.meaning(new, "told"))


def test_no_code_is_in_two_groups() -> None:
    listed = [code for _, group in codes._GROUPS for code in group]
    assert sorted(listed) == sorted(set(listed))


def test_only_what_was_certainly_not_done_is_refused_or_tried_again() -> None:
    """A busy exchange, an id that was there before, an unknown number: the order may stand."""
    for code in (80012, 80019, 100500, 100503, 101481, 101500, 109201, 109423, 109500, 109701, 110500, 1):
        assert isinstance(codes.meaning(code, "system busy"), OutcomeUnknown), code


def test_only_order_not_exist_is_absence() -> None:
    absent = {code for code in codes.MEANINGS if isinstance(codes.meaning(code, "told"), codes.Absent)}
    assert absent == {80016, 109421}


def test_the_text_names_the_code_and_is_cut() -> None:
    assert str(codes.meaning(101204, "x" * 500)) == f"101204: {'x' * 200}"
