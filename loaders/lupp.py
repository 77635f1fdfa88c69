"""LUPP, the young people's questionnaire: from the counts that the region hands over to shares.

With a `[disclosure]` table what is too small is hidden, and whatever it could be worked out from. Without one
a hand-over is published only if every number of people in it, and every one that follows from what is shown,
reaches the dataset's floor; otherwise it is held, whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from msgspec import structs

from datasets.areas import AreaType, area
from datasets.catalogue import Indicator, Note
from datasets.cube import cube_from
from datasets.disclosure.relations import Confidential
from datasets.disclosure.rules import Rules
from datasets.errors import Fault, FaultyFileError, UnknownCodeError
from datasets.ledger import Draft
from datasets.vocabulary import Sex, Text
from loaders.declared import Declared, declared_in
from loaders.description import Description
from loaders.lupp_counts import Answers, Place, Question, Rate, read_counts
from loaders.lupp_shares import STAGE, Tally, Where, people_behind, shares, small_cells, tally
from loaders.metadata import Form, converted

_DECIMALS = 1
_PLACES: Mapping[Place, Text] = {
    "home": Text("Kommunen är den där eleven bor.", "The municipality is where the pupil lives."),
    "school": Text("Kommunen är den där skolan ligger.", "The municipality is where the school is."),
}
_BASE = Text(
    "Andelen gäller dem som svarat på frågan. Intervallet är Wilsons, på 95 procents nivå.",
    "The share is of those who answered the question. The interval is Wilson's, at 95 per cent.",
)
_NO_RATE = Text(
    "Hur många av de tillfrågade som svarat framgår inte av underlaget.",
    "How many of those asked who answered is not stated.",
)


class HandOver(Form, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The TOML of a LUPP hand-over: that of any hand-over, and what the words of the file mean."""

    answers: dict[str, Any]


def read_lupp(told: Description) -> Draft:
    """Return the draft that *told* and the counts in its folder make.

    Raises FaultyFileError with every fault of both, and where any number of people is under the floor.
    """
    declared = declared_in(told, HandOver)
    faults: list[Fault] = []
    answers = converted(declared.form.answers, Answers, told.name, "answers", faults)
    said = declared.form.disclosure
    rules = converted(said, Rules, told.name, "disclosure", faults) if said is not None else None
    read = {
        name: converted(load, Question, told.name, f"indicator {name}.load", faults)
        for name, load in declared.loads.items()
    }
    questions = {name: question for name, question in read.items() if question}
    if answers and not faults:
        faults += _wrong(told.name, declared, answers, questions)
    if faults or answers is None:
        raise FaultyFileError(faults)
    file = told.folder / declared.form.file
    counts = read_counts(file, declared.form.sheet, answers, questions.values())
    found = {name: tally(counts, one.name, one.place, answers.county) for name, one in questions.items()}
    tallies = {name: groups for name, groups in found.items() if groups or not questions[name].optional}
    questions = {name: questions[name] for name in tallies}
    faults = [*_without_figures(file.name, tallies), *_without_rate(told.name, answers, tallies)]
    if faults:
        raise FaultyFileError(faults)
    draft = _draft(declared, answers, questions, tallies)
    if rules is None:
        _hold_small(file.name, declared, answers, questions, tallies)
        return draft
    people = people_behind(tallies, answers.shown, questions)
    return structs.replace(draft, confidential=Confidential(rules, tuple(people)))


def _draft(
    declared: Declared[HandOver],
    answers: Answers,
    questions: Mapping[str, Question],
    tallies: Mapping[str, Tally],
) -> Draft:
    rates = {_where(rate): rate.percent for rate in answers.rate}
    unreliable = frozenset(where for where, rate in rates.items() if rate < (answers.low_rate or 0))
    cubes = {}
    indicators = {name: declared.indicators[name] for name in questions}
    for name, indicator in indicators.items():
        decimals = _DECIMALS if indicator.decimals is None else indicator.decimals
        chosen = frozenset(questions[name].chosen)
        cubes[name] = cube_from([*shares(tallies[name], answers.shown, chosen, decimals, unreliable)])
    told = {name: _told(one, questions[name], answers) for name, one in indicators.items()}
    return replace(declared, indicators=told).draft(cubes)


def _told(indicator: Indicator, question: Question, answers: Answers) -> Indicator:
    """Return *indicator* with its question, and what nobody may read its figures without."""
    texts = (_PLACES[question.place], _BASE, *(() if answers.rate else (_NO_RATE,)))
    notes = (Note(text=text, mandatory=True) for text in texts)
    return structs.replace(
        indicator,
        notes=(*indicator.notes, *notes),
        source_code=indicator.source_code or ", ".join(question.ids),
    )


