"""A graph without blank nodes as bytes: the same graph is always the same bytes, in every process."""

import json
from collections.abc import Mapping
from typing import Any

from rdflib import Graph

MEDIA: Mapping[str, str] = {
    "xml": "application/rdf+xml",
    "turtle": "text/turtle",
    "json-ld": "application/ld+json",
}
"""The forms and their media types, the one that harvesters expect first."""


def taken(accept: str) -> str:
    """Return the form that is asked for; a harvester that asks for anything else gets RDF/XML."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((form for kind in kinds for form, media in MEDIA.items() if media == kind), "xml")


def written(graph: Graph, form: str) -> bytes:
    """Return *graph* in a *form*."""
    # the usual store keeps its triples in sets, whose order differs between processes
    ordered = Graph(store="SimpleMemory")
    for prefix, name in sorted(graph.namespaces()):
        ordered.bind(prefix, name)
    for triple in sorted(graph):
        ordered.add(triple)
    body = ordered.serialize(format=form, encoding="utf-8")
    if form != "json-ld":
        return body
    return json.dumps(_ordered(json.loads(body)), ensure_ascii=False, indent=1).encode()


def _ordered(told: Any) -> Any:
    """Return JSON-LD with its keys sorted, and its lists, which are sets without an order."""
    if isinstance(told, dict):
        return {name: _ordered(told[name]) for name in sorted(told)}
    if isinstance(told, list):
        return sorted(map(_ordered, told), key=json.dumps)
    return told
