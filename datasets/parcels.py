"""One indicator on its way to the database: hashed and packed, so that a dataset need not fit in memory."""

from msgspec import Struct

from datasets.canonical import canonical_csv, figures_hash
from datasets.catalogue import Indicator, canonical_metadata, metadata_hash
from datasets.coverage import Coverage, coverage_of
from datasets.cube import Cube
from datasets.ledger import Entry
from datasets.stored import packed, unpacked


class Parcel(Struct, frozen=True, kw_only=True):
    """An indicator's definition and figures by their names, in the form in which they are kept."""

    entry: Entry
    definition: Indicator
    definition_body: bytes
    encoding: str
    body: bytes
    coverage: Coverage

    @property
    def cube(self) -> Cube:
        """Return the figures; unpacked anew each time."""
        return unpacked(self.encoding, self.body)


def parcel_of(dataset: str, definition: Indicator, cube: Cube) -> Parcel:
    """Return the parcel of one indicator of *dataset*."""
    encoding, body = packed(cube)
    definition_body = canonical_metadata(definition)
    data_sha256, metadata_sha256 = figures_hash(canonical_csv(cube)), metadata_hash(definition_body)
    return Parcel(
        entry=Entry(dataset, definition.id, data_sha256, metadata_sha256),
        definition=definition,
        definition_body=definition_body,
        encoding=encoding,
        body=body,
        coverage=coverage_of(cube),
    )
