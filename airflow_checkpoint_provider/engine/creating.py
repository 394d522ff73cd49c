"""The statements that create a table and its indexes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

FILLFACTOR = "fillfactor"  # in the info of a table: percent of each page that INSERT fills, in Postgres


class CreateWhole(CreateTable):
    """A table and its indexes in one statement."""


class CreateWithRoom(CreateTable):
    """A table whose pages are left partly empty; SQLAlchemy has an option for that from 2.1 on."""


def creation(table: sa.Table, dialect: sa.Dialect) -> list[ExecutableDDLElement]:
    """Return the statements, in their order."""
    # There each statement commits by itself: a table that is there is to have its indexes, whoever was killed in
    # between, and those who use it already are not to wait for a lock that the next index waits for.
    if dialect.name in ("mysql", "mariadb"):
        return [CreateWhole(table)]
    create = CreateWithRoom if dialect.name == "postgresql" and FILLFACTOR in table.info else CreateTable
    return [create(table), *map(CreateIndex, _indexes(table))]


def _indexes(table: sa.Table) -> list[sa.Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


@compiles(CreateWhole)
def _with_keys(create: CreateWhole, compiler: Any, **options: Any) -> str:
    table, quote = create.element, compiler.preparer.quote
    keys = [
        f"KEY {quote(index.name)} ({', '.join(quote(column.name) for column in index.columns)})"
        for index in _indexes(table)
    ]
    columns, end, rest = compiler.visit_create_table(create, **options).rpartition("\n)")
    return str(columns + "".join(f", \n\t{key}" for key in keys) + end + rest)


@compiles(CreateWithRoom)
def _with_room(create: CreateWithRoom, compiler: Any, **options: Any) -> str:
    created = compiler.visit_create_table(create, **options)
    return f"{created.rstrip()}\n WITH ({FILLFACTOR} = {create.element.info[FILLFACTOR]})\n\n"