def _hold_small(
    file: str,
    declared: Declared[HandOver],
    answers: Answers,
    questions: Mapping[str, Question],
    tallies: Mapping[str, Tally],
) -> None:
    """Raise FaultyFileError where any number of people is too small; says how many, never which."""
    floor = declared.dataset.threshold or 0
    by_question = {one.name: tallies[name] for name, one in questions.items()}
    chosen = {
        code: [frozenset(one.chosen) for one in questions.values() if one.name == code]
        for code in by_question
    }
    small = sum(small_cells(found, answers.shown, chosen[code], floor) for code, found in by_question.items())
    if small:
        reason = f"{small} cells are under the floor of {floor} persons; the dataset is held, whole"
        raise FaultyFileError([Fault(file=file, reason=reason)])


def _without_figures(file: str, tallies: Mapping[str, Tally]) -> Iterator[Fault]:
    for name, found in tallies.items():
        if not found:
            yield Fault(file=file, column=name, reason="has no answer in the file")


def _without_rate(file: str, answers: Answers, tallies: Mapping[str, Tally]) -> Iterator[Fault]:
    """Yield every group whose response rate is not given where any is: a rate left out is no high rate."""
    if answers.rate:
        known = {_where(rate) for rate in answers.rate}
        for year, stage, code in sorted({where for found in tallies.values() for where in found} - known):
            yield Fault(file=file, column="answers.rate", value=f"{year} {stage} {code}", reason="is missing")


def _where(rate: Rate) -> Where:
    return rate.year, rate.stage, area(rate.municipality).code


def _wrong(
    file: str, declared: Declared[HandOver], answers: Answers, questions: Mapping[str, Question]
) -> Iterator[Fault]:
    """Yield what the TOML says that cannot be, or does not say that it must."""
    dataset = declared.dataset
    if not dataset.person_based:
        yield Fault(file=file, column="dataset.personBased", reason="must be true, with a threshold")
    if dataset.processing != "derived":
        yield Fault(
            file=file, column="dataset.processing", reason="must be derived: the shares are made here"
        )
    if Sex.TOTAL in answers.sexes.values():
        yield Fault(file=file, column="answers.sexes", value="total", reason="is nobody's answer")
    if not answers.shown or len({*answers.shown}) != len(answers.shown):
        yield Fault(file=file, column="answers.shown", reason="must name each sex to show once")
    if bool(answers.rate) != (answers.low_rate is not None):
        yield Fault(file=file, column="answers.lowRate", reason="goes with answers.rate, both or neither")
    for name, code in answers.names.items():
        yield from _wrong_area(file, f"answers.names.{name}", code, AreaType.MUNICIPALITY)
    for rate in answers.rate:
        yield from _wrong_area(
            file, "answers.rate", rate.municipality, AreaType.MUNICIPALITY, AreaType.COUNTY
        )
    if answers.county:
        yield from _wrong_area(file, "answers.county", answers.county, AreaType.COUNTY)
    for name, indicator in declared.indicators.items():
        yield from _wrong_question(file, indicator, questions[name], answers)
    yield from _at_odds(file, questions)


def _wrong_area(file: str, column: str, code: str, *kinds: AreaType) -> Iterator[Fault]:
    try:
        if area(code).type not in kinds:
            yield Fault(file=file, column=column, value=code, reason=f"is no {' or '.join(kinds)}")
    except UnknownCodeError as error:
        yield Fault(file=file, column=column, value=code, reason="is no area", closest=error.closest)


def _wrong_question(file: str, indicator: Indicator, question: Question, answers: Answers) -> Iterator[Fault]:
    place = f"indicator {indicator.id}"
    stages = indicator.breakdowns.get(STAGE)
    if indicator.unit != "percent":
        yield Fault(file=file, column=f"{place}.unit", value=indicator.unit, reason="must be percent")
    if not stages or len(indicator.breakdowns) > 1 or not {*answers.stages.values()} <= {*stages.categories}:
        reason = "must be stage alone, with every code of answers.stages: stages are never added together"
        yield Fault(file=file, column=f"{place}.breakdowns", reason=reason)
    told = [*question.chosen, *question.others, *answers.unanswered]
    if not question.chosen or len({*told}) != len(told):
        reason = "an answer is either chosen, or among the others, or none"
        yield Fault(file=file, column=f"{place}.load.chosen", reason=reason)


def _at_odds(file: str, questions: Mapping[str, Question]) -> Iterator[Fault]:
    """Yield the indicators that do not agree on their question; in two places it would tell of the cross."""
    first: dict[str, Question] = {}
    named: dict[tuple[str, str], str] = {}
    for name, one in questions.items():
        for key in product(one.ids or ("",), one.wordings):
            if named.setdefault(key, one.name) != one.name:
                reason = "is the wording of another indicator's question too"
                yield Fault(file=file, column=f"indicator {name}.load.wordings", value=key[1], reason=reason)
        other = first.setdefault(one.name, one)
        same = (other.place, {*other.ids}, {*other.wordings}, {*other.chosen, *other.others})
        if same != (one.place, {*one.ids}, {*one.wordings}, {*one.chosen, *one.others}):
            reason = f"differs from another indicator of {one.name} in place, ids, wordings or answers"
            yield Fault(file=file, column=f"indicator {name}.load", reason=reason)
