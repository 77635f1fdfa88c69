"""Taking back: a version is withdrawn and says so; a figure is erased from every version and file.

Both stay on record, in the ledger and beside the files.
"""

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from datasets.baking import Version as BakedVersion
from datasets.baking import bake, kept_parcels
from datasets.canonical import canonical_csv, cube_of_csv, figures_hash
from datasets.catalogue import Indicator, dataset_of, indicator_of
from datasets.changes import Counts, Version
from datasets.closest import closest
from datasets.coverage import coverage_body
from datasets.cube import SEXES, Cube
from datasets.disclosure.relations import Key as Place
from datasets.disclosure.relations import islands
from datasets.disclosure.shown import by_key, without
from datasets.errors import MisusedError, UnknownCodeError
from datasets.files import Pack, Piece
from datasets.indexes import ledger_of, settle
from datasets.ledger import Entry, Release, Stay, fingerprint
from datasets.notices import ErasedCube, Erasure, Withdrawal
from datasets.parcels import Parcel, parcel_of
from datasets.shelf import Shelf, new_pack, sweep
from datasets.store import Session, Store
from datasets.stored import ERASED
from datasets.tabular import some_of
from datasets.vocabulary import Breakdown, Sex

_CHUNK = 1 << 20


class Key(Struct, frozen=True):
    """Which figure is meant; `breakdown` as in the canonical form."""

    indicator: str
    municipality: str
    sex: Sex
    year: int
    breakdown: Breakdown


async def withdraw(store: Store, dataset: str, version: str, reason: str) -> Withdrawal:
    """Put on record that a version must not be used.

    Raises UnknownCodeError where there is no such version, MisusedError where it is withdrawn already.
    """
    async with store.publishing() as session:
        line = [one for one in await session.releases() if one.dataset == dataset]
        known = {str(one.version): one for one in line}
        if version not in known:
            kind = f"version of {dataset}"
            raise UnknownCodeError(kind, version, closest(version, known))
        notices = await session.notices()
        release = known[version]
        if any(isinstance(one, Withdrawal) and one.release == release.number for one in notices):
            message = f"{dataset} {version} is withdrawn already"
            raise MisusedError(message)
        notice = Withdrawal(
            number=len(notices) + 1,
            made_at=await session.now(),
            dataset=dataset,
            release=release.number,
            version=version,
            reason=reason,
        )
        await session.add_notice(notice)
    await settle(store)
    return notice


async def erase(store: Store, key: Key, reason: str) -> Erasure:
    """Erase a figure from every version and file; a version without it follows where it still stands.

    Raises MisusedError where no version holds it, or where another indicator has the very same figures.
    """
    async with store.publishing() as session:
        line = await session.releases()
        found = await _found(session, line, key)
        notice = await _notice(session, line, key, found, reason)
        shelf = store.shelf.within(ledger_of(line[0].published_at)) if store.shelf else None
        standing = next((stay for stay, _ in found if stay.ended is None), None)
        if standing:
            await _publish_without(session, shelf, line, standing, key)
        if shelf:
            await session.replace_packs(await _emptied_packs(session, shelf, notice))
        await session.erase_cubes(notice)
        await session.add_notice(notice)
    if shelf:
        await settle(store)
        async with store.session() as session:
            names = {pack.name for pack in await session.packs()}
        await asyncio.to_thread(sweep, shelf, names)
    return notice


async def _found(session: Session, line: Sequence[Release], key: Key) -> list[tuple[Stay, Cube]]:
    """Return the stays whose cubes hold the figure, with those cubes."""
    stays = await session.stays(line[-1].number if line else 0, indicators=[key.indicator])
    found = []
    for stay in stays:
        ((encoding, _),) = (await session.stored_cubes({stay.data_sha256})).values()
        if encoding != ERASED:
            cube = (await session.cubes({stay.data_sha256}))[stay.data_sha256]
            if _places(cube, key).any():
                found.append((stay, cube))
    if not found:
        message = (
            f"no version holds a figure of {key.indicator} for {key.municipality}, {key.sex}, {key.year}"
        )
        raise MisusedError(message)
    return found


def _places(cube: Cube, key: Key) -> NDArray[np.bool_]:
    """Tell of each figure whether it is the one that is meant."""
    columns = cube.columns
    areas = np.array([str(code) == key.municipality for code in cube.municipalities], np.bool_)
    parts = np.array([part == key.breakdown for part in cube.breakdowns], np.bool_)
    same: NDArray[np.bool_] = (columns.sex == SEXES.index(key.sex)) & (columns.year == key.year)
    if len(cube):
        same &= areas[columns.municipality] & parts[columns.breakdown]
    return same


