"""What goes wrong when SCB replaces its tables."""

from datetime import UTC, datetime
from typing import Any

import pytest

from loaders import scb
from loaders.source import BrokenSourceError, Plan
from tests.samples.scb_small import (
    Json,
    Small,
    conversation,
    figures,
    loaded,
    plan_of,
)
from tests.samples.scb_table import BREAK, CODES, DIMENSIONS, plan, refused, table

# --- tables that are replaced ---


def stitched(*, breaks: list[Json], last: int = 2024, first: int = 2025) -> Plan:
    tables = {"TAB1": {"dimensions": DIMENSIONS}, "TAB2": {"dimensions": DIMENSIONS}}
    parts = [{"table": "TAB1", "to": last}, {"table": "TAB2", "from": first}]
    return plan_of(tables, *parts, breaks=breaks)


def successor(**changes: Any) -> Small:
    return table(
        **{"id": "TAB2", "codes": {**CODES, "Tid": ["2024", "2025"]}, "cell": lambda _: 9, **changes}
    )


def test_a_series_over_two_tables_takes_each_year_from_the_table_that_is_declared_for_it() -> None:
    made = loaded(stitched(breaks=[BREAK]), table(notes=["Gammal"]), successor(notes=["Ny"]))[0]
    kalmar = {
        year: value for (place, sex, year, _), value in figures(made).items() if (place, sex) == ("08", "men")
    }

    assert {year: value == 9 for year, value in kalmar.items()} == {
        2022: False,
        2023: False,
        2024: False,
        2025: True,
    }
    assert [(note.text.sv, note.years) for note in made.indicator.notes] == [
        ("Gammal", (2022, 2023, 2024)),
        ("Ny", (2025,)),
    ]


def test_a_series_over_two_tables_needs_its_break_and_takes_no_year_from_both() -> None:
    refused("goes over to TAB2 in 2025 without a declared break", stitched(breaks=[]), table(), successor())
    refused("takes 2024 from both TAB1 and TAB2", stitched(breaks=[BREAK], first=2024), table(), successor())


def test_a_table_that_has_stopped_without_a_word_is_told() -> None:
    late = loaded(plan(told={"due": 14}), table())[0].indicator.notes
    expected = loaded(plan(told={"due": 24}), table())[0].indicator.notes
    closed = loaded(plan(part={"to": 2024}, told={"due": 14}), table())[0].indicator.notes

    assert [note.text.sv for note in late] == [
        "SCB:s tabell TAB1 har ingen nyare period än 2024; en ny väntades senast 2026-02-28."
    ]
    assert (expected, closed) == ((), ())


def test_a_table_that_is_called_discontinued_is_told_unless_the_series_goes_on_elsewhere() -> None:
    ended = table(discontinued=True)

    assert len(loaded(plan(), ended)[0].indicator.notes) == 1
    assert loaded(plan(part={"to": 2024}), ended)[0].indicator.notes == ()


def test_another_table_under_the_same_id_is_noticed() -> None:
    label, unit = {"label": "Folkmängden"}, {"unit": "antal"}

    def in_thousands(body: Json) -> None:
        body["dimension"]["ContentsCode"]["category"]["unit"] = {"BE0101N1": {"base": "tusental"}}

    refused("is called 'Levande födda', not 'Folkmängden'", plan(told=label), table(label="Levande födda"))
    refused("counts 'tusental', not 'antal'", plan(told=unit), table(metadata_more=in_thousands))


def test_an_answer_of_another_table_than_the_one_asked_is_refused() -> None:
    def foreign(body: Json) -> None:
        body["extension"]["px"]["tableid"] = "TAB7"

    refused("is answered by another table: TAB7", plan(), table(spoil=foreign))
    refused("by TAB1 and by the metadata of TAB7", plan(), table(metadata_more=foreign))


def test_ids_are_the_same_in_any_case_as_they_are_to_the_source() -> None:
    def lower(body: Json) -> None:
        body["extension"]["px"]["tableid"] = "tab1"

    assert loaded(plan(), table(spoil=lower, metadata_more=lower))


def test_a_table_that_changes_while_it_is_read_stops_the_load() -> None:
    moments = iter(range(9))

    def moving(body: Json) -> None:
        body["updated"] = f"2025-02-21T07:00:0{next(moments)}Z"

    kept = conversation(plan(), table(spoil=moving), most_cells=7)

    with pytest.raises(BrokenSourceError, match="changed while it was read"):
        list(scb.normalise(plan(), kept))


def test_the_time_of_the_table_that_changed_last_is_the_time_of_the_figures() -> None:
    projected = successor(updated="2026-04-15T06:00:00Z")
    kept = conversation(stitched(breaks=[BREAK]), table(), projected)

    assert scb.source_time(stitched(breaks=[BREAK]), kept) == datetime(2026, 4, 15, 6, tzinfo=UTC)
    assert scb.source_time(plan(), []) is None
