"""How fast a booking is, beside the least that Temporal costs and beside a naive service."""
