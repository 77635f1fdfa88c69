"""What the ledger keeps of baked files: one statement a method, for the session of `datasets.store`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from datasets import file_statements as statements
from datasets.files import Batch, File, Made, Pack, file_body, read_parts
from datasets.ledger import Entry
from datasets.notices import Erasure, Notice
from datasets.statements import announce
from datasets.stored import ERASED

_notice: "msgspec.json.Decoder[Notice]" = msgspec.json.Decoder(Notice)
_made = msgspec.json.Decoder(Made)


class FileRecords:
    """The part of a session that knows files."""

    _connection: AsyncConnection

    async def packs(self, *, after: int = 0) -> list[Pack]:
        """Return the packs of the releases after number *after*, oldest first."""
        rows = await self._file_rows(statements.packs(after=after))
        return [Pack(release=row.release, sha256=row.sha256, byte_size=row.byte_size) for row in rows]

    async def files(self, release: int) -> list[File]:
        """Return the files of one release, by name."""
        rows = await self._file_rows(statements.files(release))
        return [_file(row) for row in rows]

    async def made_of(self, entries: Iterable[Entry]) -> dict[tuple[bytes, str], Made]:
        """Return what was made of the cubes of *entries*, by the cube's name and the indicator."""
        asked = {(entry.data_sha256, entry.indicator) for entry in entries}
        if not asked:
            return {}
        rows = await self._file_rows(statements.made_of(*zip(*sorted(asked), strict=True)))
        return {
            key: _made.decode(row.body) for row in rows if (key := (row.data_sha256, row.indicator)) in asked
        }

    async def add_files(self, batch: Batch) -> None:
        """Remember all that a release brings."""
        pack = {name: getattr(batch.pack, name) for name in Pack.__struct_fields__}
        await self._connection.execute(statements.add_pack(), pack)
        await self.add_made(batch.made)
        number = batch.pack.release
        told = ("name", "media_type", "byte_size", "rows", "sha256")
        rows = [
            {name: getattr(one, name) for name in told} | {"release": number, "parts": file_body(one)}
            for one in batch.files
        ]
        await self._connection.execute(statements.add_file(), rows)

    async def add_made(self, made: Mapping[tuple[bytes, str], Made]) -> None:
        """Remember what was made of cubes."""
        rows = [
            {"data_sha256": name, "indicator": indicator, "body": msgspec.json.encode(one)}
            for (name, indicator), one in sorted(made.items())
        ]
        if rows:
            await self._connection.execute(statements.add_made(), rows)

    async def notices(self) -> list[Notice]:
        """Return every notice, oldest first."""
        rows = await self._file_rows(statements.notices())
        return [_notice.decode(row.body) for row in rows]

    async def add_notice(self, notice: Notice) -> None:
        """Put *notice* on record; listeners are told."""
        row = {"id": notice.number, "made_at": notice.made_at, "body": msgspec.json.encode(notice)}
        await self._connection.execute(statements.add_notice(), row)
        await self._connection.execute(announce(0))

    async def replace_packs(self, packs: Iterable[Pack]) -> None:
        """Let packs of old be known by new names."""
        for one in packs:
            await self._connection.execute(statements.replace_pack(one.release, one.sha256))

    async def erase_cubes(self, erasure: Erasure) -> None:
        """Empty the cubes of *erasure*: what is left of each is the reason."""
        names = [one.sha256 for one in erasure.cubes]
        await self._connection.execute(statements.erase_cubes(names, ERASED, erasure.reason.encode()))

    async def _file_rows(self, statement: Executable) -> Sequence[Any]:
        return (await self._connection.execute(statement)).all()


def _file(row: Any) -> File:
    head, each, between, foot = read_parts(row.parts)
    return File(
        name=row.name,
        media_type=row.media_type,
        byte_size=row.byte_size,
        rows=row.rows,
        sha256=row.sha256,
        head=head,
        each=each,
        between=between,
        foot=foot,
    )


def whole_version(made: Mapping[tuple[bytes, str], Made], entries: Collection[Entry]) -> list[Made]:
    """Return what was made of the cubes of a version, in the order of its indicators."""
    ordered = sorted(entries, key=lambda entry: entry.indicator)
    return [made[entry.data_sha256, entry.indicator] for entry in ordered]
