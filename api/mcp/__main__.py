"""`python -m api.mcp [--url ADDRESS]`: speaks the Model Context Protocol over standard input and output."""

import argparse
import sys
from collections.abc import Sequence
from typing import BinaryIO

from api.mcp.protocol import answer
from api.mcp.source import Source
from api.mcp.tools import tools_of

_LONGEST = 1 << 20


def main(words: Sequence[str], said: BinaryIO, told: BinaryIO) -> int:
    """Answer each line of *said* on *told* until it ends; return 0."""
    parser = argparse.ArgumentParser(prog="python -m api.mcp", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the address of a running Länsdata")
    source = Source(parser.parse_args(words).url)
    tools = tools_of(source)
    try:
        while line := said.readline(_LONGEST):
            reply = answer(line, tools) if line.strip() else None
            if reply is not None:
                told.write(reply + b"\n")
                told.flush()
    finally:
        source.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer))
