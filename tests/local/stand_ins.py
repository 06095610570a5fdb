"""`run_all.py` with other programs in place of the worker, the web process and the page
that breaks them.

Usage: python -m tests.local.stand_ins WORKER_COMMAND WEB_COMMAND
"""

import shlex
import sys

from local.keeper import Program
from local.run_all import run
from settings import Settings

if __name__ == "__main__":
    worker, web = sys.argv[1:]
    sys.exit(
        run(
            Settings.load(),
            worker=Program("worker", shlex.split(worker)),
            web=Program("web", shlex.split(web)),
            break_it=Program("break-it", ["sleep", "1004"]),
        )
    )
