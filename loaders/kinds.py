"""The kinds of file that a person can hand over, told apart by `kind` in the TOML."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import resolve_name

from datasets.closest import closest
from datasets.errors import Fault, FaultyFileError
from datasets.ledger import Draft

# by name, since what reads SPSS files takes longer to import than most tables take to read
KINDS: Mapping[str, str] = {
    "tidy": "loaders.handover:read_handover",
    "delivery": "loaders.deliveries:read_delivery",
    "lupp": "loaders.lupp:read_lupp",
}


def read_file(path: Path) -> Draft:
    """Return the draft that the TOML at *path* and the file beside it make.

    Raises FaultyFileError with every fault of both files; nothing is guessed, nothing half kept.
    """
    kind = _kind(path)
    if kind not in KINDS:
        hints = closest(kind, KINDS)
        raise FaultyFileError(
            [Fault(file=path.name, column="kind", value=kind, reason="is no kind of file", closest=hints)]
        )
    read: Callable[[Path], Draft] = resolve_name(KINDS[kind])
    return read(path)


def _kind(path: Path) -> str:
    """Return what the TOML says it is; one that cannot be read is told by the reader of tidy files."""
    try:
        return str(tomllib.loads(path.read_text("utf-8-sig")).get("kind", "tidy"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return "tidy"
