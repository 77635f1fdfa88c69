"""Writes lupp_invented.sav from lupp_invented.csv, as SPSS has it: numbers with labels. Invented figures.

Run by hand, with polars installed, only when the sample changes: `python tests/samples/lupp_invented.py`.
"""

import csv
from pathlib import Path

CODED = ("Undersökning", "Kön", "Boendekommun", "Skolkommun", "Svar")
UNANSWERED = 99.0


def main() -> None:
    import polars as pl  # noqa: PLC0415 no dependency of the project
    import pyreadstat  # noqa: PLC0415

    here = Path(__file__)
    with here.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    labels: dict[str, dict[int | float, str]] = {}
    columns: dict[str, list[object]] = {}
    for name in rows[0]:
        texts = [row[name] for row in rows]
        if name in CODED:
            codes = {text: float(at) for at, text in enumerate(sorted(set(texts)), 1)}
            codes |= {"": None, "Har inte besvarat frågan": UNANSWERED}  # type: ignore[dict-item]
            labels[name] = {code: text for text, code in codes.items() if text and text in texts}
            columns[name] = [codes[text] for text in texts]
        else:
            columns[name] = [float(text) if name in {"År", "antal"} else text for text in texts]
    pyreadstat.write_sav(
        pl.DataFrame(columns),
        here.with_suffix(".sav"),
        file_label="Invented",
        variable_value_labels=labels,
        missing_ranges={"Svar": [UNANSWERED]},
    )


if __name__ == "__main__":
    main()
