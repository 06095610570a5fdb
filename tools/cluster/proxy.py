"""A proxy that speaks TLS: `python -m tools.cluster.proxy PORT CERTIFICATE KEY UPSTREAM...`.

It gives each connection to the next web process, or to another one if that one is down.
"""

import asyncio
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from itertools import count

READY = "The proxy is ready"


class Proxy:
    """Passes connections on to the ports of loopback in turn."""

    def __init__(self, upstreams: list[int]) -> None:
        self._upstreams = upstreams
        self._turn = count()

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until both sides have ended it."""
        try:
            upstream_reader, upstream_writer = await self._connect()
        except OSError:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n")
            writer.write(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        there = asyncio.create_task(copy(reader, upstream_writer))
        await copy(upstream_reader, writer)
        there.cancel()
        # Nobody waits until they are closed: a peer that is gone would never confirm it.
        writer.close()
        upstream_writer.close()

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        first = next(self._turn)
        for offset in range(len(self._upstreams)):
            port = self._upstreams[(first + offset) % len(self._upstreams)]
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError


async def copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass on bytes until one side is gone."""
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()


async def main(port: str, certificate: str, key: str, *upstreams: str) -> None:
    """Serve until a signal ends the process."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    proxy = Proxy([int(upstream) for upstream in upstreams])
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", int(port), ssl=context)
    print(f"{READY} at https://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
