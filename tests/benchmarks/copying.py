"""The peer of a publish: a process that copies a CSV into rows, `python -m tests.benchmarks.copying CSV`."""

import asyncio
import os
import sys
from pathlib import Path

from tests.benchmarks.peers import DATABASE, copy_rows

if __name__ == "__main__":
    asyncio.run(copy_rows(os.environ[DATABASE], Path(sys.argv[1])))
