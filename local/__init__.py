"""Everything on one machine, for development: Temporal's server, and a supervisor."""
