import csv
import io

import numpy as np
import pyarrow as pa
from hypothesis import given as each
from hypothesis import strategies as st

from datasets.canonical import HEADER, canonical_csv
from datasets.cube import Cube, cube_from
from datasets.rows import rendered
from datasets.stored import packed, unpacked
from datasets.tabular import CSV_HEADER, SCHEMA, csv_rows, ndjson_rows, record_batch, some_of
from tests.given import cube, figure, observations

CUBES = observations().map(cube_from)


@each(CUBES)
def test_csv_rows_are_the_canonical_lines_with_the_indicator_in_front(some: Cube) -> None:
    lines = canonical_csv(some).splitlines(keepends=True)

    assert f"indicator,{HEADER}\n".encode() == CSV_HEADER
    assert bytes(csv_rows("N1", some)) == b"".join(b"N1," + line for line in lines[1:])


@each(CUBES)
def test_ndjson_rows_are_the_rows_of_an_answer(some: Cube) -> None:
    rows = rendered("N1", some, np.arange(len(some)))

    assert bytes(ndjson_rows("N1", some)) == b"".join(row + b"\n" for row in rows)
    assert bytes(ndjson_rows("N1", unpacked(*packed(some)))) == b"".join(row + b"\n" for row in rows)


@each(CUBES, st.data())
def test_some_figures_of_a_cube_are_told_as_they_are_in_the_whole(some: Cube, data: st.DataObject) -> None:
    chosen = sorted(data.draw(st.sets(st.integers(0, max(len(some) - 1, 0)), max_size=len(some))))
    part = some_of(some, np.array(chosen, np.int64))

    lines = bytes(csv_rows("N1", some)).splitlines(keepends=True)
    assert bytes(csv_rows("N1", part)) == b"".join(lines[at] for at in chosen)
    assert record_batch("N1", part).to_pylist() == [record_batch("N1", some).to_pylist()[at] for at in chosen]


@each(CUBES)
def test_the_table_holds_what_the_csv_says_and_null_where_it_says_nothing(some: Cube) -> None:
    table = record_batch("N1", some)
    read = list(csv.DictReader(io.StringIO((CSV_HEADER + bytes(csv_rows("N1", some))).decode())))

    assert table.schema == SCHEMA
    for row, told in zip(table.to_pylist(), read, strict=True):
        assert {name for name, value in row.items() if value is None} == {n for n, t in told.items() if not t}
        for name in ("value", "low", "high"):
            assert row[name] is None or row[name] == float(told[name])
        for name in SCHEMA.names:
            if name not in {"value", "low", "high"}:
                assert str(row[name] or "") == told[name] or str(row[name]) == told[name]


def test_a_cube_without_figures_has_no_rows() -> None:
    none = cube_from(())

    assert bytes(csv_rows("N1", none)) == bytes(ndjson_rows("N1", none)) == b""
    assert record_batch("N1", none).num_rows == 0


def test_batches_of_several_indicators_make_one_table() -> None:
    table = pa.Table.from_batches([record_batch(name, cube(figure(value=1))) for name in ("A1", "B1")])

    assert table.column("indicator").to_pylist() == ["A1", "B1"]
