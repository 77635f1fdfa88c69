"""Publishing by hand: a file that a person handed over, and the starter collection.

What talks to the database takes longer to import than most tables take to read: one is done beside the other.
"""

import asyncio
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from rich.console import Console

from datasets.settings import Settings
from loaders.kinds import read_file
from loaders.starter import starter_files

if TYPE_CHECKING:
    from datasets.ledger import Draft
    from datasets.publish import Outcome

_FOR_PUBLISHING = (
    "asyncpg",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "xlsxwriter",
)


def handover(asked: Namespace, settings: Settings) -> int:
    """Check a file that a person handed over, and publish it unless that is all that is wanted."""
    console = Console()
    with (
        _imported_beside(() if asked.dry_run else _FOR_PUBLISHING),
        console.status(f"checking {asked.file.name}"),
    ):
        draft = read_file(asked.file)
    if asked.dry_run:
        figures = sum(map(len, draft.cubes.values()))
        console.print(f"{draft.dataset.id}: {figures} figures, no fault; nothing was published")
    else:
        asyncio.run(_publish_all(settings, [draft], console))
    return 0


def starter(asked: Namespace, settings: Settings) -> int:
    """Publish what of the starter collection is not there yet, unless anything else was ever published."""
    del asked
    asyncio.run(_starter(settings, Console()))
    return 0


async def _starter(settings: Settings, console: Console) -> None:
    from rich.progress import track  # noqa: PLC0415 imported where it is needed, like the next

    from datasets.database import open_store  # noqa: PLC0415
    from datasets.migrate import migrate  # noqa: PLC0415

    async with open_store(settings) as store:
        await migrate(store)
        async with store.session() as session:
            published = {release.dataset for release in await session.releases()}
    files = {path.stem: path for path in starter_files()}
    waiting = [path for name, path in files.items() if name not in published]
    if not waiting or published - files.keys():
        console.print(f"{len(published)} datasets are published already")
        return
    drafts = map(read_file, track(waiting, "publishing the starter collection", console=console))
    await _publish_all(settings, drafts, console)


async def _publish_all(settings: Settings, drafts: "Iterable[Draft]", console: Console) -> None:
    from datasets.database import open_store  # noqa: PLC0415 only what publishes needs it
    from datasets.disclosure.guard import guarded  # noqa: PLC0415
    from datasets.migrate import migrate  # noqa: PLC0415
    from datasets.publish import publish  # noqa: PLC0415

    async with open_store(settings) as store:
        await migrate(store)
        outcomes = []
        for draft in drafts:
            safe = await guarded(store, draft, settings.home_path)
            outcomes.append(await publish(store, safe))
    _show(outcomes, console)


def _show(outcomes: "Sequence[Outcome]", console: Console) -> None:
    from rich.table import Table  # noqa: PLC0415 only what is published is shown

    table = Table("dataset", "version", "release", "figures", "added", "revised", "removed")
    for outcome in outcomes:
        counts = outcome.counts
        numbers = map(str, (counts.observations, counts.added, counts.revised, counts.removed))
        release = outcome.release
        if release:
            table.add_row(outcome.dataset, str(release.version), str(release.number), *numbers)
        else:
            table.add_row(outcome.dataset, "checked, no change", "", *numbers)
    console.print(table)


@contextmanager
def _imported_beside(modules: Sequence[str]) -> Iterator[None]:
    """Import *modules* of others' while the block runs; what is wrong is told where they are used."""
    with ThreadPoolExecutor(1) as aside:
        for name in modules:
            aside.submit(import_module, name)
        yield
