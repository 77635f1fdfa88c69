"""From Kolada's catalogue to our indicators: unit, origin and end of a series, read out of its prose."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from datasets.catalogue import Indicator, Note
from datasets.closest import closest
from datasets.cube import Cube
from datasets.units import unit
from datasets.vocabulary import Text
from loaders.kolada_codes import Group, Kpi
from loaders.source import BrokenSourceError

UNCERTAINTY = "Osäkerhetstal"
_UNIT_OF_TAIL = {
    "(%)": "percent",
    "andel (%)": "percent",
    "andel(%)": "percent",
    "procent": "percent",
    "svarsfrekvens (%)": "percent",
    "andel positiva svar (%)": "percent",
    "andel av antal dagar (%)": "percent",
    "antal": "number",
    "antal svar": "number",
    "antal/1000 inv": "per1000Inhabitants",
    "antal/1000 invånare": "per1000Inhabitants",
    "antal/10 000 inv": "per10000Inhabitants",
    "antal/10 000 invånare": "per10000Inhabitants",
    "antal/100 000 inv": "per100000Inhabitants",
    "antal/100 000 invånare": "per100000Inhabitants",
    "kr": "kronor",
    "tkr": "thousandKronor",
    "kr/inv": "kronorPerInhabitant",
    "kr/inv 65+": "kronorPerInhabitant65",
    "kr/inv 80+": "kronorPerInhabitant80",
    "1000 kr/invånare": "thousandKronorPerInhabitant",
    "1000 kr/sysselsatt": "thousandKronorPerEmployed",
    "kr/elev": "kronorPerPupil",
    "kr/DRG-poäng": "kronorPerDrgPoint",
    "index": "index",
    "index (max = 100)": "index",
    "år": "years",
    "dagar": "days",
    "antal dagar": "days",
}
"""The unit by the last words of a title, as they stood on 2026-03-04; other words are not guessed at."""
_ENDED = re.compile(r"\(\s*[-\u2013]\s*(\d{4})\)")
_PERCENT = re.compile(r"\(%\)$")
_ORIGIN = "Källa:"
_NEXT_SENTENCE = re.compile(r"\.\s+(?=[A-ZÅÄÖ])")
_MERGED = ("title", "definition", "description")


class Judgement(Struct, frozen=True, kw_only=True):
    """What is known of one KPI beside its own entry when its indicator is made."""

    stated: Mapping[str, Any]
    """The `[[indicator]]` table of the dataset's TOML: it overrides the catalogue, its notes are added."""
    groups: Mapping[str, Group]
    uncertainty: str
    preliminary: int | None


def indicator_of(kpi: Kpi, judgement: Judgement, cube: Cube) -> Indicator:
    """Return the indicator that *kpi* is, with the notes that its figures need.

    Raises BrokenSourceError where the catalogue and the TOML together do not make one.
    """
    stated = {name: said for name, said in judgement.stated.items() if name != "load"}
    said: dict[str, Any] = {
        "title": {"sv": tidied(kpi.title)},
        "definition": {"sv": tidied(kpi.description or "") or "Kolada beskriver inte måttet."},
        "sourceCode": kpi.id,
        **{name: table for name, table in stated.items() if name not in _MERGED},
    }
    for name in _MERGED:
        if name in stated:
            said[name] = {**said.get(name, {}), **stated[name]}
    said["unit"] = unit(stated["unit"] if "unit" in stated else unit_of(kpi)).code
    said["notes"] = [*stated.get("notes", ()), *map(msgspec.to_builtins, _notes(kpi, judgement, cube))]
    try:
        return msgspec.convert(said, Indicator)
    except (msgspec.ValidationError, ValueError) as error:
        message = f"{kpi.id}: {error}"
        raise BrokenSourceError(message) from error


def tidied(text: str) -> str:
    r"""Return Kolada's *text* with each run of spaces, and each `\n` written as two letters, as one space."""
    return " ".join(text.replace("\\n", " ").split())


def unit_of(kpi: Kpi) -> str:
    """Return the unit that the title ends in; raises BrokenSourceError for words not known."""
    title = tidied(_ENDED.sub(" ", tidied(kpi.title))).rstrip(". ")
    tail = title.rpartition(",")[2].strip()
    code = _UNIT_OF_TAIL.get(tail) or ("percent" if "," not in title and _PERCENT.search(title) else None)
    if code is None:
        message = f"{kpi.id}: the title ends in {tail!r}, which is no known unit; state it in the TOML"
        raise BrokenSourceError(message)
    return code


