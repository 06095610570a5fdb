"""Processes and servers that the tools and the tests share."""
