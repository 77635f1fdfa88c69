"""The starter collection: real figures in our own files, published when nothing is published yet."""

from importlib.resources import files
from pathlib import Path


def starter_files() -> list[Path]:
    """Return the hand-over files of the collection, each named as its dataset, by name."""
    return sorted(Path(str(files("loaders.starter"))).glob("*.toml"))
