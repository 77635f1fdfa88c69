"""Snapshots: every answer of a source as raw bytes, never altered, so that its figures can be made again.

One file holds the answers of one load of one dataset: a zstd stream of length-prefixed msgpack records, in
the order in which they came. Readable by the publisher alone: a source may hold what must not be
served.
"""

import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
import zstandard

from datasets.errors import LansdataError
from loaders.fetch import Fetched

ENDING = ".answers.zst"
_LENGTH = struct.Struct(">Q")
_PIECE = 1 << 16
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Fetched)


class BrokenSnapshotError(LansdataError):
    """A snapshot that is cut off or whose bytes are not what was fetched."""


class Snapshot:
    """The answers of one load, being written; stands under its final name only once it is whole."""

    def __init__(self, folder: Path, dataset: str, started: datetime) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{dataset}@{started:%Y%m%dT%H%M%S%fZ}{ENDING}"
        self._part = self.path.with_suffix(".part")
        opened = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(opened, "wb")
        packer = zstandard.ZstdCompressor(level=6, write_checksum=True)
        self._stream = packer.stream_writer(self._file, closefd=False)

    def __enter__(self) -> Self:
        return self

    def keep(self, fetched: Fetched) -> None:
        """Write one answer."""
        record = _encoder.encode(fetched)
        self._stream.write(_LENGTH.pack(len(record)))
        self._stream.write(record)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()  # type: ignore[no-untyped-call]
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        # what came before a failure is worth keeping too: it shows what the source did
        self._part.replace(self.path)


def read_snapshot(path: Path) -> Iterator[Fetched]:
    """Yield the answers of a snapshot; the next is unpacked while one is worked on, no more are in memory.

    Raises BrokenSnapshotError where it is not whole.
    """
    try:
        with path.open("rb") as file, ThreadPoolExecutor(1) as unpacker:
            records = _records(file)
            following = unpacker.submit(next, records, None)
            while (record := following.result()) is not None:
                following = unpacker.submit(next, records, None)
                yield _decoder.decode(record)
    except (zstandard.ZstdError, msgspec.DecodeError, EOFError) as error:
        message = f"{path.name} is not a whole snapshot"
        raise BrokenSnapshotError(message) from error


def forget_old(folder: Path, now: datetime, kept: timedelta) -> list[Path]:
    """Remove the snapshots older than *kept*, but never a dataset's newest; return what was removed.

    What a killed night left half written goes the same way.
    """
    found = sorted(folder.glob(f"*{ENDING}"))
    newest = {path.name.partition("@")[0]: path for path in found}
    old = [
        path
        for path in (*found, *sorted(folder.glob("*.part")))
        if path not in newest.values()
        and datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo) < now - kept
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _records(file: BinaryIO) -> Iterator[bytes]:
    """Yield each record; raises EOFError where the stream has no end or ends inside a record."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    plain = bytearray()
    while not frame.eof:
        piece = file.read(_PIECE)
        if not piece:
            raise EOFError
        plain += frame.decompress(piece)
        at = 0
        while (end := _end_of_record(plain, at)) <= len(plain):
            yield bytes(plain[at + _LENGTH.size : end])
            at = end
        del plain[:at]
    if plain or frame.unused_data or file.read(1):
        raise EOFError


def _end_of_record(plain: bytearray, at: int) -> int:
    """Return where the record at *at* ends, which may be beyond what is there."""
    if len(plain) < at + _LENGTH.size:
        return at + _LENGTH.size
    return at + _LENGTH.size + int(_LENGTH.unpack_from(plain, at)[0])
