"""What every process needs: HTTP that no client can hold up, and output that nobody has to read."""
