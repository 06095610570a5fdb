"""The configured suppliers; a wrong setting ends the process with one message."""

import logging
import os
import ssl
from urllib.parse import parse_qsl, urlsplit

import httpx2

from settings import Settings, give_up, is_loopback
from suppliers import Supplier, open_supplier
from suppliers.breaker import Breaker
from suppliers.exchange import Access
from suppliers.http import HttpSupplier
from suppliers.sql import SqlSupplier

log = logging.getLogger(__name__)


def access_of(settings: Settings, leg: str) -> Access:
    """How a leg's supplier is reached, if it is a service over HTTP."""
    return Access(settings.supplier_token(leg), tls_of(settings), settings.supplier_timeout)


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Whom suppliers' certificates must come from, and our own certificate; None: the defaults."""
    ca, certificate = settings.supplier_ca, settings.supplier_client_cert
    if settings.supplier_client_key and not certificate:
        give_up("SUPPLIER_CLIENT_KEY needs SUPPLIER_CLIENT_CERT.")
    if not (ca or certificate):
        return None
    try:
        tls = ssl.create_default_context(cafile=ca) if ca else httpx2.create_ssl_context()
        if certificate:  # with an empty password, as OpenSSL would ask for one on the terminal
            tls.load_cert_chain(certificate, settings.supplier_client_key, password="")
    except OSError as error:
        give_up(f"SUPPLIER_CA or SUPPLIER_CLIENT_CERT or …_KEY cannot be used: {error}.")
    return tls


def supplier_of(settings: Settings, leg: str) -> Supplier:
    """A leg's supplier, which connects on first use."""
    try:
        supplier = open_supplier(
            settings.supplier_url(leg),
            leg,
            plain_http=settings.plain_http_suppliers,
            access=access_of(settings, leg),
            connections=settings.calls_at_once + settings.undos_at_once,
        )
    except ValueError as error:
        give_up(str(error))
    if clear_text_to := readable_on_the_way(settings.supplier_url(leg)):
        log.warning("Travellers' names go to the %s supplier %s.", leg, clear_text_to)
    # A database has time limits of its own, and is near; a partner is neither known nor near.
    return Breaker(supplier, leg) if isinstance(supplier, HttpSupplier) else supplier


def readable_on_the_way(url: str) -> str:
    """What is wrong with a supplier's URL if others could read, or answer, what is sent there."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = parts.hostname or query.get("host", "/")
    if (
        parts.scheme not in {"http", "postgres", "postgresql"}
        or host[0] == "/"
        or is_loopback(host)
    ):
        return ""
    if parts.scheme == "http":
        return "unencrypted; use https://"
    verified = query.get("sslmode", os.environ.get("PGSSLMODE")) in {"verify-ca", "verify-full"}
    return "" if verified else "at an unverified server; add ?sslmode=verify-full to its URL"


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
