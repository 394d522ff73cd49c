"""Everything that the engine asks about SQLite."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection


def same_file(one: sa.Connection, other: sa.Connection) -> bool:
    """Tell whether two SQLite connections are open on one file."""
    if one.dialect.name != "sqlite" or other.dialect.name != "sqlite":
        return False
    paths = [raw_connection(c).execute("PRAGMA database_list").fetchone()[2] for c in (one, other)]
    return bool(paths[0]) and paths[0] == paths[1]


def _prepare_sqlite(raw: Any, lock_timeout: float) -> None:
    # The driver begins transactions late and not at all before DDL: a preoperator would not be part of one.
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout = {int(lock_timeout * 1000)}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.info.get("reading") else "BEGIN IMMEDIATE")
