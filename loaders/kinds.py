"""The kinds of file that a person can hand over, told apart by `kind` in what is said of the file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import resolve_name

from datasets.closest import closest
from datasets.errors import Fault, FaultyFileError
from datasets.ledger import Draft
from loaders.description import Description, read_description

# by name, since what reads SPSS files takes longer to import than most tables take to read
KINDS: Mapping[str, str] = {
    "tidy": "loaders.handover:read_handover",
    "delivery": "loaders.deliveries:read_delivery",
    "lupp": "loaders.lupp:read_lupp",
}


PROTECTED = ("lupp",)
"""The kinds whose people are known well enough to hide what is small, and what it follows from."""


def read_file(path: Path) -> Draft:
    """Return the draft that the TOML at *path* and the file beside it make; raises as `read_described`."""
    return read_described(read_description(path))


def read_described(told: Description) -> Draft:
    """Return the draft that *told* and the file in its folder make.

    Raises FaultyFileError with every fault of both; nothing is guessed, nothing half kept.
    """
    kind = str(told.raw.get("kind", "tidy"))
    if kind not in KINDS:
        hints = closest(kind, KINDS)
        raise FaultyFileError(
            [Fault(file=told.name, column="kind", value=kind, reason="is no kind of file", closest=hints)]
        )
    if "disclosure" in told.raw and kind not in PROTECTED:
        reason = (
            f"is used by {', '.join(PROTECTED)} alone; leave it away: small numbers hold the dataset, whole"
        )
        raise FaultyFileError([Fault(file=told.name, column="disclosure", reason=reason)])
    read: Callable[[Description], Draft] = resolve_name(KINDS[kind])
    return read(told)
