"""The starter collection: real figures in our own files, published when nothing is published yet."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from datasets.ledger import Draft
from loaders.handover import read_handover


def starter_files() -> list[Path]:
    """Return the hand-over files of the collection, in the order of their names."""
    return sorted(Path(str(files("loaders.starter"))).glob("*.toml"))


def starter_drafts() -> Iterator[Draft]:
    """Yield the drafts of the collection."""
    return map(read_handover, starter_files())
