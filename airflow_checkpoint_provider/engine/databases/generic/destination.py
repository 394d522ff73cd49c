"""Writing through an unknown driver, in SQL that every database understands."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds


class GenericDestination(Destination):
    """A table whose upserts run row by row: no upsert statement is common to all databases."""

    def _prepared(self) -> None:
        self._insert = self.insert_statement()
        self._others = [name for name in self.columns if name not in self.conflict_columns]

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        with closing(self.raw.cursor()) as cursor:
            if self.write_mode != "upsert":
                cursor.executemany(self._insert, [self._bound(row) for row in rows])
            else:
                for row in rows:
                    self._upsert(cursor, row)
        return None  # not every driver counts the rows of executemany

    def _upsert(self, cursor: Any, row: Row) -> None:
        given = dict(zip(self.columns, row, strict=True))
        key = {name: given[name] for name in self.conflict_columns}
        if None not in key.values() and self._count(cursor, key):
            if not self._others:
                return
            binds = Binds(self.style, None)
            changes = ", ".join(self._equal(binds, name, given[name]) for name in self._others)
            wanted = self._where(binds, key)
            cursor.execute(f"UPDATE {binds.escape(self.name)} SET {changes} WHERE {wanted}", binds.values)
        else:
            cursor.execute(self._insert, self._bound(row))

    def _count(self, cursor: Any, key: dict[str, Any]) -> int:
        # Not every driver counts the rows of an UPDATE.
        binds = Binds(self.style, None)
        wanted = self._where(binds, key)
        cursor.execute(f"SELECT COUNT(*) FROM {binds.escape(self.name)} WHERE {wanted}", binds.values)
        return int(cursor.fetchone()[0])

    def _where(self, binds: Binds, key: dict[str, Any]) -> str:
        return " AND ".join(self._equal(binds, name, value) for name, value in key.items())

    def _equal(self, binds: Binds, name: str, value: Any) -> str:
        return f"{binds.escape(self.quote(name))} = {binds.add(value)}"

    def _bound(self, row: Row) -> Any:
        """Return a row in the form of the driver's placeholders."""
        binds = Binds(self.style, None)
        for value in row:
            binds.add(value)
        return binds.values
