"""The files of a version, composed of pieces; their names, media types, sizes and sha256."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
from msgspec import Struct

from datasets import parquet, sheet
from datasets.catalogue import Dataset, canonical_metadata
from datasets.deflated import GZIP_HEAD, gzip_foot
from datasets.described import TABLE, datapackage_json, indicators_json
from datasets.files import CSV, JSON, NDJSON, PARQUET, XLSX, File, Made, Piece, merged, parts_of
from datasets.ledger import Release
from datasets.portions import segment_of
from datasets.shelf import PackWriter
from datasets.tabular import CSV_HEADER

_GZIP = "application/gzip"
MEDIA_TYPES = {
    TABLE: _GZIP,
    "observations.ndjson.gz": _GZIP,
    "observations.json.gz": _GZIP,
    "observations.parquet": "application/vnd.apache.parquet",
    "observations.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "changes.ndjson.gz": _GZIP,
    "indicators.json": "application/json",
    "datapackage.json": "application/json",
}
CUBE_TYPE = "text/csv"
_MEASURED_AT_ONCE = 2
Read = Callable[[Piece], bytes]


class Told(Struct, frozen=True, kw_only=True):
    """What the files of a version are composed of; definitions and cubes by indicator."""

    release: Release
    about: Dataset
    definitions: Sequence[bytes]
    made: Sequence[Made]
    changes: Sequence[Piece]
    has_sheet: bool
    previous: Mapping[str, File] = {}
    """The files of the version before; what is the same is not written again."""


def composed_files(pack: PackWriter, read: Read, told: Told) -> tuple[File, ...]:
    """Write what is still missing of the files into *pack*, and return them; *read* gives any piece.

    *read* is called by several threads at once.
    """
    files = [
        _gzip(pack, TABLE, CSV, told, (CSV_HEADER, b"", b"")),
        _gzip(pack, "observations.ndjson.gz", NDJSON, told, (b"", b"", b"")),
        _gzip(pack, "observations.json.gz", JSON, told, _json_frame(told)),
        _parquet(pack, told),
        *((_xlsx(pack, told),) if told.has_sheet else ()),
        _changes(pack, told),
        _definitions(pack, read, told),
    ]
    with ThreadPoolExecutor(_MEASURED_AT_ONCE) as several:
        done = list(several.map(lambda file: _measured(file, told.made, read), files))
    package = _whole(pack, "datapackage.json", datapackage_json(told.about, told.release, done))
    return (*done, _measured(package, told.made, read))


def _gzip(pack: PackWriter, name: str, form: str, told: Told, frame: tuple[bytes, bytes, bytes]) -> File:
    """Compose a gzip file of the cubes in *form*, with text before, between and after them."""
    first, between, last = map(segment_of, frame)
    cubes = [one.pieces[form].plain for one in told.made if one.rows]
    between_them = [between.plain] * (2 * len(cubes) - 1)
    between_them[::2] = cubes
    said = [first.plain, *(between_them if between.body else cubes), last.plain]
    return _file(
        name,
        told.release.counts.observations,
        (pack.add(GZIP_HEAD + first.body),),
        (form, pack.add(*between) if between.body else None),
        (pack.add(last.body + gzip_foot(said)),),
    )


def _json_frame(told: Told) -> tuple[bytes, bytes, bytes]:
    about, release = told.about, told.release
    meta = {
        "totalRecords": release.counts.observations,
        "dataset": about.id,
        "version": str(release.version),
        "release": release.number,
        "publishedAt": release.published_at,
        "attribution": about.attribution,
        "licence": about.licence or None,
    }
    return b'{"observations":[\n', b",\n", b'\n],"_meta":' + msgspec.json.encode(meta) + b"}\n"


def _parquet(pack: PackWriter, told: Told) -> File:
    rows = told.release.counts.observations
    return _file("observations.parquet", rows, (pack.add(parquet.HEAD),), (PARQUET, None))


def _xlsx(pack: PackWriter, told: Told) -> File:
    about, release = told.about, told.release
    words = (
        ("Datamängd / Dataset", about.title.sv),
        ("Id", about.id),
        ("Version", f"{release.version} ({release.published_at:%Y-%m-%d})"),
        ("Källa / Source", about.attribution),
        ("Licens / Licence", about.licence or "-"),
        ("Beskrivning / Description", about.description.sv),
    )
    parts = [(one.pieces[XLSX].size, one.pieces[XLSX].plain) for one in told.made if one.rows]
    rows = release.counts.observations
    head, foot = sheet.frame(words, rows, parts)
    return _file("observations.xlsx", rows, (pack.add(head),), (XLSX, None), (pack.add(foot),))


def _changes(pack: PackWriter, told: Told) -> File:
    foot = pack.add(gzip_foot([piece.plain for piece in told.changes]))
    return _file("changes.ndjson.gz", None, (pack.add(GZIP_HEAD), *told.changes, foot))


def _definitions(pack: PackWriter, read: Read, told: Told) -> File:
    body = indicators_json(canonical_metadata(told.about), told.definitions)
    known = told.previous.get("indicators.json")
    if known and known.sha256 == hashlib.sha256(body).digest() and read(known.head[0]) == body:
        return known
    return _whole(pack, "indicators.json", body)


def _whole(pack: PackWriter, name: str, body: bytes) -> File:
    return _file(name, None, (pack.add(body),))


def _file(
    name: str,
    rows: int | None,
    head: tuple[Piece, ...],
    middle: tuple[str, Piece | None] = ("", None),
    foot: tuple[Piece, ...] = (),
) -> File:
    """Return a file that has not been measured yet."""
    each, between = middle
    return File(
        name=name,
        media_type=MEDIA_TYPES[name],
        byte_size=0,
        rows=rows,
        sha256=b"",
        head=head,
        each=each,
        between=between,
        foot=foot,
    )


def _measured(file: File, made: Sequence[Made], read: Read) -> File:
    size, digest = measured(file, made, read)
    return msgspec.structs.replace(file, byte_size=size, sha256=digest)


def measured(file: File, made: Sequence[Made], read: Read) -> tuple[int, bytes]:
    """Return the size and the sha256 of *file* as it is composed."""
    digest, size = hashlib.sha256(), 0
    for part in merged(parts_of(file, made)):
        body = part if isinstance(part, bytes) else read(part)
        digest.update(body)
        size += len(body)
    return size, digest.digest()
