import json
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.jsonstat import Remark, Table, Unit, read_table
from loaders.source import BrokenSourceError

Json = dict[str, Any]
PLACE = "TAB1"


def answer(**changes: Any) -> Json:
    body: Json = {
        "version": "2.0",
        "class": "dataset",
        "label": "Folkmängd",
        "source": "SCB",
        "updated": "2025-02-21T07:00:00Z",
        "id": ["Region", "Tid"],
        "size": [2, 3],
        "dimension": {
            "Region": {"category": {"index": {"0880": 1, "08": 0}, "label": {"08": "Kalmar län"}}},
            "Tid": {"category": {"index": ["2022", "2023", "2024"]}},
        },
        "value": [1, 2.5, None, 4, 5, 6],
    }
    return {**body, **changes}


def read(body: Json | bytes) -> Table:
    return read_table(body if isinstance(body, bytes) else json.dumps(body).encode(), PLACE)


def refused(reason: str, **changes: Any) -> None:
    with pytest.raises(BrokenSourceError, match=reason):
        read(answer(**changes))


def with_dimension(**changes: Any) -> Json:
    dimensions = answer()["dimension"]
    return {**dimensions, "Region": {**dimensions["Region"], **changes}}


def with_category(**changes: Any) -> Json:
    return with_dimension(category={**answer()["dimension"]["Region"]["category"], **changes})


def test_the_positions_of_an_index_decide_the_order_and_not_where_a_code_stands() -> None:
    table = read(answer())

    assert [dimension.codes for dimension in table.dimensions] == [("08", "0880"), ("2022", "2023", "2024")]
    assert (table.size, table.values) == ((2, 3), (1, 2.5, None, 4, 5, 6))


def test_an_object_of_values_is_the_same_as_a_list_of_them() -> None:
    sparse = {"0": 1, "1": 2.5, "3": 4, "4": 5, "5": 6}

    assert read(answer(value=sparse)) == read(answer())


def test_a_sparse_cell_may_say_that_it_has_nothing() -> None:
    assert read(answer(value={"0": None, "5": 6})).values == (None, None, None, None, None, 6)


def test_a_status_may_be_one_text_a_list_a_list_of_one_or_an_object() -> None:
    every = dict.fromkeys(range(6), "p")

    assert read(answer()).statuses == {}
    assert read(answer(status="p")).statuses == every
    assert read(answer(status=["p"])).statuses == every
    assert read(answer(status=[None, None, "..", None, None, "p"])).statuses == {2: "..", 5: "p"}
    assert read(answer(status={"2": "..", "5": None})).statuses == {2: ".."}


def test_a_single_category_needs_no_index() -> None:
    body = answer(
        id=["Tid"],
        size=[1],
        value=[7],
        dimension={"Tid": {"category": {"label": {"2024": "2024"}}}},
    )

    assert read(body).dimensions[0].codes == ("2024",)


def test_units_and_children_of_categories_are_kept() -> None:
    unit = {"08": {"base": "antal", "decimals": 0, "position": "end"}}
    region = read(answer(dimension=with_category(unit=unit, child={"08": ["0880"]}))).dimensions[0]

    assert region.units == {"08": Unit(base="antal", decimals=0, position="end")}
    assert (region.children, region.labels) == ({"08": ("0880",)}, {"08": "Kalmar län"})


def test_every_note_says_what_it_is_about_and_whether_it_must_be_shown() -> None:
    region = with_category(note={"0880": ["Delad kommun", "Ny gräns"]})["Region"]
    region["note"] = ["Enligt indelningen"]
    region["extension"] = {"noteMandatory": {"0": True}, "categoryNoteMandatory": {"0880": {"1": True}}}
    body = answer(
        note=["Brus", "Mer att läsa"],
        extension={"noteMandatory": {"0": True}},
        dimension={**answer()["dimension"], "Region": region},
    )

    assert read(body).remarks == (
        Remark(text="Brus", mandatory=True),
        Remark(text="Mer att läsa", mandatory=False),
        Remark(text="Enligt indelningen", mandatory=True, dimension="Region"),
        Remark(text="Delad kommun", mandatory=False, dimension="Region", code="0880"),
        Remark(text="Ny gräns", mandatory=True, dimension="Region", code="0880"),
    )


def test_what_pxweb_adds_is_read_and_what_others_add_is_passed_over() -> None:
    extension = {"elimination": True, "codelists": [{"id": "vs_Län", "type": "Valueset"}], "show": "value"}
    body = answer(
        dimension=with_dimension(extension=extension),
        extension={"px": {"tableid": "TAB1", "decimals": 0}, "contact": "a@example.se"},
    )
    table = read(body)

    assert (table.id, table.dimensions[0].eliminable) == ("TAB1", True)
    assert table.dimensions[0].codelists == ("vs_Län",)


def test_metadata_tells_full_sizes_and_no_value() -> None:
    body = json.dumps(answer(value=[])).encode()

    assert read_table(body, PLACE, described_only=True).size == (2, 3)
    with pytest.raises(BrokenSourceError, match="0 values for 6 cells"):
        read_table(body, PLACE)


def test_values_that_do_not_fill_the_table_are_refused() -> None:
    refused("5 values for 6 cells", value=[1, 2, 3, 4, 5])
    refused("7 values for 6 cells", value=[1, 2, 3, 4, 5, 6, 7])
    refused("cell 6 of 6", value={"6": 1})
    refused("cell -1 of 6", value={"-1": 1})
    refused("2 statuses for 6 cells", status=["..", ".."])
    refused("cell 9 of 6", status={"9": ".."})


