"""Ports from the environment, and busy ones."""

import socket

import pytest

from scripts.stack.ports import HOST, PortError, Ports


def test_each_port_has_its_variable() -> None:
    ports = Ports.from_environment({"BOT_PORT": "18080", "SINK_SMTP_PORT": "18025"})
    assert (ports.bot, ports.sink_smtp, ports.prometheus) == (18080, 18025, 9090)


def test_every_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(PortError, match=r"BOT_PORT=x is not a port.*SINK_PORT=70000 is not a port"):
        Ports.from_environment({"BOT_PORT": "x", "SINK_PORT": "70000"})


def test_a_busy_port_is_named_with_the_variable_that_moves_it() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port} is in use; free it, or set PROMETHEUS_PORT"):
            Ports.from_environment({"PROMETHEUS_PORT": str(port)}).refuse_busy()


def test_two_services_on_one_port_are_refused() -> None:
    with pytest.raises(PortError, match="SINK_PORT and BOT_PORT are both 18080"):
        Ports.from_environment({"BOT_PORT": "18080", "SINK_PORT": "18080"}).refuse_busy()


def test_free_ports_are_all_different() -> None:
    Ports.free().refuse_busy()
