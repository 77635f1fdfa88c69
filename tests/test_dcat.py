import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from rdflib import DCAT, DCTERMS, RDF, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from tests.conftest import ROOT, Server

SPDX = Namespace("http://spdx.org/rdf/terms#")
ODRS = Namespace("http://schema.theodi.org/odrs#")
FORMS = {
    "/catalog.rdf": ("application/rdf+xml", "xml"),
    "/catalog.ttl": ("text/turtle; charset=utf-8", "turtle"),
    "/catalog.jsonld": ("application/ld+json", "json-ld"),
    "/datasets/dcat": ("application/rdf+xml", "xml"),
}


@pytest.fixture(scope="module")
def root(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def graph(root: httpx.Client) -> Graph:
    return Graph().parse(data=root.get("/catalog.rdf").content, format="xml")


def described(graph: Graph, root: httpx.Client, dataset: str) -> URIRef:
    """What names a dataset of ours in the catalogue."""
    landing = URIRef(f"{root.base_url}/api/v1/datasets/{dataset}".replace("//api", "/api"))
    (name,) = graph.subjects(DCAT.landingPage, landing)
    assert isinstance(name, URIRef)
    return name


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("path", FORMS)
def test_every_form_holds_the_same_catalogue(path: str, graph: Graph, root: httpx.Client) -> None:
    answer = root.get(path)
    media, form = FORMS[path]

    assert answer.headers["content-type"] == media
    assert isomorphic(Graph().parse(data=answer.content, format=form), graph)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/turtle", "text/turtle; charset=utf-8"),
        ("application/ld+json;q=0.9", "application/ld+json"),
        ("text/html, */*", "application/rdf+xml"),
        ("application/rdf+xml", "application/rdf+xml"),
    ],
)
def test_accept_chooses_the_form_and_a_harvester_always_gets_one(
    accept: str, media: str, root: httpx.Client
) -> None:
    answer = root.get("/datasets/dcat", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert answer.headers["etag"]


def test_every_dataset_stands_in_it_once_with_a_uuid(graph: Graph, root: httpx.Client) -> None:
    told = [one["id"] for one in root.get("/api/v1/datasets?limit=100").json()["datasets"]]
    (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
    named = [described(graph, root, name) for name in told]
    identifiers = [str(graph.value(name, DCTERMS.identifier)) for name in named]

    assert set(graph.objects(catalogue, DCAT.dataset)) == set(named)
    assert len({UUID(one) for one in identifiers}) == len(told)
    assert all(name.startswith("https://lansdata.regionkalmar.se/id/dataset/") for name in named)


def test_the_identifier_of_a_dataset_never_changes(graph: Graph, root: httpx.Client) -> None:
    name = described(graph, root, "scb-befolkning")

    assert graph.value(name, DCTERMS.identifier) == Literal("a4345649-eef3-5dfe-814b-2258e1b081bd")


def test_a_file_is_told_with_its_size_and_checksum(graph: Graph, root: httpx.Client) -> None:
    files = {
        one["href"]: one for one in root.get("/api/v1/datasets/scb-befolkning/versions/1.0.0").json()["files"]
    }
    name = described(graph, root, "scb-befolkning")
    told = {
        str(graph.value(one, DCAT.downloadURL)): one
        for one in graph.objects(name, DCAT.distribution)
        if graph.value(one, DCAT.downloadURL)
    }

    assert len(told) == 4
    for address, one in told.items():
        digest = graph.value(graph.value(one, SPDX.checksum), SPDX.checksumValue)
        assert int(str(graph.value(one, DCAT.byteSize))) == files[address]["byteSize"]
        assert str(digest) == files[address]["sha256"]


def test_figures_of_ours_do_not_name_a_source_as_theirs(graph: Graph, root: httpx.Client) -> None:
    for told in root.get("/api/v1/datasets?limit=100").json()["datasets"]:
        name = described(graph, root, told["id"])
        provenance = graph.value(name, DCTERMS.provenance)
        texts = " ".join(map(str, graph.objects(provenance, DCTERMS.description)))
        rights = [graph.value(one, DCTERMS.rights) for one in graph.objects(name, DCAT.distribution)]

        assert ("oförändrade" in texts) == (told["processing"] == "asPublished")
        assert rights
        assert all(
            Literal(told["attribution"], "sv") in set(graph.objects(one, ODRS.attributionText))
            for one in rights
        )


def test_the_catalogue_is_the_same_bytes_in_every_process(root: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "catalog.ttl"
    path.write_bytes(root.get("/catalog.ttl").content)
    code = (
        "import sys; from rdflib import Graph; from api.rdf import written\n"
        "graph = Graph().parse(sys.argv[1])\n"
        "for form in ('xml', 'turtle', 'json-ld'): sys.stdout.buffer.write(written(graph, form))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code, path],
            check=True,
            capture_output=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(made) == 1
    assert root.get("/catalog.rdf").content in made.pop()


@pytest.mark.shared
def test_the_profile_finds_no_violation(root: httpx.Client, shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "catalog.rdf"
    path.write_bytes(root.get("/catalog.rdf").content)
    check = shared / "conventions/validators/dcat/dcatcheck.py"
    done = subprocess.run(
        [sys.executable, check, path, "--ranges"], check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" 0 violations") == 4
