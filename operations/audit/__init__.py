"""The audit: whether the suppliers hold exactly what Temporal says is booked."""