async def _notice(
    session: Session, line: Sequence[Release], key: Key, found: Sequence[tuple[Stay, Cube]], reason: str
) -> Erasure:
    names = {stay.data_sha256 for stay, _ in found}
    dataset = found[0][0].dataset
    for stay in await session.stays(line[-1].number):
        if stay.data_sha256 in names and stay.indicator != key.indicator:
            message = f"{stay.indicator} has the very same figures; erase it there first"
            raise MisusedError(message)
    coverages = await session.coverages(names)
    numbers = [one.number for one in line if one.dataset == dataset]
    stays = [stay for stay, _ in found]
    return Erasure(
        number=len(await session.notices()) + 1,
        made_at=await session.now(),
        dataset=dataset,
        indicator=key.indicator,
        municipality=key.municipality,
        sex=key.sex,
        year=key.year,
        breakdown=key.breakdown.text,
        reason=reason,
        cubes=tuple(
            ErasedCube(name, key.indicator, coverage_body(coverages[name])) for name in sorted(names)
        ),
        releases=tuple(
            number
            for number in numbers
            if any(stay.began <= number < (stay.ended or number + 1) for stay in stays)
        ),
        changes=tuple(sorted({at for stay in stays for at in (stay.began, stay.ended) if at})),
    )


async def _publish_without(
    session: Session, shelf: Shelf | None, line: Sequence[Release], stay: Stay, key: Key
) -> None:
    """Publish the version without the figure; nothing in it tells what the figure was.

    Of figures of people all that hang together with it are hidden: its total less the others would tell it.
    """
    previous = [one for one in line if one.dataset == stay.dataset][-1]
    entries = {one.indicator: one for one in await session.entries_at(previous.number, stay.dataset)}
    bodies = await session.metadata(
        {previous.dataset_sha256, *(entry.metadata_sha256 for entry in entries.values())}
    )
    about = dataset_of(bodies[previous.dataset_sha256])
    cube = (await session.cubes({stay.data_sha256}))[stay.data_sha256]
    near = _hung_together(cube, key) if about.person_based else frozenset()
    parcel = _without(stay, indicator_of(bodies[stay.metadata_sha256]), cube, key, near)
    after = entries | {key.indicator: parcel.entry}
    release = replace(
        previous,
        number=line[-1].number + 1,
        version=Version(previous.version.major + 1, 0, 0),
        published_at=await session.now(),
        note="En siffra är raderad. / A figure is erased.",
        fingerprint=fingerprint(after.values()),
        counts=Counts(previous.counts.observations - 1, removed=1, revised=len(near)),
    )
    await session.add_release(release, [key.indicator], [parcel])
    if shelf is None:
        return
    others = [entry for name, entry in entries.items() if name != key.indicator]
    # the changes are told from a state that never had the figure
    told = Entry(stay.dataset, key.indicator, parcel.entry.data_sha256, stay.metadata_sha256)
    version = BakedVersion(
        release=release,
        previous=previous,
        about=about,
        standing=entries | {key.indicator: told},
        parcels=await kept_parcels(session, others) | {key.indicator: parcel},
    )
    await session.add_files(await bake(session, shelf, version))


def _hung_together(cube: Cube, key: Key) -> frozenset[Place]:
    """Return the shown figures of people that the erased one could be worked out from, with others."""
    figures = by_key(cube)
    place = key.municipality, key.sex.value, key.year, key.breakdown.text
    island = next(one for one in islands(figures) if place in one)
    return frozenset(one for one in island if one != place and figures[one].value is not None)


def _without(stay: Stay, definition: Indicator, cube: Cube, key: Key, near: frozenset[Place]) -> Parcel:
    left = without(some_of(cube, np.flatnonzero(~_places(cube, key))), near)
    # read back, so that no code is left that only the figure had
    whole = canonical_csv(left)
    parcel = parcel_of(stay.dataset, definition, cube_of_csv(whole))
    if parcel.entry.data_sha256 != figures_hash(whole):
        raise AssertionError("a cube read back is another cube")
    return parcel


async def _emptied_packs(session: Session, shelf: Shelf, notice: Erasure) -> list[Pack]:
    """Write the packs that hold the figure anew, with nothing in its places, and return them."""
    entries = [Entry(notice.dataset, one.indicator, one.sha256, b"") for one in notice.cubes]
    made = (await session.made_of(entries)).values()
    pieces = [piece for one in made for piece in one.pieces.values()]
    for number in notice.changes:
        for file in await session.files(number):
            if file.name == "changes.ndjson.gz":
                pieces += file.head[1:-1]
    packs = {pack.release: pack for pack in await session.packs()}
    return [
        await asyncio.to_thread(_emptied, shelf, packs[number], [one for one in pieces if one.pack == number])
        for number in sorted({piece.pack for piece in pieces})
    ]


def _emptied(shelf: Shelf, pack: Pack, pieces: Iterable[Piece]) -> Pack:
    spans = [(piece.start, piece.start + piece.size) for piece in pieces]
    with new_pack(shelf, pack.release) as anew:
        for start in range(0, pack.byte_size, _CHUNK):
            size = min(_CHUNK, pack.byte_size - start)
            chunk = bytearray(shelf.read(pack.name, start, size))
            for first, end in spans:
                left, right = max(first - start, 0), min(end - start, size)
                if left < right:
                    chunk[left:right] = bytes(right - left)
            anew.add(bytes(chunk))
        return anew.seal()
