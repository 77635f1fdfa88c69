"""The LUPP hand-over as counts: one row a combination, every word known, nothing guessed.

The file is confidential: no count of it stands in a fault, a log line or an error.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from datasets.closest import closest
from datasets.errors import Fault, FaultyFileError
from datasets.vocabulary import MunicipalityCode, Sex
from loaders.grids import Cell, Header, header_of, read_grids, text_of
from loaders.sav import read_sav

YEAR, STAGE, SEX, HOME, SCHOOL = "År", "Undersökning", "Kön", "Boendekommun", "Skolkommun"
QUESTION, WORDING, ANSWER, NUMBER = "ID", "Fraga", "Svar", "antal"
COLUMNS = (YEAR, STAGE, SEX, HOME, SCHOOL, QUESTION, WORDING, ANSWER, NUMBER)
UNANSWERED = ("", "Har inte besvarat frågan", "_bortfall_")
_NUMBER = re.compile(r"([1-9][0-9]{0,6})(?:[.,]0+)?", re.ASCII)
_YEAR = re.compile(r"20[0-9]{2}", re.ASCII)

Place = Literal["home", "school"]
_T = TypeVar("_T")


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of those asked answered, in percent."""

    year: int
    stage: str
    municipality: str
    percent: Annotated[float, Meta(ge=0, le=100)]


