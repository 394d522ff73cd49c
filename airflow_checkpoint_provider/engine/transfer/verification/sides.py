"""The two sides of a comparison: the rows of a range, counted and digested by the hash of their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from airflow_checkpoint_provider.engine.databases.rows.blocks import READ_AT_ONCE, Row, Rows
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.transfer.verification.form_choice import Form

BUCKETS = 4096
Digests = dict[int, tuple[int, int]]
"""The number of rows and the sum of their hashes, by bucket."""


@dataclass(frozen=True, slots=True)
class Range:
    """
    A range of keys of a table.

    :param lower: where it begins; ``None`` without such a bound
    :param inclusive: whether the row at ``lower`` is part of it
    :param upper: where it ends; ``None`` where there are only rows without a key
    :param nulls: whether rows without a key are part of it
    """

    key: tuple[str, ...]
    lower: Key | None
    inclusive: bool
    upper: Key | None
    nulls: bool

    def condition(self, source: Source, binds: Binds) -> str:
        """Return the condition for a WHERE; keys are compared by the database."""
        absent = source.null_condition(self.key)
        parts = [f"NOT {absent}"]
        if self.lower is not None:
            operator = ">=" if self.inclusive else ">"
            parts.append(source.compare(self.key[: len(self.lower)], operator, self.lower, binds))
        parts.append(source.compare(self.key, "<=", self.upper, binds) if self.upper else "1 = 0")
        condition = " AND ".join(parts)
        return f"({condition} OR {absent})" if self.nulls else f"({condition})"


class Side:
    """
    Rows as one database has them, read to be compared in Python.

    :param columns: the compared columns, in the same order on both sides
    :param range_: the compared range of the query; ``None`` for all of it
    :param forms: the form of the values of each column
    """

    def __init__(
        self, source: Source, columns: Sequence[str], range_: Range | None, forms: Sequence[Form] = ()
    ) -> None:
        self.source = source
        self.columns = list(columns)
        self.key: list[int] = []
        self._range = range_
        self._forms = forms
        self._indexes = [source.columns.index(column) for column in columns]

    def select(self, what: str, more: str = "", tail: str = "") -> tuple[str, Any]:
        """
        Return a statement over the range.

        :param more: a further condition
        :param tail: the end of the statement, behind the conditions
        """
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        condition = self._condition(more, binds)
        where = f" WHERE {condition}" if condition else ""
        return self.source.select(what, f"{where} {tail}".rstrip(), binds)

    def _condition(self, more: str, binds: Binds) -> str:
        parts = [self._range.condition(self.source, binds)] if self._range else []
        return " AND ".join([*parts, *([more] if more else [])])

    def count(self, distinct: Sequence[str] = ()) -> int:
        """Count the rows, or the different values of the ``distinct`` columns."""
        if distinct:
            text, values = self.select(f"DISTINCT {', '.join(map(self.source.quote, distinct))}")
            row = self.source.one((f"SELECT COUNT(*) FROM ({text}) keys", values))
        else:
            row = self.source.one(self.select("COUNT(*)"))
        return int(row[0]) if row else 0

    def sample(self) -> list[Any]:
        """Return a value of each column; ``None`` only for one without a value in any row."""
        found: list[Any] = [None] * len(self.columns)
        more = ""
        while row := self._any_row(more):
            for place, index in enumerate(self._indexes):
                found[place] = row[index] if found[place] is None else found[place]
            absent = [c for c, value in zip(self.columns, found, strict=True) if value is None]
            if not absent:
                break
            more = f"({' OR '.join(f'{self.source.quote(column)} IS NOT NULL' for column in absent)})"
        return found

    def _any_row(self, more: str) -> Row | None:
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        return self.source.one(self.source.first("*", self._condition(more, binds), binds=binds))

    def judged(self, forms: Sequence[Form | str]) -> Side:
        """Return the same rows without the columns that have no form."""
        found = [(c, form) for c, form in zip(self.columns, forms, strict=True) if not isinstance(form, str)]
        return Side(self.source, [c for c, _ in found], self._range, [form for _, form in found])

    def digests(self) -> Digests:
        """Digest all rows; hashes of text are the same within this process only."""
        counts: dict[int, int] = defaultdict(int)
        sums: dict[int, int] = defaultdict(int)
        for row in self._written():
            bucket = self._bucket(row)
            counts[bucket] += 1
            sums[bucket] += hash(repr(row))
        return {bucket: (count, sums[bucket]) for bucket, count in counts.items()}

    def rows(self, buckets: Collection[int]) -> Iterator[Row]:
        """Return the rows of some buckets, in the form in which they are compared."""
        return (row for row in self._written() if self._bucket(row) in buckets)

    def key_of(self, row: Row) -> Row:
        """Return the key of a row."""
        return tuple(row[index] for index in self.key)

    def read(self, statement: tuple[str, Any]) -> Iterator[Rows]:
        """Run a statement, and yield its rows in blocks."""
        with self.source.stream(statement) as reader:
            while block := reader.read(READ_AT_ONCE):
                yield cast("Rows", block)

    def _bucket(self, row: Row) -> int:
        return hash(repr(self.key_of(row) if self.key else row)) % BUCKETS

    def _written(self) -> Iterator[Row]:
        for block in self.read(self.select("*")):
            columns = list(zip(*block, strict=True))
            written = (
                [None if value is None else form(value) for value in columns[index]]
                for index, form in zip(self._indexes, self._forms, strict=True)
            )
            yield from zip(*written, strict=True)
