"""How every command ends; docs/bot.md explains the numbers, and scripts may rely on them."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    FAILED = 1  # refused, or it could not be done
    WRONG = 2  # arguments or settings
    BY_FILE = 4  # halted by the HALT file alone, for the bot did not answer
    HALTED = 5  # the bot answers, and places no orders
    NO_ANSWER = 6  # and nothing was changed
