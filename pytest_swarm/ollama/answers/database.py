"""Connections to the SQLite file of an answer store: for any thread of this process, beside other processes."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

_WAIT_S: Final = 60.0  # for another writer; a write takes milliseconds
_RETRY_S: Final = 0.01


def connected(path: Path | str) -> closing[sqlite3.Connection]:
    """Return a connection that any thread may use: a test may run its jobs in threads, one after the other."""
    return closing(
        sqlite3.connect(path, uri=isinstance(path, str), timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    )


def use_wal(database: sqlite3.Connection) -> None:
    """Set WAL mode. SQLite does not wait for another process that does so at the same moment, so this waits for it."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return
