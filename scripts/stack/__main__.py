"""`make run`: the whole system on this machine, until Ctrl-C."""

import argparse
import asyncio
import os
import shlex
import signal
import sys
import time
from pathlib import Path

from scripts.stack.home import ROOT, Home, HomeError
from scripts.stack.local import StackError, running
from scripts.stack.ports import PortError, Ports

_AGAIN = "nothing was lost, `make run` starts it again"
_SHOWN = """
Tradewatch is ready ({seconds:.1f} s). All of it runs on this machine; nothing reaches an exchange or a phone.

  Bot            {bot}/status
  Pages and SMS  {sink}/
  Prometheus     {prometheus}/alerts
  Alertmanager   {alertmanager}
  Simulator      {simulator}/control/orders

What to try next, in another terminal:

  . {env}

  # an order: show the plan, then place it
  curl -s $BOT_URL/debug/signal -d '{{"message": "BUY BTCUSDT 0.1", "source": "test"}}'
  curl -s $BOT_URL/debug/signal -H "Authorization: Bearer $(cat $ADMIN_TOKEN_FILE)" \\
       -d '{{"message": "BUY BTCUSDT 0.1", "source": "test", "execute": true, "id": "first"}}'
  psql -c 'SELECT * FROM orders ORDER BY created_at DESC LIMIT 5'

  # an alert from fault to page and back, sixty times as fast as in life
  make drill

Data stays in {home} for the next run. Ctrl-C stops everything.
"""


def main() -> int:
    options = _parser().parse_args()
    try:
        home = Home(path=options.home.resolve(), ports=Ports.from_environment(os.environ))
        return asyncio.run(_serve(home))
    except (HomeError, PortError, StackError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


async def _serve(home: Home) -> int:
    begin = time.monotonic()
    stop = asyncio.Event()
    task = asyncio.current_task()
    assert task is not None
    is_up = False

    def told_to_stop() -> None:
        stop.set()
        if not is_up:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop)

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    say(f"starting in {home.path}")
    try:
        async with running(home, say) as supervisord:
            is_up = True
            print(_shown(home, time.monotonic() - begin), flush=True)
            if not await _told_before_the_end(stop, supervisord):
                raise StackError(f"supervisord was ended from outside, and with it every service; {_AGAIN}")
            say("stopping")
    except asyncio.CancelledError:
        say("stopped before everything was up")
        return 130
    say("stopped; nothing is left running")
    return 0


async def _told_before_the_end(stop: asyncio.Event, process: asyncio.subprocess.Process) -> bool:
    """Wait until somebody says stop, or the process ends by itself; return whether it was the former."""
    told, ended = asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())
    await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
    for task in (told, ended):
        task.cancel()
    return stop.is_set()


def _shown(home: Home, seconds: float) -> str:
    urls = {name: home.url(name) for name in ("bot", "sink", "prometheus", "alertmanager", "simulator")}
    return _SHOWN.format(seconds=seconds, env=shlex.quote(str(home.path / "env")), home=home.path, **urls)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make run",
        description="Run bot, simulator, database and monitoring on this machine, until Ctrl-C.",
        epilog="BOT_PORT, PROMETHEUS_PORT and so on set ports; TRADING_ENABLED=false refuses new orders.",
    )
    parser.add_argument(
        "--home",
        type=Path,
        default=ROOT / ".local",
        metavar="DIR",
        help="where data, logs and secrets go (.local)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
