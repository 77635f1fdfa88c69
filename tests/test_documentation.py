import json
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import httpx
import msgspec
import pytest

from datasets.catalogue import Dataset, Dimension, Indicator, Note, SeriesBreak
from datasets.checks import CHECKS, Bounds
from datasets.publish import publish
from datasets.settings import Settings
from datasets.statuses import ABSENT, LEGEND, REMOVED
from datasets.store import Store
from datasets.units import units
from datasets.vocabulary import Sex, Source, Text
from loaders import deliveries
from loaders.catalogue import catalogue_files, read_listed
from loaders.corrections import Correction
from loaders.delivery_rows import Labels, Table
from loaders.kinds import KINDS, read_file
from loaders.lupp_counts import Answers, Question, Rate
from loaders.metadata import Form
from loaders.tidy import OPTIONAL, REQUIRED
from tests.conftest import ROOT, Server

DOCS = ROOT / "docs"
EXAMPLES = DOCS / "handover"
FAULTY = "exempel-fel.toml"
README = (ROOT / "README.md").read_text("utf-8")
HANDOVER = (DOCS / "handover.md").read_text("utf-8")
NIGHTLY = (DOCS / "nightly.md").read_text("utf-8")
VERSIONS = (DOCS / "versions.md").read_text("utf-8")
PAGES = [README, HANDOVER, NIGHTLY, VERSIONS, (ROOT / "CHANGELOG.md").read_text("utf-8")]
LOCAL = "http://127.0.0.1:8000"
COMMAND = ".venv/bin/python "
FORMS: dict[str, type[msgspec.Struct]] = {
    "Överst / At the top": Form,
    "`[dataset]`": Dataset,
    "`[[indicator]]`": Indicator,
    "`[indicator.breakdowns.NAMN]`": Dimension,
    "`[[indicator.breaks]]`": SeriesBreak,
    "`[[indicator.notes]]`": Note,
    "`[table]` (delivery)": Table,
    "`[table.dimensions.NAMN]`": Labels,
    "`[indicator.load]` (delivery)": deliveries.Load,
    "`[answers]` (lupp)": Answers,
    "`rate` i `[answers]` / `rate` in `[answers]`": Rate,
    "`[indicator.load]` (lupp)": Question,
    "Text": Text,
}
Blocks = list[tuple[str, str]]


