"""What is said of a file: a TOML beside it, or an entry of the catalogue that its folder is named after."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from datasets.errors import Fault, FaultyFileError

_LARGEST = 8 << 20


class Description(Struct, frozen=True):
    """The form of a hand-over as it stands, before any of it is judged."""

    name: str
    """What its faults are told under: the file that says it."""
    folder: Path
    """Where the file that it describes lies."""
    raw: Mapping[str, Any]


def read_description(path: Path) -> Description:
    """Return what the TOML at *path* says; raises FaultyFileError where it is none at all."""
    if not path.is_file():
        raise _refused(path, "there is no such file")
    if path.stat().st_size > _LARGEST:
        raise _refused(path, "the file is larger than 8 MB")
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = f"is not TOML: {error}"
        raise _refused(path, reason) from None
    return Description(path.name, path.parent, raw)


def _refused(path: Path, reason: str) -> FaultyFileError:
    return FaultyFileError([Fault(file=path.name, reason=reason)])
