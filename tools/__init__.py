"""What measures and attacks the service; no part of it."""
