"""Everything on one machine: Temporal's server, and a supervisor of the processes."""
