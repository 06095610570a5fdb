"""The operators' command: `python -m operations`."""