class Answers(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The `[answers]` table: what the words of the hand-over mean, and which sexes are shown."""

    names: dict[str, str]
    stages: dict[str, str]
    sexes: dict[str, Sex]
    shown: tuple[Sex, ...]
    """The total among them comes from all rows, also those of other sexes and of none."""
    outside: tuple[str, ...] = ()
    """Names of places outside the area of the hand-over, whose pupils are counted nowhere."""
    county: str = ""
    """The county whose own figure is made too, from the pupils of its municipalities."""
    unanswered: tuple[str, ...] = UNANSWERED
    ignored: tuple[str, ...] = ()
    """Ids of questions in the file that no indicator is made of."""
    rate: tuple[Rate, ...] = ()
    low_rate: Annotated[float, Meta(ge=0, le=100)] | None = None
    """The response rate in percent under which a figure is of low reliability."""


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `load` of an indicator: the question, the answers that count and those that do not, and where."""

    question: str | tuple[str, ...] = ()
    """Its id, or its ids in different rounds; without one it is known by its wording alone."""
    wordings: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Every wording that is this question; ids move to other questions between rounds."""
    chosen: tuple[str, ...]
    others: tuple[str, ...]
    place: Place
    optional: bool = False
    """Whether a file may lack the question; its indicator is left out then."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids that it has in the file."""
        return (self.question,) if isinstance(self.question, str) else self.question

    @property
    def name(self) -> str:
        """Return what tells it from other questions: its first id, or its first wording."""
        return (*self.ids, *self.wordings)[0]


class Count(Struct, frozen=True, kw_only=True):
    """A number of pupils; `answer` is None for no answer to the question, a place for none or outside."""

    year: int
    stage: str
    sex: Sex | None
    home: MunicipalityCode | None
    school: MunicipalityCode | None
    question: str
    """The `name` of the question."""
    answer: str | None
    number: int


def read_counts(path: Path, sheet: str, answers: Answers, questions: Iterable[Question]) -> list[Count]:
    """Return the counts in *path*; raises FaultyFileError with everything in it that is not known."""
    grids = [read_sav(path)] if path.suffix.lower() == ".sav" else read_grids(path, sheet)
    header = header_of(path, grids, COLUMNS)
    reader = _Reader(path.name, header, answers, questions)
    counts = reader.read()
    if reader.faults:
        raise FaultyFileError(reader.faults)
    return counts


class _UnknownError(Exception):
    """A word that nobody declared; told already."""


class _Reader:
    """Reads the rows and collects what is wrong with them."""

    def __init__(self, file: str, header: Header, answers: Answers, questions: Iterable[Question]) -> None:
        self.file = file
        self.header = header
        self.faults: list[Fault] = []
        self._told: set[tuple[str, str, str]] = set()
        self._lines: dict[tuple[str, ...], int] = {}
        self._stages = answers.stages
        self._sexes: dict[str, Sex | None] = {**answers.sexes, "": None}
        known = {name: MunicipalityCode(code) for name, code in answers.names.items()}
        self._places: dict[str, MunicipalityCode | None] = {**known, **dict.fromkeys((*answers.outside, ""))}
        self._ignored = answers.ignored
        self._asked: dict[str, dict[str, str]] = {}
        """By each id, the name of the question for each of its wordings."""
        self._known_by_wording: dict[str, str] = {}
        self._answers: dict[str, dict[str, str | None]] = {}
        for one in questions:
            named = dict.fromkeys(one.wordings, one.name)
            for name in one.ids:
                self._asked.setdefault(name, {}).update(named)
            if not one.ids:
                self._known_by_wording |= named
            self._answers.setdefault(one.name, {**dict.fromkeys(answers.unanswered)}).update(
                {text: text for text in (*one.chosen, *one.others)}
            )

    def read(self) -> list[Count]:
        """Return a count for every row of a question that is used."""
        grid, first = self.header.grid, self.header.body
        strangers = [text for text in map(text_of, grid.rows[first - 1]) if text and text not in COLUMNS]
        for name in strangers:
            self._tell(grid.lines[first - 1], "", name, "is no column of the hand-over", COLUMNS)
        rows = zip(grid.rows[first:], grid.lines[first:], strict=True)
        found = [self._count(row, line) for row, line in rows if any(map(text_of, row))]
        return [count for count in found if count]

    def _count(self, row: Sequence[Cell], line: int) -> Count | None:
        if len(row) != len(self.header.grid.rows[self.header.body - 1]):
            self._tell(line, "", "", f"has {len(row)} cells, not as many as the header")
            return None
        texts = {name: text_of(row[at]) for name, at in self.header.columns.items()}
        key = tuple(texts[name] for name in COLUMNS if name != NUMBER)
        if (twin := self._lines.setdefault(key, line)) != line:
            self._tell(line, "", "", f"the same combination stands in row {twin} already")
        if texts[QUESTION] in self._ignored:
            return None
        try:
            return self._known(texts, line)
        except _UnknownError:
            return None

    def _known(self, texts: Mapping[str, str], line: int) -> Count:
        number = _NUMBER.fullmatch(texts[NUMBER])
        if not number:
            self._tell(line, NUMBER, "", "is no whole number from 1")
        if not _YEAR.fullmatch(texts[YEAR]):
            self._tell_once(line, YEAR, texts[YEAR], "is no year")
        stage = self._look_up(line, STAGE, texts[STAGE], self._stages)
        sex = self._look_up(line, SEX, texts[SEX], self._sexes)
        home = self._look_up(line, HOME, texts[HOME], self._places)
        school = self._look_up(line, SCHOOL, texts[SCHOOL], self._places)
        question = self._question(texts, line)
        answer = self._look_up(
            line, ANSWER, texts[ANSWER], self._answers.get(question or "", {}), f" to {question}"
        )
        if self.faults or not number or stage is None or question is None:
            raise _UnknownError
        return Count(
            year=int(texts[YEAR]),
            stage=stage,
            sex=sex,
            home=home,
            school=school,
            question=question,
            answer=answer,
            number=int(number[1]),
        )

    def _question(self, texts: Mapping[str, str], line: int) -> str | None:
        """Return the name of the question in a row: by id and wording, both known, or by wording alone."""
        name, wording = texts[QUESTION], texts[WORDING]
        if name not in self._asked and wording in self._known_by_wording:
            return self._known_by_wording[wording]
        wordings = self._look_up(line, QUESTION, name, self._asked)
        return self._look_up(line, WORDING, wording, wordings or {}, f" of {name}")

    def _look_up(self, line: int, column: str, text: str, known: Mapping[str, _T], of: str = "") -> _T | None:
        if text not in known and (known or not of):
            self._tell_once(line, column, text, f"is not declared in the TOML{of}", [*known])
        return known.get(text)

    def _tell_once(self, line: int, column: str, text: str, reason: str, known: Collection[str] = ()) -> None:
        if (column, text, reason) not in self._told:
            self._told.add((column, text, reason))
            self._tell(line, column, text or "(empty)", reason, known)

    def _tell(self, line: int, column: str, value: str, reason: str, known: Collection[str] = ()) -> None:
        hints = closest(value, [text for text in known if text])
        self.faults.append(
            Fault(file=self.file, row=line, column=column, value=value, reason=reason, closest=hints)
        )
