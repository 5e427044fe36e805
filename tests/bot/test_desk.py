"""The clock of everything that must not look young after the machine slept."""

import time

from bot.desk import since_boot


def test_the_clock_counts_on_while_the_machine_sleeps() -> None:
    wanted = time.CLOCK_BOOTTIME
    before = time.clock_gettime(wanted)
    assert before <= since_boot() <= time.clock_gettime(wanted)
