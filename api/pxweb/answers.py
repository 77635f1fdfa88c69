"""Answers in the shapes of PxWebApi 2: the list of tables, a table's metadata, and its figures."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import product
from typing import Any
from urllib.parse import quote

from api import about
from api.formats.csv import harmless
from api.formats.grid import CONTENTS, MUNICIPALITY, YEAR, Axis, Cells, Grid
from api.formats.jsonstat import dimension_of, mandatory, notes_in, with_cells
from api.formats.words import Words
from api.pxweb.asked import LANGUAGES
from api.pxweb.extract import Extract, eliminated, name_of
from api.pxweb.problems import NO_FORMAT, PxWebError
from api.pxweb.tables import THEMES, Table
from datasets.numbers import number_texts

PREFIX = "/pxweb/api/v2"
FORMATS = ("json-stat2", "csv")
_SEPARATORS = {"separatortab": "\t", "separatorspace": " ", "separatorsemicolon": ";"}
_TEXTS = {"usecodes": "{0}", "usetexts": "{1}", "usecodesandtexts": "{0} {1}"}

Told = dict[str, Any]


def link(base: str, rel: str, path: str, language: str, more: str = "") -> Told:
    """Return a link as PxWeb tells one."""
    return {"rel": rel, "hreflang": language, "href": f"{base}{PREFIX}{path}?lang={language}{more}"}


def entry(table: Table, base: str, language: str) -> Told:
    """Return a table as the list tells it."""
    said = table.dataset.description
    theme, path = THEMES[said.theme].spoken(language), f"/tables/{quote(table.id)}"
    other = next(one for one in LANGUAGES if one != language)
    return {
        "id": table.id,
        "label": table.label(language),
        "description": said.description.spoken(language),
        "sortCode": table.id,
        "updated": table.updated,
        "firstPeriod": str(table.years[0]),
        "lastPeriod": str(table.years[-1]),
        "category": "public",
        "variableNames": table.variables(language),
        "discontinued": False,
        "source": said.publisher,
        "subjectCode": said.theme,
        "timeUnit": "Annual",
        "paths": [
            [
                {"id": said.theme, "label": theme, "sortCode": theme},
                {"id": said.id, "label": said.title.spoken(language), "sortCode": said.id},
            ]
        ],
        "links": [
            link(base, "self", path, language),
            link(base, "alternate", path, other),
            link(base, "metadata", f"{path}/metadata", language),
            link(base, "data", f"{path}/data", language, "&outputFormat=json-stat2"),
        ],
    }


def head(table: Table, extract: Extract, base: str, language: str) -> Told:
    """Return what tells an extract, its figures apart: the variables, the notes and where it is from."""
    standard = table.dataset.description.attribution
    shown = {content.indicator for content in extract.contents.values()}
    told = [s.definition.attribution or standard for s in table.states if s.definition.id in shown]
    return {
        "version": "2.0",
        "class": "dataset",
        "label": table.label(language),
        "source": "; ".join(dict.fromkeys(told)),
        "updated": table.updated,
        "href": link(base, "self", f"/tables/{quote(table.id)}", language)["href"],
        **notes_in(extract.notes, Words(table.states, language)),
        **_shape(table, extract, language),
        "extension": _beside(table, extract, language),
    }


def dataset(table: Table, extract: Extract, cells: Cells, base: str, language: str) -> bytes:
    """Return figures as JSON-stat 2.0."""
    return with_cells(head(table, extract, base, language), cells)


def as_csv(table: Table, extract: Extract, cells: Cells, language: str, wanted: str) -> bytes:
    """Return figures as PxWeb's wide CSV in UTF-8; a cell without a number says why."""
    words = {word.strip().lower() for word in wanted.split(",") if word.strip()}
    unknown = words - _SEPARATORS.keys() - _TEXTS.keys() - {"includetitle"}
    if unknown:
        raise PxWebError(NO_FORMAT, f"outputFormatParams {', '.join(sorted(unknown))[:100]}")
    pattern = next((text for word, text in _TEXTS.items() if word in words), _TEXTS["usecodes"])
    separator = next((sign for word, sign in _SEPARATORS.items() if word in words), ",")
    above = [axis for axis in extract.axes if name_of(axis) in extract.heading]
    before = [axis for axis in extract.axes if axis not in above]
    out = StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    if "includetitle" in words:
        writer.writerow([harmless(table.label(language))])
    columns = [" ".join(combination) for combination in _combinations(above, pattern)]
    titles = [harmless(pattern.format(name_of(axis), axis.title)) for axis in before]
    writer.writerow([*titles, *map(harmless, columns)])
    texts = iter(_cell_texts(cells))
    for combination in _combinations(before, pattern):
        writer.writerow([*map(harmless, combination), *(next(texts) for _ in columns)])
    return out.getvalue().encode()


def _cell_texts(cells: Cells) -> Iterable[str]:
    numbers = number_texts(cells.values)
    return (text or cells.words[at] for text, at in zip(numbers, cells.signs.tolist(), strict=True))


def _combinations(axes: Sequence[Axis], pattern: str) -> Iterable[tuple[str, ...]]:
    return product(*([pattern.format(code, name) for code, name in axis.codes.items()] for axis in axes))


def _shape(table: Table, extract: Extract, language: str) -> Told:
    words, grid = Words(table.states, language), Grid(extract.axes, extract.contents)
    names = {axis.name: name_of(axis) for axis in extract.axes}
    roles = (("time", YEAR), ("geo", MUNICIPALITY), ("metric", CONTENTS))
    return {
        "role": {role: [names[name]] for role, name in roles if name in names},
        "id": list(names.values()),
        "size": list(grid.size),
        "dimension": {names[axis.name]: _dimension(axis, grid, words) for axis in extract.axes},
    }


def _dimension(axis: Axis, grid: Grid, words: Words) -> Told:
    told = dimension_of(axis, grid, words)
    code = eliminated(axis)
    elimination = {"elimination": code is not None}
    more = {} if code is None else {"eliminationValueCode": code}
    return {**told, "extension": {**told["extension"], **elimination, **more, "codelists": []}}


def _beside(table: Table, extract: Extract, language: str) -> Told:
    said = table.dataset.description
    px = {
        "infofile": said.id,
        "tableid": table.id,
        "decimals": max((one.decimals for one in extract.contents.values()), default=0),
        # a sum over figures of ours would be nobody's figure
        "aggregallowed": False,
        "language": language,
        "contents": table.title(language),
        "heading": list(extract.heading),
        "stub": [name_of(axis) for axis in extract.axes if name_of(axis) not in extract.heading],
        "matrix": table.id,
        "subject-code": said.theme,
        "subject-area": THEMES[said.theme].spoken(language),
    }
    contact = {"name": about.CONTACT_NAME, "mail": about.CONTACT_MAIL}
    release = {"dataset": said.id, "version": str(table.dataset.release.version)}
    return {**mandatory(extract.notes), "px": px, "contact": [contact], "lansdata": release}
