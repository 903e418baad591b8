"""Numbers by name in a file, changed in transactions: what PStore is to Ruby, on SQLite."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator

import riser


@riser.by_reference
class Transaction:
    """The numbers of a store while nobody else can change them; those that were never set are 0."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __getitem__(self, name: str) -> int:
        row = self._database.execute("SELECT value FROM number WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def __setitem__(self, name: str, value: int) -> None:
        self._database.execute("INSERT OR REPLACE INTO number VALUES (?, ?)", (name, value))


class Store:
    """A file of numbers.

    with store.transaction() as numbers:
        numbers["count"] += 1
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One at a time; what it has changed is kept when it ends well, and forgotten when it raises."""
        # The lock keeps threads in order. SQLite's own is for the moments in which two processes have the file: after a
        # restart the old server still serves its last clients while the new one serves the next.
        with self._lock, contextlib.closing(self._open()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER)")
            yield Transaction(database)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=60, isolation_level=None, check_same_thread=False)
