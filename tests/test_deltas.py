import gzip
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given as each
from hypothesis import settings

from datasets.catalogue import canonical_metadata, dataset_of, indicator_of
from datasets.change_rows import Published
from datasets.changes import Counts, Version
from datasets.compositions import Told, composed_files
from datasets.cube import Cube, cube_from
from datasets.deflated import GZIP_HEAD, plain_of
from datasets.files import CSV, JSON, NDJSON, PARQUET, XLSX, Made, Piece, parts_of
from datasets.ledger import Draft, Release
from datasets.portions import portion_of
from datasets.shelf import Folder, new_pack
from datasets.store import Store
from datasets.vocabulary import (
    Breakdown,
    Flag,
    Interval,
    MunicipalityCode,
    Observation,
    Period,
    Sex,
    Status,
    Text,
    Year,
)
from tests.conftest import fresh_database
from tests.given import dataset, indicator, keys, observed
from tests.kept import baked, whole_files, with_files
from tests.test_taking_back import everything, restored

Files = dict[str, bytes]
FORMS = (CSV, NDJSON, JSON, PARQUET, XLSX)
_numbers = itertools.count()
State = dict[str, Any]


@pytest.fixture(scope="module")
def ledger(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    with fresh_database(cluster) as address:
        yield address, tmp_path_factory.mktemp("files")


@st.composite
def versions(draw: st.DrawFn) -> list[Draft]:
    """Versions of one dataset: figures come, change and go, and so do indicators, titles and units."""
    number = next(_numbers)
    pool = draw(st.lists(keys(), unique=True, min_size=1, max_size=5))
    made = []
    for _ in range(draw(st.integers(2, 4))):
        names = draw(st.lists(st.sampled_from(["A", "B"]), unique=True, max_size=2))
        cubes, told = {}, {}
        for name in names:
            chosen = draw(st.lists(st.sampled_from(pool), unique=True, min_size=1))
            cubes[f"d{number}-{name}"] = cube_from([draw(observed(key)) for key in chosen])
            title, unit = (
                draw(st.sampled_from(["Andel", "Del"])),
                draw(st.sampled_from(["percent", "number"])),
            )
            told[f"d{number}-{name}"] = indicator(f"d{number}-{name}", title=Text(title), unit=unit)
        publisher = draw(st.sampled_from(["Regionen", "Länet"]))
        about = dataset(f"d{number}", publisher=publisher)
        made.append(
            Draft(dataset=about, indicators=told, cubes=cubes, note=draw(st.sampled_from(["", "Nytt"])))
        )
    return made


@each(versions())
@settings(max_examples=int(os.environ.get("LANSDATA_EXAMPLES", "6")), deadline=None)
def test_files_and_changes_give_the_next_files_to_the_byte_and_files_alone_the_database(
    cluster: str, ledger: tuple[str, Path], drafts: list[Draft]
) -> None:
    outcomes = baked(*ledger, *drafts)
    if any(one.release for one in outcomes):
        assert restored(cluster, ledger[1], everything) == with_files(*ledger, everything)

    async def read(store: Store) -> list[Files]:
        return [await whole_files(store, one.release) for one in outcomes if one.release]

    told = with_files(*ledger, read)
    state: State = {}
    for at, files in enumerate(told):
        # from the second on, the state is what the files of the version before say
        state = applied(state_of(told[at - 1]) if at else {}, gunzipped(files["changes.ndjson.gz"]))
        assert rebuilt(state, files["changes.ndjson.gz"], ledger[1]) == files


def gunzipped(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def state_of(files: Files) -> State:
    """Return the definitions and the figures that the files of a version tell."""
    about = json.loads(files["indicators.json"])
    figures: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in gunzipped(files["observations.ndjson.gz"]):
        figures[key_of(row)] = row
    return {
        "dataset": shown(dataset_of(msgspec.json.encode(about["dataset"]))),
        "indicators": {
            one["id"]: shown(indicator_of(msgspec.json.encode(one))) for one in about["indicators"]
        },
        "figures": figures,
    }


def shown(told: Any) -> dict[str, Any]:
    """Return a definition as people, and the changes, read it."""
    read: dict[str, Any] = msgspec.to_builtins(told)
    return read


def key_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    parts = Breakdown.of(row.get("breakdown", {})).text
    return row["indicator"], row["municipality"], row["sex"], str(row["year"]), parts


def applied(state: State, changes: list[dict[str, Any]]) -> State:
    """Return *state* with *changes* made, by nothing but what they say."""
    about = dict(state.get("dataset", {}))
    indicators = {name: dict(one) for name, one in state.get("indicators", {}).items()}
    figures = dict(state.get("figures", {}))
    for change in changes[1:]:
        if change["change"] == "removed":
            del figures[key_of(change)]
        elif change["change"] in {"added", "revised"}:
            own = {name: change[name] for name in ("indicator", "municipality", "sex", "year")}
            own |= {"breakdown": change["breakdown"]} if "breakdown" in change else {}
            figures[key_of(change)] = own | change["after"]
        elif "dataset" in change:
            about = changed_definition(about, change, "dataset") or {}
        else:
            name = change["indicator"]
            after = changed_definition(indicators.pop(name, {}), change, "indicator")
            indicators |= {name: after} if after is not None else {}
    return {"release": changes[0], "dataset": about, "indicators": indicators, "figures": figures}


def changed_definition(told: dict[str, Any], change: dict[str, Any], whole: str) -> dict[str, Any] | None:
    if change["field"] == whole:
        after: dict[str, Any] | None = change["after"]
        return after
    left = {name: value for name, value in told.items() if name != change["field"]}
    return left | ({change["field"]: change["after"]} if change["after"] is not None else {})


def rebuilt(state: State, changes: bytes, folder: Path) -> Files:
    """Return the files of the version that *state* is."""
    about = msgspec.convert(state["dataset"], type(dataset()))
    definitions = {n: msgspec.convert(one, type(indicator())) for n, one in state["indicators"].items()}
    cubes: dict[str, Cube] = {
        name: cube_from([observation(row) for row in state["figures"].values() if row["indicator"] == name])
        for name in definitions
    }
    with new_pack(Folder(folder), 1) as pack:
        made = []
        for name in sorted(definitions):
            portion = portion_of(None, Published(definitions[name], cubes[name]), FORMS)
            pieces = {form: pack.add(*one) for form, one in portion.forms.items()}
            foot = portion.parquet_foot
            made.append(Made(rows=portion.rows, csv_size=portion.csv_size, pieces=pieces, parquet_foot=foot))
        within = changes[len(GZIP_HEAD) : -10]
        told = Told(
            release=release_of(state, canonical_metadata(about)),
            about=about,
            definitions=[canonical_metadata(definitions[name]) for name in sorted(definitions)],
            made=made,
            changes=[pack.add(within, plain_of(gzip.decompress(changes)))],
            has_sheet=True,
        )

        def read(piece: Piece) -> bytes:
            return pack.read(piece)

        return {
            file.name: b"".join(one if isinstance(one, bytes) else read(one) for one in parts_of(file, made))
            for file in composed_files(pack, read, told)
        }


def release_of(state: State, body: bytes) -> Release:
    told = state["release"]
    return Release(
        number=told["release"],
        dataset=told["dataset"],
        version=Version.parse(told["version"]),
        published_at=datetime.fromisoformat(told["publishedAt"]),
        source_time=None,
        note=told["note"],
        fingerprint=bytes.fromhex(told["fingerprint"]),
        dataset_sha256=body[:0],
        counts=msgspec.convert(told["counts"], Counts),
    )


def observation(row: Mapping[str, Any]) -> Observation:
    period = None
    if "periodStart" in row:
        period = Period(date.fromisoformat(row["periodStart"]), date.fromisoformat(row["periodEnd"]))
    return Observation(
        municipality=MunicipalityCode(row["municipality"]),
        sex=Sex(row["sex"]),
        year=Year(row["year"]),
        period=period,
        breakdown=Breakdown.of(row.get("breakdown", {})),
        value=None if row["value"] is None else float(row["value"]),
        status=Status(row["status"]) if "status" in row else None,
        flags=frozenset(map(Flag, row.get("flags", ()))),
        interval=Interval(float(row["low"]), float(row["high"])) if "low" in row else None,
        count=row.get("count"),
    )
