"""A LUPP hand-over of pupils that never were: any number of municipalities, sexes, questions and stages."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from datasets.areas import area, municipalities_of

COLUMNS = ("År", "Undersökning", "Kön", "Boendekommun", "Skolkommun", "ID", "Fraga", "Svar", "antal")
SEXES = {"Tjej": "women", "Kille": "men", "Annan könstillhörighet": "other"}
STAGES = {"Högstadiet": "hogstadiet", "Gymnasiet": "gymnasiet"}
ANSWERS = ("Mycket bra", "Ganska bra", "Varken eller", "Ganska dålig", "Mycket dålig", "")
_SHARES = (30, 38, 14, 9, 4, 5)
RULES = """
[disclosure]
threshold = 5
zeros = "hidden"
decidedBy = "Prov"
decidedOn = 2026-11-01
"""
TOP = """
kind = "lupp"
file = "{name}.csv"

[dataset]
id = "{name}"
title = {{sv = "Prov"}}
description = {{sv = "Påhittade elever"}}
source = "lupp"
publisher = "Region Kalmar län"
attribution = "Källa: ingen, påhittat"
processing = "derived"
theme = "barn-och-unga"
updateFrequency = "triennial"
personBased = true
threshold = 5
{rules}
[answers]
county = "08"
shown = ["total", "women", "men", "other"]
sexes = {{{sexes}}}
stages = {{{stages}}}
names = {{{names}}}
"""
INDICATOR = """
[[indicator]]
id = "{name}-f{number}"
title = {{sv = "Prov"}}
definition = {{sv = "Prov"}}
unit = "percent"

[indicator.breakdowns.stage]
title = {{sv = "Skolform"}}
categories = {{hogstadiet = {{sv = "H"}}, gymnasiet = {{sv = "G"}}}}

[indicator.load]
question = "F{number}"
wordings = ["Fråga {number}?"]
chosen = ["Mycket bra", "Ganska bra"]
others = ["Varken eller", "Ganska dålig", "Mycket dålig"]
place = "home"
"""
Counts = dict[tuple[str, ...], int]


def counts(areas: int, questions: int, stages: Sequence[str] = tuple(STAGES), seed: int = 1) -> Counts:
    """Return the number of pupils by stage, sex, municipality, question and answer."""
    random, found = Random(seed), Counter[tuple[str, ...]]()
    for stage in stages:
        for code in municipalities_of("08")[:areas]:
            size = 12 + 9 * (sum(map(int, code)) % 7) + (200 if code == "0880" else 0)
            for _ in range(size):
                sex = random.choices([*SEXES, ""], (47, 46, 4, 3))[0]
                for number in range(1, questions + 1):
                    answer = random.choices(ANSWERS, _SHARES)[0]
                    found[stage, sex, area(code).name, str(number), answer] += 1
    return dict(found)


def revised(before: Counts, changes: int, seed: int) -> Counts:
    """Return *before* with a pupil more or less here and there, as a late answer or a correction makes it."""
    random, found = Random(seed), dict(before)
    for key in random.sample(sorted(before), changes):
        found[key] = max(0, found[key] + random.choice((-1, 1, 2)))
    return found


def written(folder: Path, found: Counts, name: str = "lupp-prov", rules: str = RULES) -> Path:
    """Write a hand-over of the pupils *found*, and return its TOML."""
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(COLUMNS)
        for (stage, sex, home, number, answer), people in sorted(found.items()):
            if people:
                writer.writerow(
                    (2021, stage, sex, home, home, f"F{number}", f"Fråga {number}?", answer, people)
                )
    names = {home: code for code in municipalities_of("08") for home in [area(code).name]}
    tables = [{**SEXES}, {**STAGES}, names]
    sexes, stages, places = (
        ", ".join(f'"{word}" = "{code}"' for word, code in table.items()) for table in tables
    )
    numbers = sorted({int(key[3]) for key in found})
    path = folder / f"{name}.toml"
    top = TOP.format(name=name, rules=rules, sexes=sexes, stages=stages, names=places)
    path.write_text(top + "".join(INDICATOR.format(name=name, number=one) for one in numbers), "utf-8")
    return path
