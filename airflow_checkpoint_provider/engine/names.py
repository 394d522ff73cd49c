"""Names of tables as people write them, and as the catalog has them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.errors import ArgumentError

_PART = re.compile(r'\s*(?:"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|([^".`\s][^".`]*?))\s*(\.|$)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class TableName:
    """
    A table, with its schema where one was given.

    :param quoted: whether the last part was written in quotes, and so is meant to the letter
    """

    table: str
    schema: str | None = None
    quoted: bool = False

    @classmethod
    def parse(cls, text: str, argument: str) -> TableName:
        """
        Read ``table`` or ``schema.table``, each part plain or in quotes.

        :param argument: the argument to name in the error
        :raises ArgumentError: when it is not a table name
        """
        parts: list[str] = []
        quoted, place, ended = False, 0, False
        while not ended:
            match = _PART.match(text, place) if isinstance(text, str) else None
            if not match:
                raise ArgumentError(f"{argument}: {text!r} is not a table name; write table or schema.table.")
            double, back, plain, stop = match.groups()
            quoted = plain is None
            parts.append(plain or (double or "").replace('""', '"') or (back or "").replace("``", "`"))
            place, ended = match.end(), stop != "."
        return cls(parts[-1], ".".join(parts[:-1]) or None, quoted)

    def resolve(self, inspector: sa.Inspector) -> TableName | None:
        """Find the table or view in the catalog: to the letter, else folded as the database folds names."""
        spellings = [self] if self.quoted else [self, self._folded()]
        for name in spellings:
            if inspector.has_table(name.table, schema=name.schema):
                return name
        return None

    def _folded(self) -> TableName:
        # SQLAlchemy writes "case does not matter" as lower case, for Oracle too.
        return TableName(self.table.lower(), self.schema.lower() if self.schema else None)

    def quote(self, dialect: sa.Dialect) -> str:
        """Write the name for use in a statement."""
        prepare = dialect.identifier_preparer
        table = prepare.quote(self.table)
        return f"{prepare.quote_schema(self.schema)}.{table}" if self.schema else table

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


def match_column(wanted: str, columns: list[str]) -> str | None:
    """Find a column to the letter, else the only one that differs by case alone."""
    if wanted in columns:
        return wanted
    similar = [column for column in columns if column.lower() == wanted.lower()]
    return similar[0] if len(similar) == 1 else None
