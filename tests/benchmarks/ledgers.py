"""Ledgers of a benchmark's own: a database that is made for it and dropped again."""

from typing import Self

import asyncpg

from datasets.embedded import Lease
from datasets.migrate import migrate
from datasets.store import Store


class Ledger:
    """A store over a database that is made for it and dropped again."""

    def __init__(self, held: Lease, name: str) -> None:
        self._held, self._name = held, f"bench_{name}"
        self.address = held.address("lansdata").replace("/lansdata?", f"/{self._name}?")
        self.store = Store.at(self.address)

    async def __aenter__(self) -> Self:
        await self._told(f'DROP DATABASE IF EXISTS "{self._name}"', f'CREATE DATABASE "{self._name}"')
        await migrate(self.store)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()
        await self._told(f'DROP DATABASE "{self._name}"')

    async def _told(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._held.address("lansdata"))
        for one in statements:
            await connection.execute(one)
        await connection.close()

    async def size(self) -> int:
        """Return how many bytes the database takes."""
        connection = await asyncpg.connect(self.address)
        await connection.execute("VACUUM")
        size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
        await connection.close()
        return size
