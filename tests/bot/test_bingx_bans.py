"""Bans are read, waited for and not provoked."""

from collections import deque

import pytest

from bot.adapters.bingx_bans import EVERYWHERE, Bans, Exhausted, Repeats, told_seconds
from bot.adapters.bingx_codes import RateLimited
from bot.adapters.bingx_limits import Priority


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (
            "code:100410:The endpoint trigger frequency limit rule is currently in the disabled period and "
            "will be unblocked after 1727193814249",
            14.249,
        ),
        (
            "over 20 error code:100202 requests within 480000 ms for this api, please verify and fix it ,"
            "can retry after time: 1727193970155",
            170.155,
        ),
        ("rate limited", None),
        ("order 1736012449498123500 of 2024", None),
    ],
)
def test_the_end_of_a_ban_is_read_from_its_text(text: str, seconds: float | None) -> None:
    told = told_seconds(text, exchange_now=1727193800)
    assert told == (None if seconds is None else pytest.approx(seconds))


def is_banned(bans: Bans, endpoint: str) -> bool:
    try:
        bans.check(endpoint)
    except RateLimited:
        return True
    return False


def test_a_ban_holds_for_its_endpoint_until_its_end(clock: Clock) -> None:
    bans = Bans(clock)
    bans.ban("place_order", 90.0)
    assert (is_banned(bans, "place_order"), is_banned(bans, "positions"), bans.left()) == (True, False, 90.0)
    bans.ban("place_order", 20.0)
    clock.now += 89
    assert is_banned(bans, "place_order")
    clock.now += 2
    assert (is_banned(bans, "place_order"), bans.left()) == (False, 0.0)


def test_a_ban_of_the_address_holds_for_all(clock: Clock) -> None:
    bans = Bans(clock)
    bans.ban(EVERYWHERE, None)
    assert is_banned(bans, "place_order")
    assert is_banned(bans, "price")


def test_a_ban_without_an_end_is_guessed_longer_each_time_until_something_works(clock: Clock) -> None:
    bans = Bans(clock)
    guesses = []
    for _ in range(7):
        bans.ban("price", None)
        guesses.append(bans.left())
        clock.now += bans.left()
    assert guesses == [10, 20, 40, 80, 160, 300, 300]
    assert bans.lift("price")
    assert not bans.lift("price")
    bans.ban("price", None)
    assert bans.left() == 10


def test_an_answer_to_an_earlier_call_does_not_lift_a_ban(clock: Clock) -> None:
    bans = Bans(clock)
    bans.ban("price", 60)
    assert not bans.lift("price")
    assert is_banned(bans, "price")


@pytest.mark.parametrize(("told", "held"), [(-5000.0, 1.0), (1e9, 86_400.0)])
def test_an_end_in_the_past_or_in_years_is_not_believed(clock: Clock, told: float, held: float) -> None:
    bans = Bans(clock)
    bans.ban("price", told)
    assert bans.left() == held


def test_five_equal_errors_in_eight_minutes_halt_entries_until_they_are_older(clock: Clock) -> None:
    repeats = Repeats(480.0, clock)
    for code in (101204, 101205, 101204, 101204, 101204):
        repeats.add("place_order", code)
        clock.now += 60
    assert repeats.entries_halted() == ""
    repeats.add("cancel_order", 101204)
    assert repeats.entries_halted() == ""
    repeats.add("place_order", 101204)
    assert repeats.entries_halted() == (
        "the exchange answered 101204 to place_order 5 times in eight minutes"
    )
    clock.now += 181
    assert repeats.entries_halted() == ""


def test_orders_that_are_not_there_count_for_a_ban_and_not_against_entries(clock: Clock) -> None:
    repeats = Repeats(480.0, clock)
    for _ in range(15):
        repeats.add("query_order", 109421, harmless=True)
    assert repeats.entries_halted() == ""
    with pytest.raises(Exhausted):
        repeats.check("query_order", Priority.QUERY)


def test_stops_that_are_refused_again_and_again_do_not_have_the_closes_banned(clock: Clock) -> None:
    repeats, errors = Repeats(480.0, clock), deque[float]()
    for _ in range(2000):
        clock.now += 1
        try:
            repeats.check("place_order", Priority.STOP)
        except Exhausted:
            continue
        repeats.add("place_order", 109500)
        errors.append(clock.now)
        while clock.now - errors[0] > 480:
            errors.popleft()
        assert len(errors) < 20
    repeats.check("place_order", Priority.CLOSE)


def test_before_the_exchange_bans_an_endpoint_only_what_protects_uses_it(clock: Clock) -> None:
    repeats = Repeats(480.0, clock)
    for _ in range(15):
        repeats.check("place_order", Priority.ENTRY)
        repeats.add("place_order", 101400)
    for priority in (Priority.TARGET, Priority.QUERY, Priority.ENTRY):
        with pytest.raises(Exhausted, match="one more 101400 from place_order"):
            repeats.check("place_order", priority)
    repeats.check("place_order", Priority.CLOSE)
    for priority in (Priority.STOP, Priority.CANCEL):
        with pytest.raises(Exhausted):
            repeats.check("place_order", priority)
    clock.now += 121
    for priority in (Priority.STOP, Priority.CANCEL):
        repeats.check("place_order", priority)
    with pytest.raises(Exhausted):
        repeats.check("place_order", Priority.TARGET)
    repeats.check("positions", Priority.QUERY)
    clock.now += 481 - 121
    repeats.check("place_order", Priority.ENTRY)
