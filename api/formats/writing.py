"""From an answer to its bytes in the format that is asked for, and the headers that say what they are."""

from collections.abc import Callable, Mapping

from api.formats import CSV, JSON, NDJSON, PARQUET, XLSX, csv, jsonstat, ndjson, parquet, xlsx
from api.links import Place, address
from api.observations import Answered
from api.problems import InvalidParameter, InvalidParametersError
from api.question import Question

_WRITERS: Mapping[str, Callable[[Question, Answered], bytes]] = {
    "csv": csv.write,
    "ndjson": ndjson.write,
    "jsonstat": jsonstat.write,
    "parquet": parquet.write,
    "xlsx": xlsx.write,
}
_WITH_LABELS = (CSV, PARQUET, XLSX)
_SAVED = (CSV, NDJSON, PARQUET, XLSX)
"""What a browser saves rather than shows, each file under a name of its own."""
_OF_THE_FILE = frozenset({"format", "labels", "page", "limit"})
_TOLD_OF = 5
"""The most indicators that the headers tell of each by itself."""


def refuse_what_it_lacks(question: Question) -> None:
    """Refuse parameters that the format has no room for; raises InvalidParametersError."""
    if question.labels and question.format not in _WITH_LABELS and question.format.name != "jsonstat":
        known = ", ".join(one.name for one in _WITH_LABELS)
        reason = f"is for {known}; {question.format.name} has no columns of names"
        raise InvalidParametersError([InvalidParameter(name="labels", reason=reason, value="true")])
    if question.format.name == "jsonstat":
        jsonstat.refuse_what_it_lacks(question)


def written(question: Question, answered: Answered) -> bytes:
    """Return the figures in the format that *question* is for; raises RefusalError for more than it holds."""
    return _WRITERS[question.format.name](question, answered)


def headers(question: Question, answered: Answered, place: Place) -> dict[str, str]:
    """Return what the headers tell: where notes, sources and definitions stand, and what must be shown."""
    pairs = tuple((name, text) for name, text in place.pairs if name not in _OF_THE_FILE)
    beside = Place(place.base, place.path, pairs).link("describedby", limit=1, format=JSON.name)
    told = [f'<{beside.href}>; rel="{beside.rel}"; type="{JSON.media}"']
    if len(question.indicators) <= _TOLD_OF:
        paths = [f"/indicators/{state.definition.id}" for state in question.indicators]
        told += [f'<{address(place.base, path)}>; rel="about"' for path in paths]
    licences = dict.fromkeys(one.licence for one in answered.meta.datasets if one.licence)
    told += [f'<{licence}>; rel="license"' for licence in licences]
    must = sum(note.mandatory for note in answered.meta.notes)
    found = {"Link": ", ".join(told), "Lansdata-Mandatory-Notes": str(must)}
    if question.format in _SAVED:
        name = question.indicators[0].definition.id if len(question.indicators) == 1 else "observations"
        found["Content-Disposition"] = f'attachment; filename="lansdata-{name}.{question.format.suffix}"'
    return found
