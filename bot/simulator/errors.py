"""The error that BingX answers with: a code and a text in the envelope."""


class BingXError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
