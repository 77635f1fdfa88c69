"""The datasets and their versions: `/datasets`, `/datasets/{datasetId}`, `.../versions`, `.../{version}`."""

from typing import Any

from litestar import Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath
from msgspec import Struct, field

from api.answers import Listing, Moment
from api.citation import Cited, CitedVersion, citation
from api.files import Download
from api.links import Link, address
from api.parameters import LANGUAGE, LISTED
from api.problems import not_found
from api.replies import FRESH, listed, one
from api.service import asked_in, service_in
from api.snapshot import DatasetState, Snapshot
from api.texts import LATEST
from api.versions import VersionEntry, path_of, told_version
from datasets.catalogue import Dataset
from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.ledger import Release

_TAG = "datasets"


class ToldDatasetCounts(Struct, frozen=True):
    """How much a dataset holds."""

    indicators: int
    observations: int
    versions: int


class DatasetEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One dataset as it stands now."""

    id: str
    title: str
    description: str
    source: str
    publisher: str
    licence: str | None
    attribution: str
    processing: str
    based_on: tuple[str, ...]
    keywords: tuple[str, ...]
    theme: str
    update_frequency: str
    latest_version: str
    published_at: Moment
    retrieved_at: Moment | None
    counts: ToldDatasetCounts
    first_year: int | None
    last_year: int | None
    links: dict[str, Link] = field(name="_links")


class DatasetList(Listing, frozen=True, kw_only=True):
    """A page of datasets, by id."""

    datasets: list[DatasetEntry]


class VersionList(Listing, frozen=True, kw_only=True):
    """A page of versions, newest first."""

    versions: list[VersionEntry]


class FileEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One baked file of a version: what it is, and how to know that it came whole."""

    name: str
    media_type: str
    byte_size: int
    rows: int | None
    sha256: str
    href: str


class VersionDetail(VersionEntry, frozen=True, kw_only=True, rename="camel"):
    """One version with what it holds and where its figures are."""

    dataset: str
    indicators: list[str]
    files: list[FileEntry]
    meta: Cited = field(name="_meta")
    links: dict[str, Link] = field(name="_links")


