"""What only Kolada's prose says: units, origins, ends, uncertainties; and the faults of our own catalogue."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.errors import UnknownCodeError
from datasets.vocabulary import Flag, Interval, Sex, Text
from loaders import kolada
from loaders.kolada_catalogue import preliminary_year, proposed_uncertainties, tidied, unit_of
from loaders.kolada_codes import Kpi
from loaders.source import BrokenSourceError, Made
from tests.samples.kolada_small import (
    TODAY,
    Item,
    answered,
    changed_kpi,
    cube,
    figure,
    made,
    notes,
    plan_of,
    replying,
    rows,
    sample,
)

# --- what only the prose says ---


def test_double_spaces_and_written_line_breaks_become_single_spaces() -> None:
    indicator = made(plan_of("N99001"))["N99001"].indicator

    assert indicator.title == Text("Invånare 80+ med prov i ordinärt boende, andel (%)")
    assert indicator.definition.sv.startswith(
        "Antal personer 80+ med prov, dividerat med antal invånare 80+."
    )


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Invånare, 0-19 år, med prov, andel (%)", "percent"),
        ("Startade prov, andel (%).", "percent"),
        ("Skattesats till kommun (%)", "percent"),
        ("Prov, antal (-2023)", "number"),
        ("Prov,  andel (%) (- 2024)", "percent"),
        ("Prov, antal/100 000 inv", "per100000Inhabitants"),
        ("Prov,  kr/DRG-poäng", "kronorPerDrgPoint"),
    ],
)
def test_the_unit_is_the_end_of_the_title(title: str, unit: str) -> None:
    assert unit_of(Kpi(id="N99001", title=title)) == unit


@pytest.mark.parametrize(
    "title", ["Prov - Kommunindex", "Prov, ton CO2e", "Prov, andel (%) av något", "Prov"]
)
def test_a_unit_that_is_not_known_is_not_guessed(title: str) -> None:
    with pytest.raises(BrokenSourceError, match=title.rpartition(",")[2].strip().partition("(")[0]):
        unit_of(Kpi(id="N99001", title=title))


def test_the_toml_states_what_the_catalogue_does_not() -> None:
    stated = {
        "id": "N99006",
        "unit": "index",
        "title": {"en": "Test index"},
        "polarity": "higherIsBetter",
        "breaks": [{"year": 2021, "text": {"sv": "Ny metod."}}],
        "notes": [{"text": {"sv": "Obs."}, "mandatory": True}],
    }
    indicator = made(plan_of("N99006", indicators=(stated,)))["N99006"].indicator

    assert (indicator.unit, indicator.polarity) == ("index", "higherIsBetter")
    assert indicator.title == Text("Prov - Kommunindex", "Test index")
    assert [one.year for one in indicator.breaks] == [2021]
    assert indicator.notes[0].text == Text("Obs.")


def test_what_kolada_calls_its_source_becomes_a_note() -> None:
    told = notes(made(plan_of("N99001"))["N99001"]) | notes(made(plan_of("N99002"))["N99002"])

    assert told["Kolada anger ursprunget: SCB och Socialstyrelsen."] is False
    assert told["Kolada anger ursprunget: SCB:s Räkenskapssammandrag."] is False


def test_a_series_that_has_ended_says_so() -> None:
    told = notes(made(plan_of("N99003"))["N99003"])

    assert told["Serien har upphört: enligt Kolada är 2023 dess sista år."] is True
    assert "Kolada anger ursprunget: SCB." in told


def test_the_same_id_with_another_definition_is_another_definition() -> None:
    plan = plan_of("N99001")
    before = made(plan, kpi=changed_kpi(description="Dividerat med antal invånare 65+."))["N99001"]
    after = made(plan, kpi=changed_kpi(description="Dividerat med antal invånare 80+."))["N99001"]

    assert before.indicator.definition != after.indicator.definition
    assert list(before.cube) == list(after.cube)


@pytest.mark.parametrize(
    ("day", "year"),
    [("2026-03-31", None), ("2026-04-01", 2025), ("2026-08-27", 2025), ("2026-08-28", None)],
)
def test_figures_are_preliminary_between_their_two_publications(day: str, year: int | None) -> None:
    kpi = msgspec.convert(sample("kpi")[1], Kpi)

    assert preliminary_year(kpi, date.fromisoformat(day)) == year


def test_no_publication_date_and_no_period_mean_no_preliminary_figure() -> None:
    kpi = msgspec.convert(sample("kpi")[1], Kpi)
    unsaid = [{"prel_publication_date": None}, {"publication_date": None}, {"publ_period": "2024/2025"}]

    assert all(
        preliminary_year(msgspec.structs.replace(kpi, **said), TODAY.date()) is None for said in unsaid
    )


def test_a_preliminary_year_is_marked_and_explained() -> None:
    one = made(plan_of("N99002"))["N99002"]

    assert [(figure.year, figure.flags) for figure in one.cube] == [
        (2024, frozenset()),
        (2025, frozenset({Flag.PRELIMINARY})),
    ]
    assert any("preliminär publicering 2026-04-01 och slutlig 2026-08-28" in text for text in notes(one))


# --- numbers of uncertainty ---


def joined(**lists: list[Item]) -> Mapping[str, Made]:
    return made(plan_of("U99004", uncertainty={"U99004": "U99005"}), **lists)


def test_a_number_of_uncertainty_becomes_the_interval_of_its_kpi_without_float_noise() -> None:
    assert 71.3 + 2.1 != 73.4
    one = joined()["U99004"]

    assert list(joined()) == ["U99004"]
    assert figure(one.cube, "0880", Sex.TOTAL, 2024).interval == Interval(69.2, 73.4)
    assert figure(one.cube, "0880", Sex.MEN, 2024).interval == Interval(70.1, 74.7)


def test_a_value_without_a_number_of_uncertainty_has_no_interval() -> None:
    one = joined()["U99004"].cube

    assert figure(one, "0880", Sex.WOMEN, 2024).interval is None
    assert figure(one, "0834", Sex.TOTAL, 2024).interval is None


def test_an_interval_is_told_as_our_own_processing_and_the_value_as_koladas() -> None:
    one = joined()["U99004"]

    assert any("egen bearbetning av data från Kolada" in text for text, shown in notes(one).items() if shown)
    assert one.indicator.processing is None
    assert not any("bearbetning" in text for text in notes(made(plan_of("U99004"))["U99004"]))


def test_an_uncertainty_below_zero_stops_the_load() -> None:
    wrong = rows()
    wrong[11]["values"][0]["value"] = -0.5

    with pytest.raises(BrokenSourceError, match="U99005: an uncertainty below zero"):
        made(plan_of("U99004", uncertainty={"U99004": "U99005"}), wrong)


def test_an_uncertainty_that_kolada_dropped_stops_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="U99005"):
        joined(kpi=[kpi for kpi in sample("kpi") if kpi["id"] != "U99005"])


def test_a_kpi_and_its_uncertainty_are_always_asked_for_together() -> None:
    kpis = [f"U99{number:03}" for number in range(100, 124)]
    plan = plan_of(*kpis, "U99124", areas=("00",), uncertainty={"U99124": "U99900"})
    known = [sample("kpi")[3] | {"id": kpi} for kpi in [*kpis, "U99124", "U99900"]]
    kept = answered(plan, replying(kpi=known))

    assert ["U99124,U99900" in one.address for one in kept if "/data/" in one.address] == [False, True]


def test_titles_of_uncertainties_seldom_match_so_pairs_are_only_proposed() -> None:
    kpis = [msgspec.convert(kpi, Kpi) for kpi in sample("kpi")]

    assert proposed_uncertainties(kpis)["U99005"][0] == "U99004"
    assert figure(cube("U99004"), "0880", Sex.TOTAL, 2024).interval is None


# --- the catalogue's own faults ---


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        ({"kpis": ["N99001", "N99001"]}, "N99001: named twice"),
        ({"uncertainty": {"U99004": "U99005"}}, "U99004: not among the kpis"),
        ({"uncertainty": {"N99001": "N99001"}}, "N99001: named twice"),
        ({"kpis": ["N2170"]}, "kpis"),
        ({"kpis": []}, "kpis"),
        ({"years": {"from": 2000, "to": 2020}}, "years"),
        ({"kpi": ["N99001"]}, "kpi"),
    ],
)
def test_a_faulty_load_table_is_refused_with_its_place(load: dict[str, Any], reason: str) -> None:
    with pytest.raises(BrokenSourceError, match=rf"kolada-prov: \[load\] .*{reason}"):
        next(kolada.asks(plan_of("N99001", **load)))


def test_an_indicator_table_of_no_kpi_is_refused() -> None:
    with pytest.raises(BrokenSourceError, match="N99002"):
        next(kolada.asks(plan_of("N99001", indicators=({"id": "N99002"},))))


def test_a_unit_or_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownCodeError, match="percents"):
        made(plan_of("N99001", indicators=({"id": "N99001", "unit": "percents"},)))
    with pytest.raises(BrokenSourceError, match=r"N99001.*polarty"):
        made(plan_of("N99001", indicators=({"id": "N99001", "polarty": "neutral"},)))


def test_kolada_states_no_time_of_its_figures() -> None:
    assert kolada.source_time(plan_of("N99001"), []) is None


@given(st.text())
def test_a_tidied_text_is_tidy(text: str) -> None:
    assert tidied(tidied(text)) == tidied(text)
    assert "  " not in tidied(text)
