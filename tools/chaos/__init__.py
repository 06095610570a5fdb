"""Chaos: the whole system under load while its processes are killed, then an audit."""