@get(
    "/datasets",
    operation_id="listDatasets",
    summary="Datamängder / Datasets",
    tags=[_TAG],
    opt={"parameters": LISTED, "answer": DatasetList},
)
async def datasets(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Alla datamängder, efter id. / Every dataset, by id."""
    snapshot = service_in(request).live.newest()
    base, language = request.scope["state"]["base"], asked_in(request)[LANGUAGE.name]
    rows = [_entry(snapshot, state, base, language) for state in snapshot.datasets.values()]
    return listed(request, "/datasets", "datasets", rows)


@get(
    "/datasets/{datasetId:str}",
    operation_id="getDataset",
    summary="En datamängd / One dataset",
    tags=[_TAG],
    opt={"parameters": (LANGUAGE,), "answer": DatasetEntry},
)
async def dataset(request: Request[Any, Any, Any], datasetId: FromPath[str]) -> Response[bytes]:  # noqa: N803
    """Vad datamängden är, och vad den rymmer nu. / What the dataset is, and what it holds now."""
    snapshot = service_in(request).live.newest()
    state = dataset_in(snapshot, datasetId)
    return one(_entry(snapshot, state, request.scope["state"]["base"], asked_in(request)[LANGUAGE.name]))


@get(
    "/datasets/{datasetId:str}/versions",
    operation_id="listVersions",
    summary="En datamängds versioner / Versions of a dataset",
    tags=[_TAG],
    opt={"parameters": LISTED, "answer": VersionList},
)
async def versions(request: Request[Any, Any, Any], datasetId: FromPath[str]) -> Response[bytes]:  # noqa: N803
    """Alla publicerade versioner, den nyaste först. / Every published version, newest first."""
    snapshot = service_in(request).live.newest()
    dataset_in(snapshot, datasetId)
    base = request.scope["state"]["base"]
    rows = [told_version(release, snapshot, base) for release in reversed(snapshot.versions(datasetId))]
    return listed(request, f"/datasets/{datasetId}/versions", "versions", rows)


@get(
    "/datasets/{datasetId:str}/versions/{version:str}",
    operation_id="getVersion",
    summary="En version / One version",
    tags=[_TAG],
    opt={"parameters": (LANGUAGE,), "answer": VersionDetail},
)
async def version(
    request: Request[Any, Any, Any],
    datasetId: FromPath[str],  # noqa: N803
    version: FromPath[str],
) -> Response[bytes]:
    """En version; `latest` leder till numret. / One version; `latest` leads to the number."""
    service = service_in(request)
    base = request.scope["state"]["base"]
    release = version_in(service.live.newest(), datasetId, version)
    if version == LATEST:
        return to_version(address(base, f"/datasets/{datasetId}/versions/{release.version}"))
    snapshot = await service.live.at(release.number)
    newest = service.live.newest()
    files = [_file(one, release, base) for one in await service.files.downloads(release)]
    # not immutable: that a version is withdrawn is told here
    return one(_detail((snapshot, newest), datasetId, files, base, asked_in(request)[LANGUAGE.name]))


def version_in(snapshot: Snapshot, dataset: str, version: str) -> Release:
    """Return the release of a version, or of the latest; raises a 404 with the closest."""
    dataset_in(snapshot, dataset)
    known = {str(release.version): release for release in snapshot.versions(dataset)}
    if version == LATEST:
        return snapshot.datasets[dataset].release
    if version not in known:
        error = UnknownCodeError(f"version of {dataset}", version, closest(version, known))
        raise not_found("version", error)
    return known[version]


def to_version(target: str) -> Response[bytes]:
    """Lead from the latest version to its number."""
    headers = {"Location": target, "Cache-Control": FRESH}
    return Response(b"", status_code=307, media_type=MediaType.JSON, headers=headers)


def dataset_in(snapshot: Snapshot, name: str) -> DatasetState:
    """Return a dataset's state; raises a 404 with the closest ids."""
    state = snapshot.datasets.get(name)
    if state is None:
        titles = {known: state.description.title.sv for known, state in snapshot.datasets.items()}
        raise not_found("datasetId", UnknownCodeError("dataset", name, closest(name, titles)))
    return state


def _entry(snapshot: Snapshot, state: DatasetState, base: str, language: str) -> DatasetEntry:
    about, release = state.description, state.release
    years = [year for name in state.indicators for year in snapshot.indicators[name].coverage.years]
    path = f"/datasets/{about.id}"
    return DatasetEntry(
        id=about.id,
        title=about.title.spoken(language),
        description=about.description.spoken(language),
        source=about.source,
        publisher=about.publisher,
        licence=about.licence or None,
        attribution=about.attribution,
        processing=about.processing,
        based_on=about.based_on,
        keywords=about.keywords,
        theme=about.theme,
        update_frequency=about.update_frequency,
        latest_version=str(release.version),
        published_at=release.published_at,
        retrieved_at=release.source_time,
        counts=ToldDatasetCounts(
            len(state.indicators), release.counts.observations, len(snapshot.versions(about.id))
        ),
        first_year=min(years, default=None),
        last_year=max(years, default=None),
        links={
            "self": Link(address(base, path), "self"),
            "version-history": Link(address(base, f"{path}/versions"), "version-history"),
            "latest-version": Link(address(base, f"{path}/versions/{release.version}"), "latest-version"),
            "item": Link(address(base, "/observations", [("dataset", about.id)]), "item"),
        },
    )


def cited(description: Dataset, release: Release, address: str, language: str) -> str:
    """Return the citation of a version that stands at *address*."""
    version = CitedVersion(release.dataset, str(release.version), release.published_at)
    return citation([description.attribution], [version], address, language)


def _file(told: Download, release: Release, base: str) -> FileEntry:
    return FileEntry(
        name=told.name,
        media_type=told.media_type,
        byte_size=told.byte_size,
        rows=told.rows,
        sha256=told.sha256.hex(),
        href=address(base, f"{path_of(release)}/files/{told.name}"),
    )


def _detail(
    known: tuple[Snapshot, Snapshot], name: str, files: list[FileEntry], base: str, language: str
) -> VersionDetail:
    """Tell of a version; *known* are the ledger as it stood then and as it stands now."""
    snapshot, newest = known
    release = snapshot.datasets[name].release
    path = f"/datasets/{name}"
    own = address(base, f"{path}/versions/{release.version}")
    pairs = [("dataset", name), ("version", str(release.version))]
    entry = told_version(release, newest, base)
    return VersionDetail(
        **{field: getattr(entry, field) for field in VersionEntry.__struct_fields__},
        dataset=name,
        indicators=list(snapshot.datasets[name].indicators),
        files=files,
        links={
            "self": Link(own, "self"),
            "collection": Link(address(base, f"{path}/versions"), "collection"),
            "changes": Link(f"{own}/changes", "changes"),
            "item": Link(address(base, "/observations", pairs), "item"),
        },
        meta=Cited(cited(snapshot.datasets[name].description, release, own, language)),
    )
