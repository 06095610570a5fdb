"""What operators do, one command for all of it: `python -m operations`."""
