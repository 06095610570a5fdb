"""Leave the Temporal CLI, as Temporal's own SDK downloads it, in a folder.

Usage: python download.py FOLDER VERSION
"""

import asyncio
import sys

from temporalio.testing import WorkflowEnvironment


async def download(folder: str, version: str) -> None:
    """Start the server that the SDK would start for tests, for the file that it downloads."""
    try:
        server = await WorkflowEnvironment.start_local(
            download_dest_dir=folder, dev_server_download_version=f"v{version}"
        )
    except RuntimeError as error:
        sys.exit(str(error))
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(download(*sys.argv[1:]))
