"""A booking service as most published samples are written; it is here to be compared with."""
