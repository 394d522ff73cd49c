"""The destination table: emptied, and the preoperator run, through any DB-API driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from airflow_checkpoint_provider.engine.databases.described_table import DescribedTable
from airflow_checkpoint_provider.engine.databases.statements.query import tokenize
from airflow_checkpoint_provider.engine.model.errors import DestinationError

CHANGING = frozenset(("DELETE", "INSERT", "MERGE", "REPLACE", "UPDATE"))
"""The first words of statements that change rows."""


def changed_rows(cursor: Any) -> int | None:
    """Return how many rows a statement has changed; ``None`` where the driver does not count them."""
    count = getattr(cursor, "rowcount", None)
    return count if isinstance(count, int) and count >= 0 else None


class DestinationTable(DescribedTable):
    """One table on one connection, as :class:`DescribedTable`: the deletion of its rows, and the preoperator."""

    def empty(self) -> int | None:
        """
        Delete all rows, for ``replace``: DELETE everywhere, because TRUNCATE may commit by itself.

        :return: how many, where the driver counts them
        """
        with self.errors("could not be emptied"), self.all_rows(), closing(self.raw.cursor()) as cursor:
            cursor.execute(f"DELETE FROM {self.name}")
            rows = changed_rows(cursor)
        self.check_deleted(f"SELECT COUNT(*) FROM {self.name}", ())
        return rows

    def check_deleted(self, count: str, values: Any) -> None:
        """
        Check that the deleted rows are gone, where a trigger or a rule may have kept some.

        :param count: the query that counts the rows left
        :raises DestinationError: when there are any
        """
        if not self.facts.keeps_deleted:
            return
        with self.errors("could not be counted"), closing(self.raw.cursor()) as cursor:
            cursor.execute(count, *([values] if values else []))
            kept = int(cursor.fetchone()[0])
        if kept:
            raise DestinationError(
                f"Destination {self.conn_id!r}: {kept:,} rows of {self.table} are still there after they were deleted, "
                f"kept by {self.facts.keeps_deleted}, and nothing of it is committed. Use 'upsert', or drop that."
            )

    @contextmanager
    def all_rows(self) -> Iterator[None]:
        """Delete rows in this context, which raises an error where some are hidden from this session."""
        yield

    def run_script(self, script: str | Sequence[str]) -> list[tuple[str, int | None]]:
        """
        Run the preoperator's statements.

        :return: the first word of each, and the rows that it has changed where the driver counts them
        """
        ran = []
        for statement in [script] if isinstance(script, str) else script:
            with self.errors("refused the preoperator"), closing(self.raw.cursor()) as cursor:
                cursor.execute(statement)
                ran += self._results(cursor, statement)
        return ran

    def _results(self, cursor: Any, statement: str) -> list[tuple[str, int | None]]:
        """Return the executed statements, as :meth:`run_script` does."""
        pieces = tokenize(statement, self.dialect.tokens)
        verb = next((text for kind, text, _ in pieces if kind != "blank"), "").upper()
        if not verb:
            return []
        return [(verb, changed_rows(cursor) if verb in CHANGING else None)]

    def _run(self, statement: str) -> None:
        cursor = self.raw.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()
