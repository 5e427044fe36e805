"""`make run`: the whole system on this machine, until Ctrl-C."""

import argparse
import asyncio
import os
import shlex
import sys
import time
from pathlib import Path

import aiohttp

from scripts.stack.home import ROOT, Home, HomeError
from scripts.stack.local import StackError, running
from scripts.stack.ports import PortError, Ports
from scripts.stack.told import cancel_when_told

_AGAIN = "nothing was lost, `make run` starts it again"
_SHOWN = """
Tradewatch is ready ({seconds:.1f} s). All of it runs on this machine; nothing reaches an exchange or a phone.

  Bot            {bot}/status
  Pages and SMS  {sink}/
  Dashboards     {sink}/d/
  Prometheus     {prometheus}{alerts}
  Alertmanager   {alertmanager}/api/v2/alerts
  Simulator      {simulator}/control/orders

What to try next, in another terminal:

  . {env}        # psql, promtool, amtool, tradewatch and python for this stack

  # an order: show the plan, then place it
  curl -s $BOT_URL/debug/signal -d '{{"message": "BUY BTCUSDT 0.1", "source": "test"}}'
  curl -s $BOT_URL/debug/signal -H "Authorization: Bearer $(cat \"$ADMIN_TOKEN_FILE\")" \\
       -d '{{"message": "BUY BTCUSDT 0.1", "source": "test", "execute": true, "id": "first"}}'
  psql -xc 'SELECT * FROM orders ORDER BY created_at DESC LIMIT 5'
  python -m bot status

  # the same from a channel of Telegram, which the simulator plays
  curl -s $SIMULATOR_URL/control/telegram/post -d '{{"chat": "demo", "text": "BUY ETHUSDT 1"}}'

  # what is wrong, if anything is
  runbooks/quick_diagnosis.sh

  # the emergency stop: no new orders, from now until a person says resume; it survives every restart
  runbooks/emergency_stop.sh --reason 'I try it'
  python -m bot resume --reason 'it works'

  # orders that the exchange refuses: after three in a row and five minutes a page and an SMS; DELETE ends it
  curl -s $SIMULATOR_URL/control/faults \\
       -d '{{"reject_orders": {{"code": 101204, "msg": "Insufficient margin"}}}}'
  curl -s -X DELETE $SIMULATOR_URL/control/faults

  # an alert from fault to page and back, sixty times as fast as in life
  make drill

Data stays in {home} for the next run. Ctrl-C stops everything.
"""


def main() -> int:
    options = _parser().parse_args()
    try:
        home = Home(path=Path(os.path.realpath(options.home)), ports=Ports.from_environment(os.environ))
        return asyncio.run(_serve(home))
    except (HomeError, PortError, StackError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


async def _serve(home: Home) -> int:
    begin = time.monotonic()
    is_up = False

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    cancel_when_told(say)
    say(f"starting in {home.path}")
    try:
        async with running(home, say) as supervisord:
            is_up = True
            print(_shown(home, time.monotonic() - begin, await _alerts_page(home)), flush=True)
            await supervisord.wait()
            raise StackError(f"supervisord was ended from outside, and with it every service; {_AGAIN}")
    except asyncio.CancelledError:
        if not is_up:
            say("stopped before everything was up")
            return 130
    say("stopped; nothing is left running")
    return 0


async def _alerts_page(home: Home) -> str:
    """Return the path of Prometheus' page of alerts; Debian's build has no pages, only the API."""
    async with aiohttp.ClientSession() as session, session.get(home.url("prometheus", "/alerts")) as answer:
        return "/alerts" if answer.status == 200 else "/api/v1/alerts"


def _shown(home: Home, seconds: float, alerts: str) -> str:
    urls = {name: home.url(name) for name in ("bot", "sink", "prometheus", "alertmanager", "simulator")}
    urls["alerts"] = alerts
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
