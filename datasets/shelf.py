"""Where baked files lie: a folder, or a store that speaks S3; the only module that writes and reads them.

A name is written whole or not at all, and what is written stays when the machine stops.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from datasets.deflated import Plain
from datasets.errors import FilesUnavailableError
from datasets.files import Pack, Piece
from datasets.settings import Settings

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_UNFINISHED = ".unfinished"
# obstore's own is three minutes, in which a store that hangs would hold every thread of the API
_RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}


class Shelf(Protocol):
    """Named bytes that are written once; names look like paths."""

    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        """Return some of the bytes under *name*; raises FilesUnavailableError where they cannot be had."""

    def put(self, name: str, body: bytes) -> None:
        """Keep *body* under *name*, in place of what is there."""

    def put_file(self, name: str, path: Path) -> None:
        """Keep the finished file at *path* under *name*; it is gone from there afterwards."""

    def names(self, folder: str) -> list[str]:
        """Return all names in *folder*, sorted."""

    def delete(self, name: str) -> None:
        """Forget *name*; nothing happens where there is none."""

    def workplace(self) -> Path:
        """Return the folder in which a file is written before it is put here."""

    def within(self, folder: str) -> "Shelf":
        """Return the shelf whose names all lie in *folder*."""

    def folders(self) -> list[str]:
        """Return the folders right on this shelf, sorted."""


class Folder:
    """A shelf in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        """Return some of the bytes under *name*."""
        with _told(name), (self._root / name).open("rb") as file:
            file.seek(start)
            body = file.read() if size is None else file.read(size)
        return _all_of(name, body, size)

    def put(self, name: str, body: bytes) -> None:
        """Keep *body* under *name*."""
        with _told(name):
            handle, path = tempfile.mkstemp(suffix=_UNFINISHED, dir=self.workplace())
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                self.put_file(name, Path(path))
            finally:
                Path(path).unlink(missing_ok=True)

    def put_file(self, name: str, path: Path) -> None:
        """Keep the file at *path* under *name*: it is on the disk before it has its name."""
        target = self._root / name
        with _told(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o644)
            _to_disk(path)
            path.replace(target)
            _to_disk(target.parent)

    def names(self, folder: str) -> list[str]:
        """Return all names in *folder*."""
        place = self._root / folder
        with _told(folder):
            return sorted(f"{folder}/{path.name}" for path in place.iterdir()) if place.is_dir() else []

    def delete(self, name: str) -> None:
        """Forget *name*."""
        with _told(name):
            (self._root / name).unlink(missing_ok=True)

    def workplace(self) -> Path:
        """Return the folder for what is not finished: on the same disk, so that a name is given at once."""
        with _told("unfinished"):
            place = self._root / "unfinished"
            place.mkdir(parents=True, exist_ok=True)
            return place

    def within(self, folder: str) -> "Folder":
        """Return the shelf in *folder*."""
        return Folder(self._root / folder)

    def folders(self) -> list[str]:
        """Return the folders right on this shelf."""
        with suppress(FilesUnavailableError), _told("the folder"):
            return sorted(path.name for path in self._root.iterdir() if path.is_dir())
        return []


