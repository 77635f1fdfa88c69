"""The choice form of an indicator: what may be chosen, what is, and what is shown where nothing is."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from api.asked import Asked
from api.charts.choice import with_values
from api.charts.figures import MOST_LINES, SEX_TITLES, area_name
from api.question import municipalities_asked
from api.snapshot import IndicatorState
from api.texts import EVERY, LATEST
from datasets.areas import AreaType, areas, municipalities_of
from datasets.coverage import Coverage
from datasets.vocabulary import Breakdown

COUNTY = "08"
_WIDER = ("08", "00")
_MOST_OTHERS = 400
_MOST_DIVIDED = 60


class Option(Struct, frozen=True):
    """One thing that may be chosen."""

    value: str
    title: str
    chosen: bool


class Dimension(Struct, frozen=True):
    """One breakdown and what may be chosen of it."""

    title: str
    options: tuple[Option, ...]


class Form(Struct, frozen=True, kw_only=True):
    """All that may be chosen of one indicator; `kept` goes along unseen."""

    near: tuple[Option, ...]
    other: tuple[Option, ...]
    sexes: tuple[Option, ...]
    year: tuple[Option, ...]
    year_from: tuple[Option, ...]
    year_to: tuple[Option, ...]
    breakdowns: tuple[Dimension, ...]
    kept: tuple[tuple[str, str], ...]


def with_defaults(asked: Asked, state: IndicatorState) -> Asked:
    """Return *asked* with all of it said: where nothing is chosen the page chooses, and shows what."""
    covered = state.coverage
    values = {
        "municipality": asked["municipality"] or _areas(covered),
        "sex": asked["sex"] or covered.sexes[:1],
        "breakdown": asked["breakdown"],
    }
    if "total" not in covered.sexes and not asked["sex"]:
        values["sex"] = covered.sexes
    if not asked["breakdown"] and "" not in covered.breakdowns:
        values["breakdown"] = _division(covered)
    return with_values(asked, **values)


def pairs_of(asked: Asked) -> list[tuple[str, str]]:
    """Return the shortest address that says what is *asked*, without the language."""
    lists = ("municipality", "sex", "year")
    pairs = [(name, ",".join(map(str, asked[name]))) for name in lists if asked[name]]
    pairs += [(name, str(asked[name])) for name in ("yearFrom", "yearTo") if asked[name] is not None]
    if asked["breakdown"]:
        parts = [EVERY if name == EVERY else f"{name}:{code}" for name, code in asked["breakdown"]]
        pairs.append(("breakdown", ",".join(parts)))
    return pairs + _pin(asked)


def form_of(asked: Asked, state: IndicatorState, language: str) -> Form:
    """Return the form as it stands when *asked*, which says everything, is chosen."""
    covered, codes = state.coverage, set(municipalities_asked(asked["municipality"], []))
    home = [*_WIDER, *municipalities_of(COUNTY)]
    near = [code for code in home if code in covered.municipalities]
    others = [code for code in covered.municipalities if code not in near]
    if len(others) > _MOST_OTHERS:
        others = [code for code in others if code in codes or _is_plain(code)]
    years = sorted(covered.years, reverse=True)
    return Form(
        near=tuple(Option(code, area_name(code, language), code in codes) for code in near),
        other=tuple(
            Option(code, title, code in codes)
            for title, code in sorted((area_name(code), code) for code in others)
        ),
        sexes=tuple(Option(sex, SEX_TITLES[language][sex], sex in asked["sex"]) for sex in covered.sexes),
        year=(
            Option(LATEST, "", LATEST in asked["year"]),
            *(Option(str(year), str(year), year in asked["year"]) for year in years),
        ),
        year_from=tuple(Option(str(year), str(year), year == asked["yearFrom"]) for year in years),
        year_to=tuple(Option(str(year), str(year), year == asked["yearTo"]) for year in years),
        breakdowns=tuple(_dimensions(asked, state, language)),
        kept=tuple(_pin(asked)),
    )


def _pin(asked: Asked) -> list[tuple[str, str]]:
    if asked["version"]:
        return [("version", asked["version"])]
    return [("asOf", asked["asOf"].isoformat().replace("+00:00", "Z"))] if asked["asOf"] else []


def _areas(covered: Coverage) -> tuple[str, ...]:
    """Return the county and the country, else as many areas as can be told apart, else the county's own."""
    wider = tuple(code for code in _WIDER if code in covered.municipalities)
    if wider or len(covered.municipalities) <= MOST_LINES:
        return wider or covered.municipalities
    own = tuple(str(code) for code in municipalities_of(COUNTY) if code in covered.municipalities)
    return own or covered.municipalities


def _division(covered: Coverage) -> tuple[tuple[str, str], ...]:
    if len(covered.breakdowns) <= _MOST_DIVIDED:
        return ((EVERY, EVERY),)
    return Breakdown.parse(covered.breakdowns[0]).parts


def _is_plain(code: str) -> bool:
    known = areas().get(code)  # type: ignore[call-overload]
    return known is not None and known.type in {AreaType.MUNICIPALITY, AreaType.COUNTY}


def _dimensions(asked: Asked, state: IndicatorState, language: str) -> Iterator[Dimension]:
    chosen: Sequence[tuple[str, str]] = asked["breakdown"]
    used = {name for text in state.coverage.breakdowns for name, _ in Breakdown.parse(text).parts}
    every = "Alla" if language == "sv" else "All"
    for name, dimension in state.definition.breakdowns.items():
        if name not in used:
            continue
        is_every = (name, EVERY) in chosen or (EVERY, EVERY) in chosen
        options = [Option(f"{name}:{EVERY}", every, is_every)]
        options += [
            Option(f"{name}:{code}", title.spoken(language), (name, code) in chosen)
            for code, title in dimension.categories.items()
        ]
        yield Dimension(dimension.title.spoken(language), tuple(options))
