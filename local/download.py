"""Download the Temporal CLI into a folder, with Temporal's own SDK.

Usage: python download.py FOLDER VERSION
"""

import asyncio
import sys

from temporalio.testing import WorkflowEnvironment


async def download(folder: str, version: str) -> None:
    """Start the SDK's test server, only for the file that this downloads."""
    try:
        server = await WorkflowEnvironment.start_local(
            download_dest_dir=folder, dev_server_download_version=f"v{version}"
        )
    except RuntimeError as error:
        sys.exit(str(error))
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(download(*sys.argv[1:]))
