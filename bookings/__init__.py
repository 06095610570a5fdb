"""A booking in Temporal: start it, read it, list it, cancel it. Nothing here knows HTTP."""
