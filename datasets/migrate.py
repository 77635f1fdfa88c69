"""Brings the database to the shape that this version knows, by Alembic's revisions."""

from importlib.resources import as_file, files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from datasets.store import Store
from datasets.tables import ledger


async def migrate(store: Store) -> None:
    """Run every revision that *store*'s database has not seen; several at once wait for each other."""
    async with store.alone() as connection:
        await connection.run_sync(_upgrade)


async def differences(store: Store) -> list[object]:
    """Return how the database differs from `datasets.tables`; nothing when the revisions are complete."""
    async with store.alone() as connection:
        return await connection.run_sync(_compare)


def _upgrade(connection: Connection) -> None:
    with as_file(files("datasets").joinpath("migrations")) as folder:
        config = Config()
        # a path may hold a percent sign, which the configuration would read as its own
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _compare(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), ledger))
