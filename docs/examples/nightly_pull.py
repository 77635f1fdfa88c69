"""Keep a folder equal to what Länsdata publishes: `python nightly_pull.py ADDRESS FOLDER [DATASET ...]`.

Standard library only. ADDRESS ends with /api/v1. Each cube is kept as FOLDER/{dataset}/{indicator}.csv, in its
canonical form, so that its sha256 proves it. Run it every night: it follows the feed of releases, applies the
changes of each, and downloads a cube whole only where that does not lead to the right sha256. Interrupt it at
any time; the next run goes on.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER = "municipality,sex,year,periodStart,periodEnd,breakdown,value,status,flags,low,high,count"
FIELDS = HEADER.split(",")
SEXES = ("total", "women", "men", "other")
Rows = dict[tuple[str, int, int, str], dict[str, str]]


def get(address: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of *address*; raises HTTPError for a refusal."""
    request = urllib.request.Request(address, headers=headers or {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read()


def get_json(address: str) -> dict[str, Any]:
    """Return an answer of the API; the texts of numbers stay as they are."""
    answer: dict[str, Any] = json.loads(get(address)[1])
    return answer


def downloaded(address: str, sha256: str, part: Path) -> bytes:
    """Return a file that is held against its *sha256*; what was interrupted goes on where it stopped."""
    tag = f'"{sha256}"'
    with part.open("ab") as file:
        headers = {"Range": f"bytes={file.tell()}-", "If-Range": tag} if file.tell() else {}
        request = urllib.request.Request(address, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                if answer.status != 206:
                    file.truncate(0)
                while chunk := answer.read(1 << 16):
                    file.write(chunk)
        except urllib.error.HTTPError as error:
            if error.code != 416:  # all of it is here already
                raise
    body = part.read_bytes()
    part.unlink()
    if hashlib.sha256(body).hexdigest() != sha256:
        raise SystemExit(f"{address} is not what its version says: run again")
    return body


def releases(base: str, since: int) -> tuple[list[dict[str, Any]], int]:
    """Return what was published after release *since*, oldest first, and the number to ask with next time."""
    page = get_json(f"{base}/releases?since={since}&limit=1000")
    found, newest = page["releases"], page["_meta"]["newest"]
    while "next" in page["_links"]:
        page = get_json(page["_links"]["next"]["href"])
        found += page["releases"]
    return [one for one in found if one["release"] <= newest], newest


def row_of(change: dict[str, Any]) -> dict[str, str]:
    """Return the line of a figure as it is after *change*; only its key where it was removed."""
    after = change["after"] or {}
    row = {name: after.get(name) or "" for name in FIELDS}
    row |= {name: change[name] for name in ("municipality", "sex", "year")}
    row["breakdown"] = ";".join(
        f"{name}:{code}" for name, code in sorted(change.get("breakdown", {}).items())
    )
    row["flags"] = ";".join(sorted(after.get("flags", ())))
    return row


def key_of(row: dict[str, Any]) -> tuple[str, int, int, str]:
    """Return what a line is of, in the order of the canonical form."""
    return row["municipality"], SEXES.index(row["sex"]), int(row["year"]), row["breakdown"]


def read_cube(path: Path) -> Rows:
    """Return the lines of a cube by their keys; none where it is not here."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {key_of(row): row for row in csv.DictReader(file)}


def write_whole(path: Path, body: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_suffix(".new")
    part.write_bytes(body)
    os.replace(part, path)


def cube_bytes(rows: Rows) -> bytes:
    """Return the canonical form."""
    out = io.StringIO()
    out.write(HEADER + "\n")
    for key in sorted(rows):
        out.write(",".join(rows[key][name] for name in FIELDS) + "\n")
    return out.getvalue().encode()


def changes_of(base: str, release: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the changes of a release, held against their sha256."""
    version = get_json(f"{base}/datasets/{release['dataset']}/versions/{release['version']}")
    file = next((one for one in version["files"] if one["name"] == "changes.ndjson.gz"), None)
    if file:
        body = downloaded(file["href"], file["sha256"], folder / f"{release['version']}.changes.part")
        for line in gzip.decompress(body).splitlines():
            yield json.loads(line, parse_float=str, parse_int=str)


def applied(base: str, line: list[dict[str, Any]], folder: Path) -> None:
    """Bring the cubes in *folder* from version to version, all in memory, and write those that changed."""
    cubes: dict[str, Rows] = {}
    for release in line:
        for change in changes_of(base, release, folder):
            if change["change"] in {"added", "revised", "removed"}:
                name = change["indicator"]
                if name not in cubes:
                    cubes[name] = read_cube(folder / f"{name}.csv")
                row = row_of(change)
                if change["change"] == "removed":
                    cubes[name].pop(key_of(row), None)
                else:
                    cubes[name][key_of(row)] = row
    for name, rows in cubes.items():
        write_whole(folder / f"{name}.csv", cube_bytes(rows))


def pull(base: str, folder: Path, line: list[dict[str, Any]]) -> None:
    """Bring one dataset to the last version of *line*."""
    folder.mkdir(parents=True, exist_ok=True)
    held, last = folder / "version.txt", line[-1]
    at = held.read_text().strip() if held.exists() else ""
    known = [one["version"] for one in line]
    left = line[known.index(at) + 1 :] if at in known else line
    is_whole = held.exists() and not (folder / "unfinished").exists()
    if is_whole and left:
        (folder / "unfinished").touch()
        try:
            applied(base, left, folder)
        except urllib.error.HTTPError as error:
            if error.code != 410:  # erased: what is left is downloaded below
                raise
    files = f"{base}/datasets/{last['dataset']}/versions/{last['version']}/files"
    manifest = downloaded(f"{files}/manifest.txt", last["fingerprint"], folder / "manifest.part").decode()
    wanted = {name: sha256 for sha256, _, name in (text.split() for text in manifest.splitlines())}
    whole = 0
    for name, sha256 in wanted.items():
        path = folder / f"{name}.csv"
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            write_whole(path, downloaded(f"{files}/{name}.csv", sha256, folder / f"{name}.part"))
            whole += 1
    for path in folder.glob("*.csv"):
        if path.stem not in wanted:
            path.unlink()
    write_whole(folder / "manifest.txt", manifest.encode())
    write_whole(held, last["version"].encode())
    (folder / "unfinished").unlink(missing_ok=True)
    print(f"{last['dataset']} {last['version']}: {len(wanted)} cubes, {whole} of them downloaded whole")


def main(words: list[str]) -> None:
    """Pull everything that was published since the last run."""
    base, root, datasets = words[0].rstrip("/"), Path(words[1]), set(words[2:])
    root.mkdir(parents=True, exist_ok=True)
    state = root / "since.txt"
    line, newest = releases(base, int(state.read_text()) if state.exists() else 0)
    by_dataset: dict[str, list[dict[str, Any]]] = {}
    for release in line:
        if not datasets or release["dataset"] in datasets:
            by_dataset.setdefault(release["dataset"], []).append(release)
    for name, own in by_dataset.items():
        pull(base, root / name, own)
    write_whole(state, str(newest).encode())


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
