"""Forgetting: a traveller's personal data goes, and what is held and counted stays."""
