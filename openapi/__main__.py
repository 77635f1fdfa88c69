"""The contract by hand: `python -m openapi write | check`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from openapi_spec_validator import validate
from rich.console import Console

import api
from openapi.compatibility import breaks
from openapi.document import document_bytes

COMMITTED = Path(api.__file__).parent / "openapi.json"


def main(words: Sequence[str]) -> int:
    """Write the contract, or check that the committed one is valid and up to date; 1 when it is not.

    What would break callers of the contract that it is held against is refused by both.
    """
    parser = argparse.ArgumentParser(prog="python -m openapi", description=__doc__)
    parser.add_argument("command", choices=["write", "check"])
    parser.add_argument(
        "--against", type=Path, default=COMMITTED, help="the contract that callers have; the committed one"
    )
    asked, console = parser.parse_args(words), Console(soft_wrap=True)
    made = document_bytes()
    document = msgspec.json.decode(made)
    validate(document)
    held = asked.against.read_bytes() if asked.against.is_file() else made
    broken = breaks(msgspec.json.decode(held), document)
    for sentence in broken:
        console.print(sentence, style="red", markup=False, highlight=False)
    if broken:
        console.print("callers of the contract would break; within a major version there are only additions")
        return 1
    if asked.command == "write":
        COMMITTED.write_bytes(made)
        console.print(f"{COMMITTED.name} is written, {len(made)} bytes, valid")
        return 0
    if not COMMITTED.is_file() or COMMITTED.read_bytes() != made:
        console.print("the committed contract is not what the routes say; run `python -m openapi write`")
        return 1
    console.print("the committed contract is valid and what the routes say")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
