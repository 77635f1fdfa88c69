"""The words of the catalogue, Swedish and English, and the codes of the EU's vocabularies."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import NAMESPACE_URL, uuid5

from rdflib import Literal, URIRef
from rdflib.term import Node

from api import about
from datasets.catalogue import Dataset

AUTHORITY = "http://publications.europa.eu/resource/authority/"
REST = "http://www.wikidata.org/entity/Q749568"
GZIP = "https://www.iana.org/assignments/media-types/application/gzip"
THEMES: Mapping[str, str] = {
    "befolkning": "SOCI",
    "aldre": "SOCI",
    "barn-och-unga": "SOCI",
    "psykisk-halsa": "HEAL",
    "skola": "EDUC",
    "ekonomi": "ECON",
    "halsa": "HEAL",
}
FREQUENCIES: Mapping[str, str] = {
    "daily": "DAILY",
    "weekly": "WEEKLY",
    "monthly": "MONTHLY",
    "quarterly": "QUARTERLY",
    "annual": "ANNUAL",
    "biennial": "BIENNIAL",
    "triennial": "TRIENNIAL",
    "irregular": "IRREG",
}
MEDIA: Mapping[str, tuple[str, str]] = {
    "json": ("JSON", "application/json"),
    "csv": ("CSV", "text/csv"),
    "parquet": ("PARQUET", "application/vnd.apache.parquet"),
    "xlsx": ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
"""A form's code in the EU's list of file types, and its media type."""


_OURS = (f"{about.PUBLISHER}s bearbetning är:", "Derived by Region Kalmar County are:")
_THEIRS = ("Som källan publicerat dem är:", "As the source published them are:")


class Words:
    """What is said, in Swedish and in English."""

    TITLE = (f"{about.NAME}, {about.PUBLISHER}", f"{about.NAME}, Region Kalmar County")
    DESCRIPTION = (
        "Öppen, versionerad statistik om Kalmar län från Kolada, SCB, Socialstyrelsen med flera.",
        "Open, versioned statistics on Kalmar County from Kolada, SCB, Socialstyrelsen and others.",
    )
    SERVICE = (
        ("Länsdatas API", "The API of Länsdata"),
        (
            "Siffror efter indikator, område, kön och år, i JSON, CSV, JSON-stat, Parquet och XLSX.",
            "Figures by indicator, area, sex and year, in JSON, CSV, JSON-stat, Parquet and XLSX.",
        ),
    )
    PXWEB = (
        ("Länsdata för PxWeb-klienter", "Länsdata for PxWeb clients"),
        (
            "Samma siffror för program som läser PxWebApi 2, som SCB:s.",
            "The same figures for programs that read PxWebApi 2, as SCB's.",
        ),
    )
    BY_API = ("Via API", "By API")

    @staticmethod
    def whole(form: str) -> tuple[str, str]:
        """Return the title of a file that holds a whole dataset."""
        return f"Hela datamängden, {form}", f"The whole dataset, {form}"

    @staticmethod
    def version(said: Dataset, version: str) -> tuple[str, str]:
        """Return what a frozen version is."""
        return (
            f"Version {version} av {said.title.sv}. Den ändras aldrig.",
            f"Version {version} of {said.title.spoken('en')}. It never changes.",
        )

    @staticmethod
    def provenance(said: Dataset, others: Sequence[str]) -> tuple[str, str]:
        """Return whose figures a dataset holds, and the titles of those of its indicators that are *others*.

        A source is not named as that of what we made of its figures: both Kolada and SCB ask for that.
        """
        if said.processing == "asPublished":
            swedish = f"Siffrorna är de som {said.publisher} har publicerat, oförändrade."
            english = f"The figures are those that {said.publisher} has published, unchanged."
        else:
            based = f" ({', '.join(said.based_on)})" if said.based_on else ""
            swedish = f"{about.PUBLISHER}s bearbetning{based}."
            english = f"Derived by Region Kalmar County{based}."
        if others:
            whose = _OURS if said.processing == "asPublished" else _THEIRS
            swedish, english = (
                f"{text} {more} {'; '.join(others)}."
                for text, more in zip((swedish, english), whose, strict=True)
            )
        return swedish, english


def identifier(kind: str, name: str) -> str:
    """Return the UUID of a thing of ours: it drives de-duplication, so it must never change."""
    return str(uuid5(NAMESPACE_URL, f"{about.ADDRESS}/{kind}/{name}"))


def iri(kind: str, name: str) -> URIRef:
    """Return what names a thing of ours in the graph."""
    return URIRef(f"{about.ADDRESS}/id/{kind}/{identifier(kind, name)}")


def texts(what: Node, said: tuple[str, str]) -> Iterable[tuple[Node, object]]:
    """Yield words in Swedish, and in English where somebody has written them."""
    pairs = zip(said, ("sv", "en"), strict=True)
    return ((what, Literal(text, language)) for text, language in pairs if text)


def licence(text: str) -> URIRef:
    """Return a licence as the profile names it: Creative Commons without the s, with the last slash."""
    if "://creativecommons.org/" in text:
        return URIRef(text.replace("https://", "http://").rstrip("/") + "/")
    return URIRef(text)