class Bucket:
    """A shelf in a store that speaks S3, or any other that obstore knows."""

    def __init__(self, store: ObjectStore, prefix: str = "") -> None:
        self._store = store
        self._prefix = prefix

    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        """Return some of the bytes under *name*."""
        path = self._prefix + name
        with _told(name):
            if size is None:
                return bytes(self._store.get(path).bytes())[start:]
            body = bytes(self._store.get_range(path, start=start, length=size)) if size else b""
        return _all_of(name, body, size)

    def put(self, name: str, body: bytes) -> None:
        """Keep *body* under *name*."""
        with _told(name):
            self._store.put(self._prefix + name, body)

    def put_file(self, name: str, path: Path) -> None:
        """Keep the file at *path* under *name*, in several parts where it is large."""
        with _told(name):
            self._store.put(self._prefix + name, path)
            path.unlink()

    def names(self, folder: str) -> list[str]:
        """Return all names in *folder*."""
        with _told(folder):
            paths = [
                str(one["path"]) for some in self._store.list(f"{self._prefix}{folder}/") for one in some
            ]
        return sorted(path.removeprefix(self._prefix) for path in paths)

    def delete(self, name: str) -> None:
        """Forget *name*."""
        with suppress(FilesUnavailableError), _told(name):
            self._store.delete(self._prefix + name)

    def workplace(self) -> Path:
        """Return a folder of this machine."""
        return Path(tempfile.gettempdir())

    def within(self, folder: str) -> "Bucket":
        """Return the shelf in *folder*."""
        return Bucket(self._store, f"{self._prefix}{folder}/")

    def folders(self) -> list[str]:
        """Return the folders right on this shelf."""
        with _told("the store"):
            found = self._store.list_with_delimiter(self._prefix or None)["common_prefixes"]
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)


class PackWriter:
    """A pack that is being written; it has its name, and lasts, once it is sealed."""

    def __init__(self, shelf: Shelf, number: int, file: IO[bytes], path: Path) -> None:
        self._shelf, self._file, self._path = shelf, file, path
        self._digest = hashlib.sha256()
        self._size = 0
        self.number = number

    def add(self, body: bytes, plain: Plain = Plain()) -> Piece:  # noqa: B008 frozen
        """Put *body*, which says *plain*, behind what is there."""
        piece = Piece(self.number, self._size, len(body), plain)
        with _told("the pack"):
            self._file.write(body)
        self._digest.update(body)
        self._size += len(body)
        return piece

    def read(self, piece: Piece) -> bytes:
        """Return a piece that was added."""
        with _told("the pack"):
            self._file.flush()
        return os.pread(self._file.fileno(), piece.size, piece.start)

    def seal(self) -> Pack:
        """Give the pack its name."""
        with _told("the pack"):
            self._file.flush()
        pack = Pack(release=self.number, sha256=self._digest.digest(), byte_size=self._size)
        self._shelf.put_file(pack.name, self._path)
        return pack


@contextmanager
def new_pack(shelf: Shelf, number: int) -> Iterator[PackWriter]:
    """Lend the pack of release *number*; unless it is sealed nothing is left of it.

    Raises FilesUnavailableError where it cannot be written, as on a full disk.
    """
    place = shelf.workplace()
    with _told("the pack"):
        handle, name = tempfile.mkstemp(prefix=f"{number:08}-", suffix=_UNFINISHED, dir=place)
    file = os.fdopen(handle, "w+b")
    try:
        yield PackWriter(shelf, number, file, Path(name))
    finally:
        # what could not be written was told already, or the pack is sealed and all of it is there
        with suppress(OSError):
            file.close()
        Path(name).unlink(missing_ok=True)


def sweep(shelf: Shelf, known: set[str]) -> list[str]:
    """Forget packs that no release has, and what publishers that died left unfinished; return the names."""
    left = [name for name in shelf.names("packs") if name not in known]
    left += shelf.names("unfinished")
    for name in left:
        shelf.delete(name)
    return left


def shelf_of(settings: Settings) -> Shelf:
    """Return the shelf that *settings* mean."""
    if settings.files_url:
        return Bucket(from_url(settings.files_url, retry_config=_RETRIES))
    return Folder(settings.home_path / "files")


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Tell what goes wrong in our own words."""
    try:
        yield
    except FileNotFoundError as error:
        message = f"{name} is not among the files"
        raise FilesUnavailableError(message) from error
    except (OSError, BaseError) as error:
        said = error.strerror if isinstance(error, OSError) else type(error).__name__
        message = f"{name} cannot be written or read where the files are: {said}"
        raise FilesUnavailableError(message) from error


def _all_of(name: str, body: bytes, size: int | None) -> bytes:
    if size is not None and len(body) != size:
        message = f"{name} is shorter than it was"
        raise FilesUnavailableError(message)
    return body


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