def test_an_answer_that_contradicts_itself_is_refused() -> None:
    refused("2 categories of Region and says 3", size=[3, 3])
    refused("names dimensions", size=[2])
    refused("names dimensions", id=["Tid", "Tid"], size=[3, 3])
    refused("does not describe its dimension Kon", id=["Region", "Kon"])
    refused("without gaps", dimension=with_category(index={"08": 0, "0880": 2}))
    refused("a category twice", dimension=with_category(index=["08", "08"]))
    refused("no index", dimension=with_category(index=None, label={"08": "län", "0880": "kommun"}))
    refused("gives the role time to Ar", role={"time": ["Ar"]})
    refused("neither a number nor a text", value=[1, 2, 3, 4, 5, [6]])


def test_a_sparse_answer_that_claims_more_cells_than_memory_is_refused() -> None:
    codes = [str(code) for code in range(300)]
    names = ["A", "B", "C"]
    dimension = {name: {"category": {"index": codes}} for name in names}

    refused("claims 27000000 cells", id=names, size=[300, 300, 300], dimension=dimension, value={"0": 1})


@pytest.mark.parametrize("kind", ["collection", "dimension"])
def test_only_datasets_are_read(kind: str) -> None:
    refused(f"is a JSON-stat {kind}, not a dataset", **{"class": kind})


def test_json_stat_1_is_refused_by_its_name() -> None:
    with pytest.raises(BrokenSourceError, match="JSON-stat 1 is another format"):
        read({"dataset": {"dimension": {"id": ["Tid"], "size": [1]}, "value": [1]}})
    refused("JSON-stat 1 is another format", version="1.3")


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"class": "dataset"', b"[]", b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenSourceError, match=f"{PLACE}: is no"):
        read(body)


def test_a_byte_order_mark_is_no_part_of_the_answer() -> None:
    assert read(b"\xef\xbb\xbf" + json.dumps(answer()).encode()) == read(answer())


def test_a_number_with_more_digits_than_can_be_kept_is_refused() -> None:
    written = json.dumps(answer()).replace("2.5", "0.12345678901234567890").encode()

    with pytest.raises(BrokenSourceError, match="more digits than can be kept"):
        read(written)


@given(st.lists(st.decimals(-(10**6), 10**6, allow_nan=False, places=3), min_size=6, max_size=6))
def test_the_digits_of_a_number_stay_as_they_were_written(numbers: list[Any]) -> None:
    written = ", ".join(map(str, numbers))
    body = json.dumps(answer(value=["X"])).replace('["X"]', f"[{written}]").encode()

    assert [float(number) for number in numbers] == list(read(body).values)


@given(st.lists(st.none() | st.integers(0, 9), min_size=6, max_size=6), st.permutations([0, 1]))
def test_all_forms_of_one_table_read_the_same(values: list[int | None], order: list[int]) -> None:
    codes = [["08", "0880"][at] for at in order]
    as_object = with_category(index={code: at for at, code in enumerate(codes)})
    sparse = {str(at): value for at, value in enumerate(values) if value is not None}

    dense = read(answer(value=values, dimension=with_category(index=codes)))
    assert read(answer(value=sparse, dimension=as_object)) == dense


@pytest.mark.shared
def test_every_official_sample_is_read_or_refused_by_what_it_is(shared: Path) -> None:
    samples = sorted((shared / "real/scb/jsonstat_samples").glob("*.json"))
    refusals = {}
    for sample in samples:
        try:
            table = read_table(sample.read_bytes(), sample.name)
        except BrokenSourceError as error:
            refusals[sample.name] = str(error)
        else:
            assert len(table.values) == prod(table.size)

    assert len(samples) == 8
    assert refusals.keys() == {"collection.json", "pyjstat_statswe_v1x.json"}
    assert "is a JSON-stat collection" in refusals["collection.json"]
    assert "JSON-stat 1" in refusals["pyjstat_statswe_v1x.json"]


@pytest.mark.shared
def test_the_samples_read_as_their_own_pages_show_them(shared: Path) -> None:
    folder = shared / "real/scb/jsonstat_samples"
    order, canada, oecd = (
        read_table((folder / f"{name}.json").read_bytes(), name) for name in ("order", "canada", "oecd")
    )

    assert (order.size, order.values[:5]) == ((3, 2, 4), ("A1B1C1", "A1B1C2", "A1B1C3", "A1B1C4", "A1B2C1"))
    assert set(canada.statuses.values()) == {"a"}
    assert len(canada.statuses) == 120
    assert canada.dimensions[3].units["PERCENT"] == Unit(symbol="%", decimals=1)
    assert (oecd.values[0], len(oecd.statuses)) == (5.943826289, 72)


@pytest.mark.shared
def test_scbs_recorded_answers_are_read_with_their_mandatory_notes(shared: Path) -> None:
    folder = shared / "real/scb/recorded_v2"
    told = read_table((folder / "TAB6471_metadata.json").read_bytes(), "metadata", described_only=True)
    table = read_table((folder / "TAB6471_data.json").read_bytes(), "data")

    assert (told.size, told.id) == ((312, 134, 3, 1, 16), "TAB6471")
    assert (len(table.values), table.size) == (2772, (21, 11, 3, 1, 4))
    assert [(remark.dimension, remark.mandatory) for remark in table.remarks] == [
        *[("", True)] * 4,
        ("Alder", True),
    ]
