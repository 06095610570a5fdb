"""The web process's parts: requests, bookings as read from Temporal, answers and problems."""
