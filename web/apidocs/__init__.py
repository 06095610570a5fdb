"""The description of the API: its operations, their examples, and how a page tells them."""
