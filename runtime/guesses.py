"""Guesses at tokens: how long a wrong one waits for its answer."""

import ipaddress

from runtime.buckets import Buckets

FORGIVEN_PER_SECOND = 1 / 60
FIRST_DELAY, LONGEST_DELAY, DOUBLINGS = 0.1, 10.0, 8


class Guesses:
    """Wrong tokens, by the address that they come from."""

    def __init__(self) -> None:
        self._buckets = Buckets(DOUBLINGS, FORGIVEN_PER_SECOND)

    def delay(self, address: str) -> float:
        """Seconds until the answer to another wrong token; twice as long as for the one before."""
        level = self._buckets.add(neighbourhood(address)) or DOUBLINGS
        return min(FIRST_DELAY * 2 ** (level - 1), LONGEST_DELAY)


def neighbourhood(address: str) -> str:
    """The addresses that one guesser can have: in IPv6, a network of them."""
    try:
        network = ipaddress.ip_network(f"{address}/64", strict=False)
    except ValueError:
        return address
    return str(network)
