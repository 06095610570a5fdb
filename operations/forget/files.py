"""The files of one machine: deleted rows stay in a SQLite file until it is rewritten."""

import sqlite3
from pathlib import Path

from bookings.client import external_address
from settings import Settings
from shared import Leg
from suppliers.sql_engine import compact

SQLITE = "sqlite:///"


class Files:
    """The SQLite files of suppliers and of the embedded server, and mail that was not sent."""

    def __init__(self, settings: Settings) -> None:
        urls = {leg: settings.supplier_url(leg) for leg in Leg}
        self._books = {
            leg: Path(url.removeprefix(SQLITE))
            for leg, url in urls.items()
            if url.startswith(SQLITE)
        }
        embedded = [] if external_address() else [settings.data_dir / "temporal.db"]
        self._databases = [*self._books.values(), *embedded]
        self._mail = settings.data_dir / "mail"

    def has_books(self, leg: Leg) -> bool:
        """Whether a leg's database exists; opening one that does not would create it."""
        return leg not in self._books or self._books[leg].exists()

    def delete_mail(self, booking_id: str) -> None:
        """Delete the messages about a booking."""
        for file in self._mail.glob(f"{booking_id}.*"):
            file.unlink()

    def compact(self) -> list[str]:
        """Rewrite every database; return what could not be rewritten, and what to do about it."""
        left = []
        for file in self._databases:
            if file.exists():
                try:
                    compact(file)
                except sqlite3.Error as error:
                    left.append(f"{file} may still have deleted data ({error}). Repeat this.")
        return left
