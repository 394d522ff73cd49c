"""The moments of Postgres: snapshots, which one session holds, and others read as long as it does."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection
from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MomentGoneError, one_line

_MOMENT = re.compile(r"snapshot ([0-9A-F]+-[0-9A-F]+-[0-9]+) \(([0-9a-f]{12})\)")
_BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
# After the end of its holder, another session may export a snapshot by the same name.
_TRANSACTIONS = "SELECT CAST(txid_current_snapshot() AS text)"
# Invalid, not there, or its session is gone; depending on the version of the server.
_GONE = frozenset(("22023", "42704", "55000", "58P01"))


class SnapshotDialect(Dialect):
    """The answers of Postgres about moments."""

    holds_moments = True

    def hold_moment(self, connection: sa.Connection) -> str:
        return hold_snapshot(raw_connection(connection))

    def is_held(self, connection: sa.Connection, moment: str) -> bool:
        try:
            read_snapshot(raw_connection(connection), moment)
        except MomentGoneError:
            return False
        finally:
            raw_connection(connection).rollback()
        return True


def hold_snapshot(raw: Any) -> str:
    """Begin a transaction, and return its moment, which others can read as long as it lasts."""
    raw.rollback()
    raw.execute(_BEGIN)
    (name,) = raw.execute("SELECT pg_export_snapshot()").fetchone()
    return f"snapshot {name} ({_digest(raw)})"


def read_snapshot(raw: Any, moment: str) -> str:
    """
    Begin a transaction that reads as of a moment, and return the moment.

    :raises ArgumentError: when the text is not a moment of Postgres
    :raises MomentGoneError: when no session holds it any more
    """
    found = _MOMENT.fullmatch(moment)
    if not found:
        raise ArgumentError(
            f"as_of: {moment!r} is not a moment of Postgres. Give the one that the task of the group has returned."
        )
    raw.rollback()
    raw.execute(_BEGIN)
    try:
        raw.execute(f"SET TRANSACTION SNAPSHOT '{found[1]}'")
    except Exception as error:
        if getattr(error, "sqlstate", None) not in _GONE:
            raise
        raise _gone(moment, one_line(error)) from None  # a new connection would not cure it
    if _digest(raw) != found[2]:
        raise _gone(moment, "another session has a snapshot by its name")
    return moment


def _digest(raw: Any) -> str:
    (transactions,) = raw.execute(_TRANSACTIONS).fetchone()
    return sha256(str(transactions).encode()).hexdigest()[:12]


def _gone(moment: str, reason: str) -> MomentGoneError:
    return MomentGoneError(
        f"as_of: the moment of the load, {moment}, is gone ({reason}): the task that held it has ended, its connection "
        "was lost, or the connection of this task leads to another server. No other session can read as of it. Clear "
        "all tables that share the moment, together with the task that takes it and the one that holds it, to load "
        "them as of a new one."
    )
