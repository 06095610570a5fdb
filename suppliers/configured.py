"""The configured suppliers; a wrong setting ends the process with one message."""

from settings import Settings, give_up
from suppliers import Supplier, open_supplier
from suppliers.sql import SqlSupplier


def supplier_of(settings: Settings, leg: str) -> Supplier:
    """A leg's supplier, which connects on first use."""
    try:
        return open_supplier(
            settings.supplier_url(leg),
            leg,
            plain_http=settings.plain_http_suppliers,
            token=settings.supplier_token(leg),
            connections=settings.calls_at_once + settings.undos_at_once,
        )
    except ValueError as error:
        give_up(str(error))


def sql_supplier_of(settings: Settings, leg: str) -> SqlSupplier:
    """A leg's supplier, which must have a database that this process can reach."""
    supplier = supplier_of(settings, leg)
    if not isinstance(supplier, SqlSupplier):
        supplier.close()
        give_up(
            f"{leg.upper()}_SUPPLIER is a service over HTTP, whose database is elsewhere. "
            "Run this command there, or set it to a sqlite:/// or postgresql:// URL."
        )
    return supplier
