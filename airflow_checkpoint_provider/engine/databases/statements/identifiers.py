"""Names of tables as people write them, and as the catalog has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checks import is_text, refuse

_PART = re.compile(r'\s*(?:"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|([^".`\s][^".`]*?))\s*(\.|$)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class TableName:
    """
    A table, with its schema where one was given.

    :param quoted: whether the last part was written in quotes, and so is meant to the letter
    :param schema_quoted: the same for the schema
    """

    table: str
    schema: str | None = None
    quoted: bool = False
    schema_quoted: bool = False

    @classmethod
    def parse(cls, text: str, argument: str) -> TableName:
        """
        Read ``table`` or ``schema.table``, each part plain or in quotes.

        :param argument: the argument to name in the error
        :raises ArgumentError: when it is not a table name
        """
        parts: list[str] = []
        quoted: list[bool] = []
        place, ended = 0, False
        while not ended:
            match = _PART.match(text, place) if is_text(text) else None
            if not match:
                raise refuse(argument, text, "a table name; write table or schema.table")
            double, back, plain, stop = match.groups()
            quoted.append(plain is None)
            parts.append(plain or (double or "").replace('""', '"') or (back or "").replace("``", "`"))
            place, ended = match.end(), stop != "."
        return cls(parts[-1], ".".join(parts[:-1]) or None, quoted[-1], any(quoted[:-1]))

    def resolve(self, inspector: sa.Inspector) -> TableName | None:
        """Find the table or view in the catalog: to the letter, else folded as the database folds names."""
        dialect = dialect_of(inspector)
        for name in (self, self._folded()):
            if dialect.is_there(inspector, name.table, name.schema, name.quote(inspector.dialect)):
                return replace(name, table=dialect.as_created(inspector, name.table, name.schema))
        return None

    def _folded(self) -> TableName:
        # SQLAlchemy writes "case does not matter" as lower case, for Oracle too.
        return replace(
            self,
            table=self.table if self.quoted else self.table.lower(),
            schema=self.schema if self.schema_quoted or not self.schema else self.schema.lower(),
        )

    def quote(self, dialect: sa.Dialect) -> str:
        """Write the name for use in a statement."""
        table = _quote(self.table, self.quoted, dialect)
        return f"{_quote(self.schema, self.schema_quoted, dialect)}.{table}" if self.schema else table

    def in_catalog(self, dialect: sa.Dialect) -> tuple[str | None, str]:
        """Return the schema and the table as the catalog spells them, of a name that :meth:`resolve` has found."""

        def spelt(name: str, quoted: bool) -> str:
            folded = dialect_of(dialect).folds_to_upper and not quoted
            return str(dialect.denormalize_name(name)) if folded else name

        return spelt(self.schema, self.schema_quoted) if self.schema else None, spelt(self.table, self.quoted)

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


def _quote(name: str, as_written: bool, dialect: sa.Dialect) -> str:
    if as_written and dialect_of(dialect).folds_to_upper:
        # Elsewhere lower case needs no quotes; here, without them, it would be another name.
        return dialect.identifier_preparer.quote_identifier(name)
    return quote_name(name, dialect)


def quote_name(name: str, dialect: sa.Dialect) -> str:
    """Quote a name as the catalog has it, for a statement without parameters."""
    return _plain(dialect.identifier_preparer.quote(name), dialect)


def quote_exactly(name: str, dialect: sa.Dialect) -> str:
    """Quote a name as the catalog has it, also where that folds names in another way than SQLAlchemy."""
    return _plain(dialect.identifier_preparer.quote_identifier(name), dialect)


def _plain(quoted: str, dialect: sa.Dialect) -> str:
    # SQLAlchemy doubles a % for the drivers that look for placeholders after it.
    return quoted.replace("%%", "%") if dialect.paramstyle in ("format", "pyformat") else quoted


def match_columns(
    wanted: Sequence[str], columns: list[str], missing: Callable[[str], Exception]
) -> list[str]:
    """
    Find columns as :func:`match_column` does, in the order in which they are wanted.

    :param missing: makes the error for a missing column
    """
    found = []
    for name in wanted:
        column = match_column(name, columns)
        if column is None:
            raise missing(name)
        found.append(column)
    return found


def match_column(wanted: str, columns: list[str]) -> str | None:
    """Find a column to the letter, else the only one that differs by case alone."""
    if wanted in columns:
        return wanted
    similar = [column for column in columns if column.lower() == wanted.lower()]
    return similar[0] if len(similar) == 1 else None
