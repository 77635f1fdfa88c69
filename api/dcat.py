"""The catalogue for Sveriges dataportal: DCAT-AP-SE 3, as a graph.

What names a thing never changes and hangs on no host: UUIDs of our own ids, under the address that the region
means to serve it at. What leads to a thing is the address that was called. No node is blank, so that the same
catalogue is always the same bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from rdflib import DCAT, DCTERMS, FOAF, RDF, XSD, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from api import about
from api.dcat_words import (
    AUTHORITY,
    FREQUENCIES,
    GZIP,
    MEDIA,
    REST,
    THEMES,
    Words,
    identifier,
    iri,
    licence,
    texts,
)
from api.links import PREFIX, address
from api.snapshot import DatasetState, Snapshot
from datasets.areas import COUNTRY
from datasets.catalogue import Indicator
from datasets.files import File
from datasets.ledger import Release

ADMS, DCATAP = Namespace("http://www.w3.org/ns/adms#"), Namespace("http://data.europa.eu/r5r/")
ODRS, SPDX = Namespace("http://schema.theodi.org/odrs#"), Namespace("http://spdx.org/rdf/terms#")
_DCAT = Namespace(str(DCAT))
"""For what version 3 added: the closed list of names that the library knows is version 2's."""
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
_CC0 = URIRef("http://creativecommons.org/publicdomain/zero/1.0/")
_COUNTY = URIRef("http://data.europa.eu/nuts/code/SE213")
_SWEDEN = URIRef(f"{AUTHORITY}country/SWE")
_PUBLIC = URIRef(f"{AUTHORITY}access-right/PUBLIC")
_STABLE = URIRef(f"{AUTHORITY}planned-availability/STABLE")
_PROFILE = URIRef("https://www.dataportal.se/rest-api-profil")
_VERSIONS_TOLD = 5
"""How many of a dataset's versions are told; the others stand at the address of its versions."""
_SHOWN = ("csv", "parquet", "xlsx", "json")
"""The forms of the whole dataset that are told as distributions, where they are baked."""

Say = Sequence[tuple[Node, object]]


def catalogue(snapshot: Snapshot, files: Mapping[int, Sequence[File]], base: str) -> Graph:
    """Return the catalogue of *snapshot*; *files* are those of the newest versions, by release."""
    graph = Graph()
    for prefix, name in (
        ("adms", ADMS),
        ("dcatap", DCATAP),
        ("odrs", ODRS),
        ("spdx", SPDX),
        ("vcard", VCARD),
    ):
        graph.bind(prefix, name)
    told = _Catalogue(graph, snapshot, base)
    told.say_catalogue()
    for state in snapshot.datasets.values():
        if state.indicators:
            told.say_dataset(state, files.get(state.release.number, ()))
    return graph


