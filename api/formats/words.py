"""The names of codes, in the language that is asked for."""

from collections.abc import Iterable, Mapping

from api.snapshot import IndicatorState
from datasets.areas import areas
from datasets.statuses import LEGEND
from datasets.units import units
from datasets.vocabulary import Sex, Text

SEXES: Mapping[str, Text] = {
    Sex.TOTAL: Text("totalt", "total"),
    Sex.WOMEN: Text("kvinnor", "women"),
    Sex.MEN: Text("män", "men"),
    Sex.OTHER: Text("annan könstillhörighet", "other"),
}
_SIGNS: Mapping[str, Text] = {sign.code: sign.title for sign in LEGEND}
_PLACES: Mapping[str, str] = {str(code): area.name for code, area in areas().items()}


class Words:
    """What the codes of some indicators' figures are called; a code without a name is its own."""

    def __init__(self, states: Iterable[IndicatorState], language: str) -> None:
        self.language = language
        self.definitions = {state.definition.id: state.definition for state in states}

    def indicator(self, code: str) -> str:
        """Return the title of an indicator."""
        known = self.definitions.get(code)
        return known.title.spoken(self.language) if known else code

    def unit(self, code: str) -> str:
        """Return the name of an indicator's unit."""
        known = self.definitions.get(code)
        found = units().get(known.unit) if known else None
        return found.title.spoken(self.language) if found else ""

    def municipality(self, code: str) -> str:
        """Return the name of an area."""
        return _PLACES.get(code, code)

    def sex(self, code: str) -> str:
        """Return the name of a sex."""
        return self.spoken(SEXES, code)

    def sign(self, code: str) -> str:
        """Return the name of a status or flag; empty for none."""
        return self.spoken(_SIGNS, code)

    def category(self, indicator: str, dimension: str, code: str) -> str:
        """Return the name of a category of one of an indicator's breakdowns."""
        known = self.definitions.get(indicator)
        found = known.breakdowns.get(dimension) if known else None
        return self.spoken(found.categories, code) if found else code

    def spoken(self, known: Mapping[str, Text], code: str) -> str:
        """Return what *known* calls a code."""
        return known[code].spoken(self.language) if code in known else code
