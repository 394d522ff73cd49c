"""A table and its indexes in one statement of MySQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

from airflow_checkpoint_provider.engine.databases.dialect import indexes


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
