"""The service on Temporal's own cluster: the processes of a production site, on one machine."""
