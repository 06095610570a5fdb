"""The audit: whether what Temporal says of the trips is what the suppliers hold for them."""
