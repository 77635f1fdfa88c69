"""Serves the API: `python -m api`."""

import sys

from api.server import serve

if __name__ == "__main__":
    sys.exit(serve())
