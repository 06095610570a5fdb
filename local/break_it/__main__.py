"""The process that serves the page; `make run` starts it, and obeys what it prints."""

import os
import sys
from urllib.parse import urlsplit

from local.break_it.room import create_room
from local.break_it.world import World
from runtime import http_server
from settings import Settings, give_up

THREADS = 16


def main() -> int:
    """Serve until SIGTERM; return the exit status."""
    os.umask(0o077)  # the suppliers' files hold travellers' names
    settings = Settings.load()
    if not settings.break_it_url or settings.has_clients:
        give_up("This page is a part of `make run` without tokens: it cannot be started alone.")
    address = urlsplit(settings.break_it_url)
    try:
        listener = http_server.listen(str(address.hostname), int(address.port or 0))
    except OSError as error:
        print(f"{settings.break_it_url} cannot be served ({error}).", file=sys.stderr)
        return 1  # another program has just taken the port: the demo works without this page
    room = create_room(World(settings), settings.break_it_url)
    http_server.serve(room, listener, threads=THREADS, longest_wait=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
