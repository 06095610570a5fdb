"""Ports for programs that are killed and started again on the same ports."""

import random
import socket

BELOW_CLIENTS = range(20_000, 32_000)
"""Below the ports that the kernel gives to connections, which would keep a killed program's."""


def lasting_ports(number: int) -> list[int]:
    """Different ports of loopback, all of them free now."""
    ports: list[int] = []
    for port in random.sample(BELOW_CLIENTS, len(BELOW_CLIENTS)):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        ports.append(port)
        if len(ports) == number:
            return ports
    raise RuntimeError("no free ports are left")
