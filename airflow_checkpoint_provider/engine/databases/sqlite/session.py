"""
The state that a connection of SQLite has while the engine uses it.

What each pragma, and each attribute of the driver, would do to a load, as set by the code that opens the connection:

===========================================  =======================================================  ==============
pragma or attribute                          what it would do                                         here
===========================================  =======================================================  ==============
isolation_level, autocommit                  begin and commit by itself                               by statements
row_factory, text_factory                    return rows and texts of other kinds                     tuples and str
reverse_unordered_selects                    count rows from the other end than the attempt before    off
read_uncommitted                             read rows that are rolled back later                     off
full_column_names, short_column_names        name columns otherwise                                   off, on
count_changes                                return a row where none is expected                      off
ignore_check_constraints                     take rows that a constraint forbids                      off
journal_mode = OFF or MEMORY                 break the file, when a process that writes is killed     DELETE [1]_
busy_timeout                                 fail at once where another one writes                    lock_timeout
foreign_keys, recursive_triggers             what the tables' owner has asked for; off by default     left
synchronous                                  what the machine, not the process, may lose              left
case_sensitive_like                          what the user's own query means                          left
query_only                                   refuse to write                                          left
encoding, writable_schema, others            change no row                                            left
===========================================  =======================================================  ==============

.. [1] of a connection that writes; a database in memory has no file, and without a journal it is refused
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import UnsupportedDatabaseError

_PRAGMAS = (
    "reverse_unordered_selects = OFF",
    "read_uncommitted = OFF",
    "full_column_names = OFF",
    "short_column_names = ON",
    "count_changes = OFF",
    "ignore_check_constraints = OFF",
)


LEAVES_STATE = re.compile(r"PRAGMA |ATTACH |DETACH |CREATE TEMP(?:ORARY)? ", re.IGNORECASE)
"""Matches the beginning of a statement whose effect outlasts the transaction."""


def prepare_session(raw: Any, lock_timeout: float, *, for_writing: bool) -> None:
    """
    Undo settings of an opened connection that the engine cannot work with.

    :param lock_timeout: seconds to wait for another connection that writes
    :raises UnsupportedDatabaseError: when a connection that writes cannot roll back
    """
    raw.row_factory, raw.text_factory = None, str
    if hasattr(raw, "autocommit"):
        raw.autocommit = sqlite3.LEGACY_TRANSACTION_CONTROL  # type: ignore[attr-defined,unused-ignore]
    # The driver begins transactions late and not at all before DDL: a preoperator would not be part of one.
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout = {int(lock_timeout * 1000)}")
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")
    mode = raw.execute("PRAGMA journal_mode").fetchone()[0]
    if for_writing and mode in ("off", "memory"):
        mode = raw.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        if mode == "off":
            raise UnsupportedDatabaseError("its journal_mode is OFF, and nothing can be rolled back there")
