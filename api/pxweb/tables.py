"""The tables of the PxWeb face: each dataset's indicators of one unit and the same breakdowns are one."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from cachetools import LRUCache, cached

from api.formats.grid import CONTENTS, MUNICIPALITY, SEX, YEAR
from api.formats.words import Words
from api.pxweb.problems import NO_TABLE, PxWebError
from api.snapshot import DatasetState, IndicatorState, Snapshot
from datasets.closest import closest
from datasets.vocabulary import Text

NAMES = {MUNICIPALITY: "Region", SEX: "Kon", YEAR: "Tid"}
"""What these variables are called in PxWeb, where some clients look for them by name."""
LABELS: Mapping[str, Text] = {
    MUNICIPALITY: Text("område", "area"),
    SEX: Text("kön", "sex"),
    CONTENTS: Text("indikator", "indicator"),
    YEAR: Text("år", "year"),
}
THEMES: Mapping[str, Text] = {
    "befolkning": Text("Befolkning", "Population"),
    "aldre": Text("Äldre", "Older people"),
    "barn-och-unga": Text("Barn och unga", "Children and young people"),
    "psykisk-halsa": Text("Psykisk hälsa", "Mental health"),
    "skola": Text("Skola", "School"),
    "ekonomi": Text("Ekonomi", "Economy"),
    "halsa": Text("Hälsa", "Health"),
}


class Table:
    """One table: indicators of one dataset with one unit and the same breakdowns."""

    def __init__(self, dataset: DatasetState, states: Sequence[IndicatorState]) -> None:
        self.dataset = dataset
        self.states = tuple(states)
        first = states[0].definition
        self.id = ".".join((dataset.description.id, first.unit, *sorted(first.breakdowns)))

    @cached_property
    def years(self) -> list[int]:
        """Return every year of a figure."""
        return sorted({year for state in self.states for year in state.coverage.years})

    @property
    def updated(self) -> str:
        """Return when it was last published, in the only form that every client reads."""
        return f"{self.dataset.release.published_at:%Y-%m-%dT%H:%M:%SZ}"

    def variables(self, language: str) -> list[str]:
        """Return the titles of its variables."""
        first = self.states[0].definition
        own = [first.breakdowns[name].title.spoken(language) for name in sorted(first.breakdowns)]
        area, sex, contents, year = (text.spoken(language) for text in LABELS.values())
        return [area, sex, *own, contents, year]

    def title(self, language: str) -> str:
        """Return what it is about, without its variables."""
        words = Words(self.states, language)
        first = self.states[0].definition.id
        if len(self.states) == 1:
            return words.indicator(first)
        return f"{self.dataset.description.title.spoken(language)}, {words.unit(first)}"

    def label(self, language: str) -> str:
        """Return its title as PxWeb tells one: what, by which variables, and for which years."""
        by, last, years = ("efter", "och", "År") if language == "sv" else ("by", "and", "Year")
        names = [name for name in self.variables(language) if name != LABELS[CONTENTS].spoken(language)]
        # a title stands in the middle of a sentence here; one in capitals stays so
        names = [name[:1].lower() + name[1:] if name[1:].islower() else name for name in names]
        span = "-".join(map(str, dict.fromkeys((self.years[0], self.years[-1]))))
        return f"{self.title(language)} {by} {', '.join(names[:-1])} {last} {names[-1]}. {years} {span}"

    def text(self, language: str) -> str:
        """Return all that a search looks through."""
        said = self.dataset.description
        titles = [state.definition.title.spoken(language) for state in self.states]
        ids = [state.definition.id for state in self.states]
        parts = (self.id, self.label(language), said.publisher, *said.keywords, *titles, *ids)
        return " ".join(parts).casefold()


@cached(LRUCache[int, Mapping[str, Table]](8), key=lambda snapshot: snapshot.number)
def tables_in(snapshot: Snapshot) -> Mapping[str, Table]:
    """Return every table by its id in lower case, in the order of the ids."""
    families: dict[tuple[str, ...], list[IndicatorState]] = {}
    for state in snapshot.indicators.values():
        if not state.coverage.rows:
            continue  # a table without a single figure has no years to be asked for
        said = state.definition
        family = (state.dataset, said.unit, *sorted(said.breakdowns))
        families.setdefault(family, []).append(state)
    tables = [Table(snapshot.datasets[family[0]], families[family]) for family in sorted(families)]
    return {table.id.lower(): table for table in tables}


def table_in(snapshot: Snapshot, name: str) -> Table:
    """Return a table; raises PxWebError with the closest ids."""
    tables = tables_in(snapshot)
    found = tables.get(name.lower())
    if found is None:
        near = closest(name.lower(), {key: table.title("sv") for key, table in tables.items()})
        hint = f"; closest: {', '.join(tables[key].id for key in near)}" if near else ""
        raise PxWebError(NO_TABLE, f"{name[:100]!r} is no table{hint}")
    return found