def _section(page: str, heading: str) -> str:
    return re.split(r"^#{2,3} ", page.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _rows(page: str, heading: str) -> list[list[str]]:
    lines = [line for line in _section(page, heading).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def _blocks(page: str) -> Blocks:
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def _commands(page: str) -> Iterator[tuple[str, str]]:
    """Each command of ours with the output that the page shows below it."""
    blocks = _blocks(page)
    for (kind, text), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "bash" and text.startswith(COMMAND) and next_kind == "text":
            yield text.removeprefix(COMMAND).strip(), shown


def _addresses(page: str) -> list[str]:
    return re.findall(rf"['`](?:{LOCAL})?(/api/v1/[^'`\s{{]+)['`]", page)


@pytest.mark.parametrize("name", sorted({path.name for path in EXAMPLES.glob("*.toml")} - {FAULTY}))
def test_an_example_of_a_hand_over_has_no_fault(name: str) -> None:
    draft = read_file(EXAMPLES / name)

    assert draft.dataset.id == name.removesuffix(".toml")
    assert "påhittade" in draft.dataset.title.sv


def test_every_kind_of_absence_stands_in_the_examples() -> None:
    drafts = [read_file(path) for path in EXAMPLES.glob("*.toml") if path.name != FAULTY]
    figures = [figure for draft in drafts for cube in draft.cubes.values() for figure in cube]

    assert {figure.status for figure in figures} == {
        None,
        *(sign.code for sign in LEGEND if sign.kind == "status" and sign.code not in {ABSENT, REMOVED}),
    }
    assert 0 in {figure.value for figure in figures}


def test_the_page_shows_every_example_as_it_is() -> None:
    files = {
        (path.suffix.removeprefix("."), path.read_text("utf-8"))
        for path in EXAMPLES.iterdir()
        if path.suffix in {".toml", ".csv"}
    }

    assert files == {(kind, text) for kind, text in _blocks(HANDOVER) if kind in {"toml", "csv"}}


def test_the_page_shows_the_workbook_as_it_is() -> None:
    shown = _rows(HANDOVER, "Personer: arbetsbok med tröskelvärde / Persons: a workbook with a threshold")
    draft = read_file(EXAMPLES / "exempel-arbetsbok.toml")
    figures = {
        (name, figure.municipality, figure.sex, str(figure.year)): (figure.value, figure.status, figure.count)
        for name, cube in draft.cubes.items()
        for figure in cube
    }

    assert figures == {
        (name, place, sex, year): (
            float(value) if value else None,
            status or None,
            int(count) if count else None,
        )
        for name, place, sex, year, value, status, count in shown
    }


def test_the_page_shows_the_shares_that_the_lupp_example_becomes() -> None:
    rows = _rows(HANDOVER, "Ungdomsenkäten LUPP / The youth survey LUPP (`lupp`)")
    (cube,) = read_file(EXAMPLES / "lupp-exempel.toml").cubes.values()
    made = [
        [
            *(figure.municipality, figure.sex, dict(figure.breakdown.parts)["stage"], str(figure.value)),
            *((str(figure.interval.low), str(figure.interval.high)) if figure.interval else ()),
            *(str(figure.count), ";".join(figure.flags)),
        ]
        for figure in cube
    ]

    assert rows == made


def test_the_page_names_every_kind_of_file() -> None:
    rows = HANDOVER.partition("## Så gör du")[0].splitlines()
    shown = [row.split("`")[1] for row in rows if row.startswith("| `") and not row.startswith("| `kind`")]

    assert shown == [*KINDS]


@pytest.mark.parametrize(("page", "number"), [(README, 1), (HANDOVER, 2)], ids=["README", "handover"])
def test_a_command_says_what_the_page_says(page: str, number: int) -> None:
    commands = list(_commands(page))
    said = {}
    for command, _ in commands:
        words = [sys.executable, *command.split()]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        said[command] = done.stdout + done.stderr

    assert said == dict(commands)
    assert len(commands) == number


def test_the_faulty_example_is_refused() -> None:
    words = [sys.executable, "-m", "loaders", "handover", str(EXAMPLES / FAULTY)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1


@pytest.mark.parametrize("heading", FORMS)
def test_the_tables_name_every_field_of_a_form_and_no_other(heading: str) -> None:
    fields = msgspec.structs.fields(FORMS[heading])
    shown = {row[0].strip("`"): row[1].startswith("ja") for row in _rows(HANDOVER, heading)}

    assert shown == {field.encode_name: field.required for field in fields}


def test_the_table_of_columns_names_every_column_and_no_other() -> None:
    rows = _rows(HANDOVER, "Kolumner i tabellen / Columns of the table")
    shown = {row[0].strip("`"): row[1].startswith("ja") for row in rows if len(row) == len(rows[0])}

    assert shown == dict.fromkeys(REQUIRED, True) | dict.fromkeys(OPTIONAL, False)


def test_the_page_names_every_code_that_a_hand_over_may_hold() -> None:
    codes = [
        *units(),
        *Source,
        *Sex,
        *(sign.code for sign in LEGEND if sign.code not in {ABSENT, REMOVED}),
        *(
            code
            for form, name in ((Dataset, "theme"), (Dataset, "updateFrequency"), (Indicator, "polarity"))
            for code in _choices(form, name)
        ),
    ]

    assert [code for code in codes if f"`{code}`" not in HANDOVER] == []


def _choices(form: type[Dataset | Indicator], name: str) -> list[str]:
    schema = msgspec.json.schema(form)["$defs"][form.__name__]["properties"][name]
    offered = schema.get("enum") or [code for one in schema["anyOf"] for code in one.get("enum", ())]
    return [code for code in offered if code]


def test_the_page_on_the_night_names_every_check_and_bound() -> None:
    checks = [row[0].strip("`") for row in _rows(NIGHTLY, "Checks")]
    bounds = {row[0].strip("`"): row[1].strip("`") for row in _rows(NIGHTLY, "Bounds")}
    usual = {
        field.encode_name: "{}"
        if field.default is msgspec.NODEFAULT
        else str("none" if field.default in {None, ()} else field.default).lower()
        for field in msgspec.structs.fields(Bounds)
    }

    assert checks == [*CHECKS]
    assert bounds == usual


def test_the_page_on_the_night_names_every_dataset_of_the_catalogue() -> None:
    listed = [read_listed(path) for path in catalogue_files()]
    shown = [(row[0].strip("`"), row[1].strip("`")) for row in _rows(NIGHTLY, "What a night loads")]

    assert shown == [(one.plan.dataset.id, one.source) for one in listed]


def test_the_page_on_the_night_quotes_the_catalogue_as_it_is() -> None:
    files = [path.read_text("utf-8") for path in catalogue_files()]
    quoted = [text for kind, text in _blocks(NIGHTLY) if kind == "toml"]
    corrections = [text for text in quoted if text.startswith("[[correction]]")]

    assert [
        text for text in quoted if text not in corrections and not any(text in one for one in files)
    ] == []
    assert len(corrections) == 1
    assert msgspec.toml.decode(corrections[0], type=dict[str, list[Correction]])


def test_the_page_on_the_night_names_every_option() -> None:
    words = [sys.executable, "-m", "loaders", "nightly", "--help"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    shown = {re.split(r"[` ]", row[0].strip("`"))[0] for row in _rows(NIGHTLY, "Options")}

    assert shown == {*re.findall(r"--[a-z-]+", told)} - {"--help"}


def test_versions_follow_as_the_page_tells(
    in_store: Callable[[Callable[[Store], Coroutine[Any, Any, str]]], str], tmp_path: Path
) -> None:
    for ending in ("toml", "csv"):
        copy(EXAMPLES / f"exempel-enkel.{ending}", tmp_path)
    edits = [
        ("csv", "", ""),
        ("csv", "", ""),
        ("csv", "0880,total,2024,7,", "0880,total,2024,8,"),
        ("csv", "0880,total,2025,,missing", "0880,total,2025,6,"),
        ("toml", 'attribution = "Källa: ', 'attribution = "Uppgifter: '),
        ("csv", "0880,total,2024", "0834,total,2026,1,\n0880,total,2024"),
        ("csv", "0834,total,2024,2,\n", ""),
        ("toml", "som var öppna", "som hade öppet"),
    ]

    async def hand_over_again_and_again(store: Store) -> str:
        versions: list[str] = []
        for ending, before, after in edits:
            path = tmp_path / f"exempel-enkel.{ending}"
            assert before in path.read_text("utf-8")
            path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
            outcome = await publish(store, read_file(tmp_path / "exempel-enkel.toml"))
            versions.append(str(outcome.release.version) if outcome.release else versions[-1])
        return " ".join(versions)

    shown = " ".join(row[-1] for row in _rows(VERSIONS, "Ett exempel / An example"))

    assert in_store(hand_over_again_and_again) == shown


def test_every_address_on_a_page_answers(server: Server) -> None:
    addresses = {address for page in PAGES for address in _addresses(page)}
    statuses = {address: httpx.get(server.url + address).status_code for address in addresses}

    assert statuses == {address: 400 if "=880" in address else 200 for address in addresses}
    assert len(addresses) >= 4


def test_the_first_question_in_python_prints_what_the_page_shows(server: Server) -> None:
    blocks = _blocks(README)
    kinds = [kind for kind, _ in blocks]
    at = kinds.index("python")
    program = blocks[at][1].replace(LOCAL, server.url)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert kinds[at + 1] == "text"
    assert done.stdout == blocks[at + 1][1]


def test_the_answer_that_the_page_explains_is_the_answer(server: Server) -> None:
    shown = json.loads(next(text for kind, text in _blocks(README) if kind == "json"))
    asked = next(address for address in _addresses(README) if "fohm-riskspelande" in address)
    answer = httpx.get(server.url + asked).json()
    del answer["_links"]
    for one in (shown, answer):
        one["_meta"]["datasets"][0].pop("publishedAt")
        one["_meta"].pop("citation", None)  # names the server and the moment of this run

    assert answer == shown


def test_every_setting_that_the_page_names_exists() -> None:
    shown = [name for row in _rows(README, "Settings") for name in re.findall(r"LANSDATA_(\w+)", row[0])]

    assert {name.lower() for name in shown} <= set(Settings.__struct_fields__)
    assert shown


def test_every_link_between_the_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")]
    links = [
        (page, target.partition("#")[0])
        for page in pages
        for target in re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", page.read_text("utf-8"))
    ]

    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []
    assert links


def test_the_licence_is_the_whole_eupl() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")

    assert text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert re.findall(r"^(\d+)\.[A-Z]", text, flags=re.MULTILINE) == [str(number) for number in range(1, 16)]
    assert re.search(r"^ *Appendix$", text, flags=re.MULTILINE)
