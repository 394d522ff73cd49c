"""Equality as Postgres decides it, where Python cannot: 30 days are a month, and a column has its own collation."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.model.key import Key


def typed(column: PostgresColumn, placeholder: str) -> str:
    """Write a placeholder cast to the column's type: without a cast, a real 0.1 is compared as double precision."""
    return f"CAST({placeholder} AS {column.type_})"


def compared(column: PostgresColumn, name: str) -> str:
    """Write a column to compare with :func:`typed`: no operator takes a domain over an enum and the enum itself."""
    return f"CAST({name} AS {column.type_})" if column.family == "e" else name


def is_deterministic(source: Source, column: PostgresColumn) -> bool:
    """Return whether texts of the column's collation are equal only where they are the same."""
    name = source.quote(column.name)
    nothing = f" WHERE 1 = 0 UNION ALL SELECT CAST(NULL AS {column.type_})"
    text, values = source.select(name, nothing)
    found = source.one(
        (
            "SELECT collisdeterministic FROM pg_collation WHERE oid = "
            f"(SELECT pg_collation_for({name})::regcollation FROM ({text}) src)",
            values,
        )
    )
    return bool(found and found[0])


def are_equal(source: Source, columns: Mapping[str, PostgresColumn], one: Key, other: Key) -> bool:
    """
    Ask the database whether two keys are equal.

    :param columns: those of the key, in its order
    """
    binds = Binds(source.paramstyle, source.query.parameters)
    names = ", ".join(map(source.compared, columns))
    values = [
        ", ".join(
            typed(column, binds.add(value)) for column, value in zip(columns.values(), key, strict=True)
        )
        for key in (one, other)
    ]
    text, bound = source.select(names, f" WHERE 1 = 0 UNION ALL SELECT {values[0]}", binds)
    return source.one((f"SELECT 1 FROM ({text}) src WHERE ({names}) = ({values[1]})", bound)) is not None
