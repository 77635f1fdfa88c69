"""From counts of answers to shares with their intervals, and the judgement whether any of it may be shown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from math import sqrt

from datasets.areas import area
from datasets.disclosure.relations import Question as Population
from datasets.vocabulary import Breakdown, Flag, Interval, MunicipalityCode, Observation, Sex, Year
from loaders.lupp_counts import Count, Place
from loaders.lupp_counts import Question as Asked

STAGE = "stage"
"""The only breakdown: stages are never added together."""
Z95 = 1.959963984540054
"""The 97.5th percentile of the normal distribution, for intervals at 95 %."""
Where = tuple[int, str, MunicipalityCode]
"""A round, a school stage and an area."""
Groups = Mapping[Sex | None, Counter[str]]
"""The answers of each sex; None is those who stated none."""
Tally = Mapping[Where, Groups]


def wilson(hits: int, answers: int) -> tuple[float, float]:
    """Return the 95 % interval of the share *hits* of *answers*, by E. B. Wilson (1927), both as shares."""
    share, spread = hits / answers, Z95 * Z95 / answers
    middle = share + spread / 2
    half = sqrt(spread * share * (1 - share) + spread * spread / 4)
    return max((middle - half) / (1 + spread), 0.0), min((middle + half) / (1 + spread), 1.0)


def tally(counts: Iterable[Count], question: str, place: Place, county: str = "") -> Tally:
    """Add the answers to *question* up by round, stage, area and sex; who did not answer it is left out.

    The county's own groups hold the pupils of its municipalities, each in one of them.
    """
    found: dict[Where, dict[Sex | None, Counter[str]]] = {}
    for count in counts:
        code = count.home if place == "home" else count.school
        if count.question != question or count.answer is None or code is None:
            continue
        for where in (code, *([MunicipalityCode(county)] if area(code).parent == county else [])):
            groups = found.setdefault((count.year, count.stage, where), {})
            groups.setdefault(count.sex, Counter())[count.answer] += count.number
    return found


def small_cells(found: Tally, shown: Sequence[Sex], chosen: Sequence[frozenset[str]], floor: int) -> int:
    """Return how many groups may not be shown because some number of people in them is under *floor*.

    Looked at are those who answered, those who gave one of each of the *chosen* sets of answers, those who
    did not, what lies between two of the sets, and who is left when the shown sexes are taken from all.
    """
    return sum(
        _is_small(answers, chosen, floor)
        for groups in found.values()
        for answers in (*(_answers(groups, sex) for sex in shown), _rest(groups, shown))
        if answers is not None
    )


def people_behind(
    tallies: Mapping[str, Tally], shown: Sequence[Sex], questions: Mapping[str, Asked]
) -> Iterator[Population]:
    """Yield the people behind the shares of each question: by group, those of each kind of answer.

    Answers are of one kind where every indicator of the question either counts both or neither.
    """
    for name in dict.fromkeys(one.name for one in questions.values()):
        indicators = tuple(key for key, one in questions.items() if one.name == name)
        chosen = [frozenset(questions[key].chosen) for key in indicators]
        groups = {
            (str(code), sex.value, year, f"{STAGE}:{stage}"): _answers(found, sex)
            for (year, stage, code), found in tallies[indicators[0]].items()
            for sex in shown
        }
        patterns = sorted(
            {tuple(answer in one for one in chosen) for answers in groups.values() for answer in answers}
        )
        yield Population(
            name=name,
            indicators=indicators,
            groups={
                key: tuple(
                    sum(n for answer, n in answers.items() if tuple(answer in one for one in chosen) == kind)
                    for kind in patterns
                )
                for key, answers in groups.items()
                if answers.total()
            },
            chosen=tuple(
                frozenset(at for at, kind in enumerate(patterns) if kind[number])
                for number in range(len(chosen))
            ),
            respondents=questions[indicators[0]].place,
        )


def shares(
    found: Tally, shown: Sequence[Sex], chosen: frozenset[str], decimals: int, unreliable: frozenset[Where]
) -> Iterator[Observation]:
    """Yield the share in percent of each shown sex who gave one of the *chosen* answers.

    `count` is those who answered; groups in *unreliable* are flagged for their low response rate.
    """
    for (year, stage, code), groups in found.items():
        for sex in shown:
            answers = _answers(groups, sex)
            total = answers.total()
            if not total:
                continue
            hits = sum(answers[one] for one in chosen)
            low, high = wilson(hits, total)
            low_rate = (year, stage, code) in unreliable
            yield Observation(
                municipality=code,
                sex=sex,
                year=Year(year),
                breakdown=Breakdown.of({STAGE: stage}),
                value=_rounded(Decimal(100 * hits) / Decimal(total), decimals),
                interval=Interval(
                    _rounded(Decimal(100 * low), decimals), _rounded(Decimal(100 * high), decimals)
                ),
                count=total,
                flags=frozenset({Flag.LOW_RELIABILITY} if low_rate else ()),
            )


def _answers(groups: Groups, sex: Sex) -> Counter[str]:
    """Return the answers of *sex*; the total is of everybody, stated sex or not, and no sum of two."""
    if sex is Sex.TOTAL:
        return sum(groups.values(), Counter())
    return groups.get(sex, Counter())


def _rest(groups: Groups, shown: Sequence[Sex]) -> Counter[str] | None:
    """Return what anybody can compute: the total less the sexes shown beside it; None if there is nobody."""
    if Sex.TOTAL not in shown or len(shown) == 1:
        return None
    rest = sum((answers for sex, answers in groups.items() if sex not in shown), Counter[str]())
    return rest or None


def _is_small(answers: Counter[str], chosen: Sequence[frozenset[str]], floor: int) -> bool:
    total = answers.total()
    hits = [sum(answers[one] for one in several) for several in chosen]
    kinds: Counter[tuple[bool, ...]] = Counter()
    for answer, number in answers.items():
        kinds[tuple(answer in several for several in chosen)] += number
    people = [total, *hits, *(total - number for number in hits), *kinds.values()]
    return min(people) < floor


def _rounded(number: Decimal, decimals: int) -> float:
    return float(number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
