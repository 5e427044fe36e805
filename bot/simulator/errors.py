"""The error that BingX answers with, and the numbers that its errors had before October 2025."""


class BingXError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


# Refusals of the layer in front of the exchange: they have a timestamp and no data.
GATEWAY = {100001, 100004, 100410, 100412, 100413, 100414, 100419, 100421, 109429}
_BEFORE = {
    101204: 80012,
    101205: 80017,
    101253: 80012,
    104103: 80001,
    109400: 80014,
    109403: 80020,
    109420: 80017,
    109421: 80016,
    109422: 80018,
    109423: 80019,
    109500: 80012,
    110206: 80013,
}
MARGIN_TOLD_BEFORE = '{"Code":101253,"Msg":"margin is not enough"}'


def renumbered(error: BingXError) -> BingXError:
    """The same refusal as the exchange told it before it changed its numbers."""
    if error.text == "order not exist":
        return BingXError(80016, error.text)
    if error.code in (101204, 101253):
        return BingXError(80012, MARGIN_TOLD_BEFORE)
    return BingXError(_BEFORE.get(error.code, error.code), error.text)


def invalid(what: str) -> BingXError:
    return BingXError(109400, f"Invalid parameters: {what}")


def unknown_symbol(symbol: str) -> BingXError:
    where = "/openApi/swap/v2/quote/contracts"
    return BingXError(109425, f"{symbol} not exist, please verify it in api: {where}")
