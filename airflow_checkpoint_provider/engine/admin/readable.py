"""The checkpoints of DAGs that a person may see, selected before any limit counts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, is_text
from airflow_checkpoint_provider.engine.store.bounded_queries import distinct

Readable = Callable[[Collection[str]], Collection[str]]
"""Selects the DAGs that may be seen."""

_MOST_IN_LIST = 500  # values in one IN; Oracle allows 1,000
_MANY = 4  # a fourth of all DAGs


@dataclass(frozen=True, slots=True)
class DagsThere:
    """
    The DAGs of a metadata table that may be seen.

    :param readable: their ids, in order
    :param conditions: select their rows; none where that is every row
    """

    readable: list[str]
    conditions: list[sa.ColumnElement[bool]]

    @classmethod
    def of(cls, connection: sa.Connection, table: sa.Table, readable: Readable) -> DagsThere:
        """Read the DAGs of a table."""
        stored = distinct(connection, table.c.dag_id)
        dag_ids = [dag_id for dag_id in stored if is_text(dag_id) and len(dag_id) <= ID_LENGTH]
        seen = set(readable(dag_ids))
        shown = [dag_id for dag_id in dag_ids if dag_id in seen]
        if len(seen) == len(stored):
            return cls(shown, [])
        column: sa.ColumnElement[str] = table.c.dag_id
        if dialect_of(connection).takes_any_index and len(seen) * _MANY > len(stored):
            # All rows of these DAGs would be read by their index, and sorted; the newest rows are mostly theirs.
            column = sa.func.coalesce(column, column)
        return cls(shown, [_is_one_of(column, sorted(seen))])


def _is_one_of(column: sa.ColumnElement[str], values: list[str]) -> sa.ColumnElement[bool]:
    parts = [values[n : n + _MOST_IN_LIST] for n in range(0, len(values), _MOST_IN_LIST)]
    # IN with no values is false everywhere; SQLAlchemy's constants are not conditions in Oracle.
    return sa.or_(*(column.in_(part) for part in parts or [[]]))
