"""Metadata tables in MySQL: each created, and changed, in as few statements as can be."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.metadata_dialect import indexes
from airflow_checkpoint_provider.engine.databases.migration import Statement, TableChange


class CreateWhole(CreateTable):
    """A table and its indexes in one statement."""


@compiles(CreateWhole)
def _with_keys(create: CreateWhole, compiler: Any, **options: Any) -> str:
    table, quote = create.element, compiler.preparer.quote
    keys = [
        f"KEY {quote(index.name)} ({', '.join(quote(column.name) for column in index.columns)})"
        for index in indexes(table)
    ]
    columns, end, rest = compiler.visit_create_table(create, **options).rpartition("\n)")
    return str(columns + "".join(f", \n\t{key}" for key in keys) + end + rest)


def change_table(change: TableChange, indexes_there: set[str] | None) -> list[ExecutableDDLElement]:
    """
    Return the statements that change a table; each commits by itself, and as a whole.

    :param indexes_there: the indexes that the table has; ``None`` for those that it was created with
    """
    quote = change.quote
    steps = [f"ADD COLUMN {change.spell(column)}" for column in change.missing]
    if change.has_old_key:
        steps += ["DROP PRIMARY KEY"] if change.key_name is not None else []
        steps.append(f"ADD PRIMARY KEY ({change.key})")
    steps += [
        f"ADD KEY {quote(str(index.name))} ({change.columns_of(index)})"
        for index in change.created
        if indexes_there is None or index.name not in indexes_there
    ]
    steps += [
        f"DROP KEY {quote(name)}" for name in change.dropped if indexes_there is None or name in indexes_there
    ]
    first = [Statement(f"ALTER TABLE {change.name} {', '.join(steps)}")] if steps else []
    last = (
        [Statement(f"ALTER TABLE {change.name} ADD COLUMN {change.spell(change.last)}")]
        if change.last is not None
        else []
    )
    return [*first, *change.fill, *last]
