"""Reading from SQLite."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.source import Source


class SqliteSource(Source):
    """One query on a connection of sqlite3."""

    first_row = "LIMIT 1"
    waits_for_rows = False
    asks_meanwhile = True
    row_values = True
