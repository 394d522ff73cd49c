"""Reading from SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.model.errors import SourceError, SourceMismatchError

_NO_TEXT = "Could not decode to UTF-8"


class SqliteSource(Source):
    """One query on a connection of sqlite3."""

    first_row = "LIMIT 1"
    waits_for_rows = False
    asks_meanwhile = True
    row_values = True

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with super().errors():
                yield
        except SourceError as error:
            if _NO_TEXT not in str(error):
                raise
            raise SourceMismatchError(
                f"{error}. Have the query return the bytes of that column, by CAST(... AS BLOB), and correct or decode "
                "them."
            ) from error.__cause__
