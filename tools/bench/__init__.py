"""The benchmark: bookings, compared with Temporal's floor and with a naive service."""
