"""What is told about the figures: datasets, indicators, breakdowns, breaks and notes.

Metadata is kept like the figures: canonical bytes, named by their sha256, versioned with the release.
"""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from datasets.vocabulary import Breakdown, Sex, Source, Text, checked_id

Processing = Literal["asPublished", "derived"]
Polarity = Literal["higherIsBetter", "lowerIsBetter", "neutral"]
Theme = Literal["befolkning", "aldre", "barn-och-unga", "psykisk-halsa", "skola", "ekonomi", "halsa"]
UpdateFrequency = Literal[
    "daily", "weekly", "monthly", "quarterly", "annual", "biennial", "triennial", "irregular"
]
Words = Annotated[str, Meta(min_length=1, max_length=1000)]


class _Metadata(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The form of all metadata: camelCase outside, nothing said that is left at its default."""


class Dataset(_Metadata, frozen=True):
    """What is versioned and published as one; `attribution` is exactly what must be shown."""

    id: str
    title: Text
    description: Text
    source: Source
    publisher: Words
    attribution: Words
    processing: Processing
    theme: Theme
    update_frequency: UpdateFrequency
    licence: Annotated[str, Meta(pattern="^https?://")] = ""
    based_on: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    person_based: bool = False
    threshold: Annotated[int, Meta(ge=1)] | None = None
    threshold_reason: str = ""

    def __post_init__(self) -> None:
        """Refuse an id that cannot last, and a table of people without a stated floor."""
        checked_id(self.id)
        if self.person_based and self.threshold is None:
            message = f"{self.id} counts people that nobody has protected before: state its threshold"
            raise ValueError(message)


class Dimension(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One further dimension of an indicator and its categories by code, in the order to show them."""

    title: Text
    categories: dict[str, Text]


class SeriesBreak(Struct, frozen=True, forbid_unknown_fields=True):
    """The first year that follows another definition than the year before it, and what changed."""

    year: int
    text: Text


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a reader must (`mandatory`) or may know; without a scope it concerns every figure."""

    text: Text
    mandatory: bool = False
    years: tuple[int, ...] = ()
    sexes: tuple[Sex, ...] = ()
    municipalities: tuple[str, ...] = ()
    breakdown: dict[str, str] = {}


class Indicator(_Metadata, frozen=True):
    """One measure with one definition and one unit; attribution and processing default to the dataset's."""

    id: str
    title: Text
    definition: Text
    unit: str
    description: Text | None = None
    decimals: Annotated[int, Meta(ge=0, le=10)] | None = None
    polarity: Polarity | None = None
    source_code: str = ""
    attribution: str = ""
    processing: Processing | None = None
    based_on: tuple[str, ...] = ()
    breakdowns: dict[str, Dimension] = {}
    breaks: tuple[SeriesBreak, ...] = ()
    notes: tuple[Note, ...] = ()
    replaced_by: str = ""

    def __post_init__(self) -> None:
        """Refuse an id that cannot last, and breakdowns that no figure could carry."""
        checked_id(self.id)
        for name, dimension in self.breakdowns.items():
            for category in dimension.categories:
                Breakdown(((name, category),))


_encoder = msgspec.json.Encoder(order="deterministic")


def canonical_metadata(metadata: Dataset | Indicator) -> bytes:
    """Return the bytes of *metadata* that are hashed and kept: JSON with sorted keys, defaults left out.

    The order of breakdown categories is what people see, so it is kept beside the sorted keys.
    """
    body = msgspec.to_builtins(metadata)
    for dimension in body.get("breakdowns", {}).values():
        dimension["order"] = list(dimension["categories"])
    return _encoder.encode(body)


def metadata_hash(body: bytes) -> bytes:
    """Return the sha256 that names the metadata *body*."""
    return hashlib.sha256(body).digest()


def indicator_of(body: bytes) -> Indicator:
    """Read an indicator's canonical metadata back."""
    raw = msgspec.json.decode(body)
    for dimension in raw.get("breakdowns", {}).values():
        dimension["categories"] = {code: dimension["categories"][code] for code in dimension.pop("order")}
    return msgspec.convert(raw, Indicator)


def dataset_of(body: bytes) -> Dataset:
    """Read a dataset's canonical metadata back."""
    return msgspec.json.decode(body, type=Dataset)