def origin_of(kpi: Kpi) -> str:
    """Return whom Kolada calls its source at the end of the description; empty where it does not."""
    _, stated, rest = tidied(kpi.description or "").rpartition(_ORIGIN)
    return _NEXT_SENTENCE.split(rest)[0].strip(" .") if stated else ""


def last_year_of(kpi: Kpi) -> int | None:
    """Return the year that the title says the series ended with, if any."""
    ended = _ENDED.search(kpi.title)
    return int(ended[1]) if ended else None


def preliminary_year(kpi: Kpi, today: date) -> int | None:
    """Return the year whose figures are preliminary on *today*, if any.

    Sensible, not official: the preliminary figures of the period are out and the final ones are not.
    """
    first, final, period = kpi.prel_publication_date, kpi.publication_date, kpi.publ_period or ""
    if first is None or final is None or not re.fullmatch(r"\d{4}", period, re.ASCII):
        return None
    return int(period) if first <= today < final else None


def proposed_uncertainties(kpis: Iterable[Kpi]) -> dict[str, tuple[str, ...]]:
    """Return for each `Osäkerhetstal` the KPIs that it may belong to by title, best first.

    For a person who writes the TOML: the titles seldom match to the letter, so nothing is joined by them.
    """
    titles = {kpi.id: tidied(kpi.title) for kpi in kpis}
    points = {name: title for name, title in titles.items() if not title.startswith(UNCERTAINTY)}
    exact: dict[str, list[str]] = {}
    for name, title in points.items():
        exact.setdefault(title.casefold(), []).append(name)
    proposed = {}
    for name in titles.keys() - points.keys():
        title = titles[name].removeprefix(UNCERTAINTY).lstrip(" -\N{EN DASH}")
        proposed[name] = tuple(exact.get(title.casefold(), ())) or closest(title, points)
    return dict(sorted(proposed.items()))


def _notes(kpi: Kpi, judgement: Judgement, cube: Cube) -> list[Note]:
    notes = [_group_note(judgement.groups[code]) for code in cube.municipalities if code in judgement.groups]
    ended, year, origin = last_year_of(kpi), judgement.preliminary, origin_of(kpi)
    if ended:
        notes.append(
            _note(
                f"Serien har upphört: enligt Kolada är {ended} dess sista år.",
                f"The series has ended: according to Kolada {ended} is its last year.",
                mandatory=True,
            )
        )
    if not np.isnan(cube.columns.low).all():
        notes.append(_interval_note(judgement.uncertainty))
    if year and cube.columns.flags.any():
        notes.append(
            _note(
                f"{year} är märkt som preliminärt av Länsdata: Koladas katalog anger preliminär publicering"
                f" {kpi.prel_publication_date} och slutlig {kpi.publication_date}.",
                f"{year} is marked as preliminary by Länsdata: Kolada's catalogue states preliminary"
                f" publication on {kpi.prel_publication_date} and the final one on {kpi.publication_date}.",
            )
        )
    if origin:
        notes.append(_note(f"Kolada anger ursprunget: {origin}.", f"Kolada states the origin: {origin}."))
    return notes


def _group_note(group: Group) -> Note:
    """Tell what a group's value is, and of whom: the members change while the id stays."""
    members = ", ".join(sorted(member.member_title for member in group.members))
    title = tidied(group.title)
    return _note(
        f"Värdet för {title} är det ovägda medelvärdet av gruppens kommuner ({members}), som Kolada räknar ut"
        " det; det är varken länets vägda siffra eller regionens.",
        f"The value of {title} is the unweighted mean of the group's municipalities ({members}), as Kolada"
        " computes it; it is neither the county's weighted figure nor the region's.",
        mandatory=True,
        municipalities=(group.id,),
    )


def _interval_note(uncertainty: str) -> Note:
    """Tell whose arithmetic the bounds are: Kolada must not be named as the source of our processing."""
    return _note(
        f"Värdet är Koladas. Intervallets gränser är egen bearbetning av data från Kolada: värdet minus och"
        f" plus Koladas osäkerhetstal {uncertainty}.",
        f"The value is Kolada's. The bounds of the interval are our own processing of data from Kolada: the"
        f" value minus and plus Kolada's number of uncertainty {uncertainty}.",
        mandatory=True,
    )


def _note(sv: str, en: str, *, mandatory: bool = False, municipalities: tuple[str, ...] = ()) -> Note:
    return Note(text=Text(sv, en), mandatory=mandatory, municipalities=municipalities)
