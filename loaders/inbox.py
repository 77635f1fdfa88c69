"""The inbox: a folder for each dataset that comes as files, looked into every night.

The newest file of a folder is the whole dataset. It stays where it lies, as it came; a receipt tells by its
sha256 that it is loaded, so that a file is read once, and again only when what is said of it has changed.
"""

import hashlib
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from datasets.catalogue import Dataset
from datasets.errors import Fault, FaultyFileError
from loaders.catalogue import Listed
from loaders.description import Description, read_description

INBOX = "inbox"
"""The name of the folder under LANSDATA_HOME, and of this source in the catalogue."""
SETTLED = timedelta(minutes=1)
"""How long a file must have lain unchanged: one that is still being copied looks whole and is not."""
_OWNER_FOLDER = 0o700
_RECEIPTS = ".receipts"
_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=str)


class Receipt(Struct, frozen=True):
    """What was loaded last: the sha256 of the file and of all that was said of it, both in hex."""

    file: str
    description: str


class Waiting(Struct, frozen=True):
    """Why there is nothing to load."""

    reason: str


def delivered(home: Path, listed: Listed, now: datetime, *, stands: bool) -> Description | Waiting:
    """Return what is said of the newest file in the folder of *listed*, or why no file is to be read.

    *stands* tells whether any version of the dataset is published: if none is, no receipt counts. Makes the
    folder where there is none, so that people see where a file goes. Raises FaultyFileError where the TOML in
    the folder is none.
    """
    dataset = listed.plan.dataset.id
    folder = home / INBOX / dataset
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = [path for path in folder.iterdir() if _is_delivery(path, dataset)]
    if listed.plan.dataset.person_based:
        close_to_others(folder, *files)
    if not files:
        return Waiting(f"there is no file in {INBOX}/{dataset}")
    newest = max(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
    if newest.stat().st_mtime > (now - SETTLED).timestamp():
        return Waiting(f"{newest.name} was changed less than a minute ago: it is left for the next night")
    told = _description(listed, folder, newest)
    if stands and receipt_of(told) == _read_receipt(home, dataset):
        return Waiting(f"{newest.name} is loaded already")
    return told


def close_to_others(folder: Path, *files: Path) -> None:
    """Let nobody but the owner look into *folder*, or read *files*: they count people, unprotected."""
    if stat.S_IMODE(folder.stat().st_mode) != _OWNER_FOLDER:
        folder.chmod(_OWNER_FOLDER)
    for file in files:
        # one that somebody else owns is behind the folder's door all the same
        with suppress(PermissionError):
            file.chmod(0o600)


def forget_loaded(home: Path, listed: Listed, now: datetime, kept: timedelta) -> list[Path]:
    """Remove files of people that lie in the folder of *listed* longer than *kept*, but not the newest."""
    folder = home / INBOX / listed.plan.dataset.id
    if not listed.plan.dataset.person_based or not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if _is_delivery(path, listed.plan.dataset.id)]
    by_age = sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
    old = [path for path in by_age[:-1] if path.stat().st_mtime < (now - kept).timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def receipt_of(told: Description) -> Receipt:
    """Return what tells that the file of *told* was loaded as it is described there."""
    file = told.folder / str(told.raw["file"])
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
    said = {name: value for name, value in told.raw.items() if name != "file"}
    return Receipt(digest.hexdigest(), hashlib.sha256(_encoder.encode(said)).hexdigest())


def keep_receipt(home: Path, dataset: str, receipt: Receipt) -> None:
    """Remember what was loaded; written beside and moved, so that it is whole or not there."""
    path = _receipt(home, dataset)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    part.write_bytes(_encoder.encode(receipt))
    part.replace(path)


def refuse_other(listed: Dataset, described: Dataset, name: str) -> None:
    """Refuse a TOML in the folder that is about another dataset, or protects people less than the catalogue.

    Whoever may drop files may not, by that alone, lower the floor. Raises FaultyFileError.
    """
    faults = []
    if described.id != listed.id:
        reason = f"is another dataset than its folder's, {listed.id}"
        faults.append(Fault(file=name, column="dataset.id", value=described.id, reason=reason))
    if listed.person_based and (
        not described.person_based or (described.threshold or 0) < (listed.threshold or 0)
    ):
        reason = f"must be at least the catalogue's, {listed.threshold}, with personBased = true"
        faults.append(Fault(file=name, column="dataset.threshold", reason=reason))
    if faults:
        raise FaultyFileError(faults)


def strays(home: Path, known: Collection[str]) -> Iterator[str]:
    """Yield the folders of the inbox that no dataset of the catalogue is named after, and loose files."""
    inbox = home / INBOX
    found = sorted(inbox.iterdir()) if inbox.is_dir() else []
    yield from (path.name for path in found if not path.name.startswith(".") and path.name not in known)


def _is_delivery(path: Path, dataset: str) -> bool:
    """Tell a file from what programs leave beside it (`.~lock`, `~$book.xlsx`) and from its TOML."""
    return path.is_file() and not path.name.startswith((".", "~")) and path.name != f"{dataset}.toml"


def _description(listed: Listed, folder: Path, file: Path) -> Description:
    """Return what the TOML named after the dataset says, or else the catalogue."""
    dataset = listed.plan.dataset
    beside = folder / f"{dataset.id}.toml"
    if beside.is_file():
        told = read_description(beside)
        # who may drop files may not, by that alone, say how people are protected
        said = {"disclosure": listed.plan.load["disclosure"]} if "disclosure" in listed.plan.load else {}
        return Description(told.name, folder, {**told.raw, **said, "file": file.name})
    raw = {
        **listed.plan.load,
        "file": file.name,
        "dataset": msgspec.to_builtins(dataset),
        "indicator": list(listed.plan.indicators),
        "unstatedBases": dict(listed.bounds.unstated_bases),
    }
    return Description(f"{dataset.id}.toml", folder, raw)


def _read_receipt(home: Path, dataset: str) -> Receipt | None:
    try:
        return msgspec.json.decode(_receipt(home, dataset).read_bytes(), type=Receipt)
    except (OSError, msgspec.DecodeError):
        return None


def _receipt(home: Path, dataset: str) -> Path:
    return home / INBOX / _RECEIPTS / f"{dataset}.json"
