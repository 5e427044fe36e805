"""What a reader raises once something is not certain; it ends as Unreadable and never leaves the parser."""

from bot.domain.reason import Reason


class Doubt(Exception):  # noqa: N818 - it is none of the reader's errors
    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