class _Catalogue:
    """Writes one catalogue into a graph."""

    def __init__(self, graph: Graph, snapshot: Snapshot, base: str) -> None:
        self._graph, self._snapshot, self._base = graph, snapshot, base
        self._catalogue = iri("catalog", "lansdata")
        self._publisher = iri("organisation", "region-kalmar")
        self._contact = iri("contact", "lansdata")
        self._service, self._pxweb = iri("service", "api-v1"), iri("service", "pxweb-v2")

    def say_catalogue(self) -> None:
        """Say what the catalogue is, who publishes it, and the services."""
        line = self._snapshot.line
        self._say(
            self._catalogue,
            DCAT.Catalog,
            *texts(DCTERMS.title, Words.TITLE),
            *texts(DCTERMS.description, Words.DESCRIPTION),
            (DCTERMS.publisher, self._publisher),
            (DCTERMS.license, _CC0),
            *((DCTERMS.issued, one.published_at.date()) for one in line[:1]),
            *((DCTERMS.modified, one.published_at.date()) for one in line[-1:]),
            *((DCTERMS.language, URIRef(f"{AUTHORITY}language/{code}")) for code in ("SWE", "ENG")),
            (DCTERMS.spatial, _COUNTY),
            (FOAF.homepage, URIRef(f"{self._base}/")),
            (DCAT.themeTaxonomy, URIRef(f"{AUTHORITY}data-theme")),
            (DCAT.service, self._service),
            (DCAT.service, self._pxweb),
        )
        self._say(
            self._publisher,
            FOAF.Agent,
            (FOAF.name, Literal(about.PUBLISHER, "sv")),
            (DCTERMS.type, URIRef("http://purl.org/adms/publishertype/RegionalAuthority")),
        )
        self._say(self._contact, VCARD.Organization, (VCARD.fn, Literal(about.CONTACT_NAME)))
        mail = URIRef(f"mailto:{about.CONTACT_MAIL}")
        self._say(self._contact, VCARD.Kind, (VCARD.hasEmail, mail))
        self._say(_COUNTY, DCTERMS.Location)
        self._say(_SWEDEN, DCTERMS.Location)
        self._say(_PROFILE, DCTERMS.Standard)
        self._say_service(
            self._service, Words.SERVICE, f"{self._base}{PREFIX}", address(self._base, "/openapi.json")
        )
        self._say_service(
            self._pxweb, Words.PXWEB, f"{self._base}/pxweb/api/v2", f"{self._base}/pxweb/api/v2/config"
        )

    def say_dataset(self, state: DatasetState, files: Sequence[File]) -> None:
        """Say what one dataset is, in its newest version, with its distributions and versions."""
        said, release = state.description, state.release
        name, line = iri("dataset", said.id), self._snapshot.versions(said.id)
        landing = address(self._base, f"/datasets/{said.id}")
        self._graph.add((self._catalogue, DCAT.dataset, name))
        for service in (self._service, self._pxweb):
            self._graph.add((service, DCAT.servesDataset, name))
        self._say(
            name,
            DCAT.Dataset,
            *self._common(state, name),
            *texts(DCTERMS.description, (said.description.sv, said.description.en)),
            (DCTERMS.identifier, Literal(identifier("dataset", said.id))),
            (DCTERMS.issued, line[0].published_at.date()),
            (DCTERMS.modified, release.published_at.date()),
            (DCTERMS.language, URIRef(f"{AUTHORITY}language/SWE")),
            (
                DCTERMS.accrualPeriodicity,
                URIRef(f"{AUTHORITY}frequency/{FREQUENCIES[said.update_frequency]}"),
            ),
            (DCAT.landingPage, self._document(landing)),
            (FOAF.page, self._document(f"{landing}/versions")),
            (_DCAT.version, Literal(str(release.version))),
            *((ADMS.versionNotes, Literal(text, "sv")) for text in (release.note,) if text),
            *((_DCAT.hasVersion, self._version(state, one)) for one in line[: -_VERSIONS_TOLD - 1 : -1]),
            (DCTERMS.provenance, self._provenance(state, name)),
            *((DCAT.distribution, one) for one in self._distributions(state, files)),
        )

    def _common(self, state: DatasetState, name: URIRef) -> Iterable[tuple[Node, object]]:
        """Yield what a dataset and a frozen version of it have in common."""
        said = state.description
        coverages = [self._snapshot.indicators[one].coverage for one in state.indicators]
        years = sorted({year for coverage in coverages for year in coverage.years})
        yield from texts(DCTERMS.title, (said.title.sv, said.title.en))
        yield DCTERMS.publisher, self._publisher
        yield DCAT.contactPoint, self._contact
        yield DCTERMS.accessRights, _PUBLIC
        yield DCAT.theme, URIRef(f"{AUTHORITY}data-theme/{THEMES[said.theme]}")
        yield from ((DCAT.keyword, Literal(word, "sv")) for word in said.keywords or (said.theme,))
        yield DCTERMS.spatial, _COUNTY
        if any(COUNTRY in coverage.municipalities for coverage in coverages):
            yield DCTERMS.spatial, _SWEDEN
        if years:
            span = URIRef(f"{name}#period")
            first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
            self._say(span, DCTERMS.PeriodOfTime, (DCAT.startDate, first), (DCAT.endDate, last))
            yield DCTERMS.temporal, span

    def _version(self, state: DatasetState, release: Release) -> URIRef:
        """Say that there is a frozen version, and where."""
        said, version = state.description, str(release.version)
        key = f"{said.id}/{version}"
        name, page = iri("version", key), address(self._base, f"/datasets/{said.id}/versions/{version}")
        self._say(
            name,
            DCAT.Dataset,
            *self._common(state, name),
            *texts(DCTERMS.description, Words.version(said, version)),
            (DCTERMS.identifier, Literal(identifier("version", key))),
            (DCTERMS.issued, release.published_at.date()),
            (_DCAT.version, Literal(version)),
            (DCAT.landingPage, self._document(page)),
        )
        return name

    def _distributions(self, state: DatasetState, files: Sequence[File]) -> Iterable[URIRef]:
        """Yield the ways to the figures: the API, and the files of the newest version."""
        said, version = state.description, state.release.version
        api = address(self._base, "/observations", [("dataset", said.id), ("breakdown", "*")])
        yield self._distribution(
            state,
            "api",
            MEDIA["json"],
            *texts(DCTERMS.title, Words.BY_API),
            (DCAT.accessURL, URIRef(api)),
            (DCAT.accessService, self._service),
            (DCTERMS.conformsTo, URIRef(address(self._base, "/openapi.json"))),
        )
        folder = f"/datasets/{said.id}/versions/{version}/files"
        for form in _SHOWN:
            for file in files:
                if file.name.removesuffix(".gz") == f"observations.{form}":
                    where = URIRef(address(self._base, f"{folder}/{file.name}"))
                    yield self._file(state, form, where, file)

    def _file(self, state: DatasetState, form: str, where: URIRef, file: File) -> URIRef:
        """Say where a file is, how large, and what its sha256 is."""
        total = URIRef(f"{iri('distribution', f'{state.description.id}/{form}')}#sha256")
        digest = Literal(file.sha256.hex(), datatype=XSD.hexBinary)
        self._say(
            total,
            SPDX.Checksum,
            (SPDX.algorithm, SPDX.checksumAlgorithm_sha256),
            (SPDX.checksumValue, digest),
        )
        return self._distribution(
            state,
            form,
            MEDIA[form],
            *texts(DCTERMS.title, Words.whole(form)),
            (DCAT.accessURL, where),
            (DCAT.downloadURL, where),
            (DCAT.byteSize, Literal(str(file.byte_size), datatype=XSD.nonNegativeInteger)),
            (SPDX.checksum, total),
            *((DCAT.compressFormat, URIRef(GZIP)) for _ in range(file.name.endswith(".gz"))),
        )

    def _distribution(
        self, state: DatasetState, form: str, media: tuple[str, str], *more: tuple[Node, object]
    ) -> URIRef:
        said = state.description
        name = iri("distribution", f"{said.id}/{form}")
        rights = URIRef(f"{name}#rights")
        own = [definition.attribution for definition in self._otherwise(state)]
        shown = dict.fromkeys(text for text in (said.attribution, *own) if text)
        self._say(
            rights, ODRS.RightsStatement, *((ODRS.attributionText, Literal(text, "sv")) for text in shown)
        )
        self._say(rights, DCTERMS.RightsStatement)
        self._say(
            name,
            DCAT.Distribution,
            *texts(DCTERMS.description, (said.description.sv, said.description.en)),
            (DCTERMS.format, URIRef(f"{AUTHORITY}file-type/{media[0]}")),
            (DCAT.mediaType, URIRef(f"https://www.iana.org/assignments/media-types/{media[1]}")),
            (DCTERMS.rights, rights),
            (DCATAP.availability, _STABLE),
            (DCTERMS.modified, state.release.published_at.date()),
            *((DCTERMS.license, licence(text)) for text in (said.licence,) if text),
            *more,
        )
        return name

    def _provenance(self, state: DatasetState, name: URIRef) -> URIRef:
        """Say whose figures they are: as the source published them, or made by us of theirs."""
        told = URIRef(f"{name}#provenance")
        words = Words.provenance(state.description, [one.title.sv for one in self._otherwise(state)])
        self._say(told, DCTERMS.ProvenanceStatement, *texts(DCTERMS.description, words))
        return told

    def _otherwise(self, state: DatasetState) -> list[Indicator]:
        """Return the indicators that are ours in a dataset that is not, or the other way round."""
        known = [self._snapshot.indicators[name].definition for name in state.indicators]
        return [one for one in known if one.processing not in {None, state.description.processing}]

    def _say_service(
        self, name: URIRef, words: tuple[tuple[str, str], tuple[str, str]], where: str, described: str
    ) -> None:
        title, description = words
        self._say(
            name,
            DCAT.DataService,
            *texts(DCTERMS.title, title),
            *texts(DCTERMS.description, description),
            (DCTERMS.publisher, self._publisher),
            (DCAT.contactPoint, self._contact),
            (DCAT.endpointURL, URIRef(where)),
            (DCAT.endpointDescription, URIRef(described)),
            *((DCAT.keyword, Literal(word, "sv")) for word in ("statistik", "indikatorer")),
            (DCAT.theme, URIRef(f"{AUTHORITY}data-theme/SOCI")),
            (DCTERMS.type, URIRef(REST)),
            (DCTERMS.format, URIRef(f"{AUTHORITY}file-type/JSON")),
            (DCTERMS.accessRights, _PUBLIC),
            (DCTERMS.license, _CC0),
            (FOAF.page, self._document(f"{self._base}/")),
        )
        if name == self._service:
            self._say(URIRef(described), DCTERMS.Standard)
            self._graph.add((name, DCTERMS.conformsTo, _PROFILE))

    def _document(self, where: str) -> URIRef:
        self._say(URIRef(where), FOAF.Document)
        return URIRef(where)

    def _say(self, name: URIRef, kind: URIRef, *told: tuple[Node, object]) -> None:
        self._graph.add((name, RDF.type, kind))
        for what, value in told:
            self._graph.add((name, what, value if isinstance(value, Node) else Literal(value)))
