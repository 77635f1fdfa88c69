"""Brings a database to the tables' shape, by Alembic's revisions.

Alembic is imported only when there is something to do: it takes longer to import than most tables take to
publish.
"""

from importlib.resources import as_file, files

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from datasets import statements
from datasets.store import Store
from datasets.tables import ledger

_OURS = "datasets"


async def migrate(store: Store) -> None:
    """Run every revision that *store*'s database has not seen; several at once wait for each other."""
    async with store.alone() as connection:
        if await _seen(connection) != [newest_revision()]:
            await connection.run_sync(_upgrade)


async def differences(store: Store) -> list[object]:
    """Return how the database differs from `datasets.tables`; nothing when the revisions are complete."""
    async with store.alone() as connection:
        return await connection.run_sync(_compare)


def newest_revision() -> str:
    """Return the last revision that this version knows; the names of their files begin with their numbers."""
    versions = files(_OURS).joinpath("migrations", "versions")
    return max(file.name.partition("_")[0] for file in versions.iterdir() if file.name[:1].isdigit())


async def _seen(connection: AsyncConnection) -> list[str]:
    """Return the newest revisions that the database has seen; none where it is bare."""
    if not await connection.scalar(statements.was_migrated()):
        return []
    return list(await connection.scalars(statements.revisions()))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 see above
    from alembic.config import Config  # noqa: PLC0415

    with as_file(files(_OURS).joinpath("migrations")) as folder:
        config = Config()
        # a path may hold a percent sign, which the configuration would read as its own
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _compare(connection: Connection) -> list[object]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 see above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    return list(compare_metadata(MigrationContext.configure(connection), ledger))
