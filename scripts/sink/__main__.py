"""The command line of the notification sink."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from yarl import URL

from scripts.sink.app import Options, StartError, running

_ABOUT = """Plays PagerDuty, Amazon SNS, a mail server, webhooks and a heartbeat monitor on this machine,
and shows every page, SMS and e-mail that would have gone out. Nothing leaves the machine."""
_DOORS = """where to send:
  PagerDuty   POST /pagerduty/v2/enqueue     Amazon SNS  POST /sns/
  webhook     POST /webhook/<name>           heartbeat   POST or GET /heartbeat/<name>
  mail        SMTP without TLS on --smtp-port  Telegram  POST /bot<token>/<method>, as api.telegram.org
where to look:
  page        GET /                          JSON        GET /notifications?after=<id>&wait=<seconds>
  heartbeats  GET /heartbeats                runbooks    GET /runbooks/<name>
  dashboards  GET /d/<uid>?viewPanel=<id>    empty it    DELETE /notifications
what to play:
  a person    POST /telegram/say             faults      POST or DELETE /telegram/faults"""


def main(arguments: list[str] | None = None) -> int:
    options = Options(**vars(_parser().parse_args(arguments)))
    try:
        asyncio.run(_run(options))
    except StartError as error:
        _tell(str(error))
        return 1
    return 0


async def _run(options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(options, tell=_tell) as sink:
        _tell(f"page on http://{options.host}:{sink.port}/, mail on {options.host}:{sink.smtp_port}")
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.sink",
        description=_ABOUT,
        epilog=_DOORS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default %(default)s; 0.0.0.0 in a container)",
    )
    add("--port", type=_port, default=9080, help="HTTP port (default %(default)s; 0 takes a free one)")
    add("--smtp-port", type=_port, default=9025, help="SMTP port (default %(default)s; 0 takes a free one)")
    add("--state", type=Path, required=True, help="directory that keeps the notifications over a restart")
    add("--runbooks", type=Path, default=Path("runbooks"), help="runbook pages (default %(default)s)")
    dashboards = Path("observability/generated/local/dashboards")
    add("--dashboards", type=Path, default=dashboards, help="Grafana dashboards (default %(default)s)")
    add(
        "--prometheus",
        type=_web_address,
        metavar="URL",
        default="http://127.0.0.1:9090",
        help="what dashboards are drawn from (default %(default)s)",
    )
    heartbeat_help = "a heartbeat is missing after this many seconds (default %(default)g)"
    add("--heartbeat-expect", type=_seconds, default=180.0, metavar="SECONDS", help=heartbeat_help)
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _web_address(text: str) -> str:
    try:
        url = URL(text)
        is_web = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_web = False
    if not is_web:
        raise argparse.ArgumentTypeError(f"{text!r} is not a web address, such as http://127.0.0.1:9090")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _tell(text: str) -> None:
    print(f"sink: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
