"""A booking service written like most published samples, for comparison."""
