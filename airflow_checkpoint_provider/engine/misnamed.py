"""A table of the name that is somebody else's: looked at only when a statement has failed."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.database import reading
from airflow_checkpoint_provider.engine.errors import MetadataTableError
from airflow_checkpoint_provider.engine.names import has_table
from airflow_checkpoint_provider.engine.schema import Tables


def refuse_other_table(connection: sa.Connection, tables: Tables) -> None:
    """
    Look whether the tables that are there can be the metadata tables.

    :raises MetadataTableError: when one lacks columns of a metadata table
    """
    with reading(connection):
        inspector = sa.inspect(connection)
        for table in (tables.checkpoint, tables.event):
            if not has_table(inspector, table.name, table.schema):
                continue
            nothing = sa.select(sa.text("*")).select_from(table).where(sa.text("1 = 0"))
            there = set(connection.execute(nothing).keys())
            if missing := [column.name for column in table.columns if column.name not in there]:
                raise MetadataTableError(
                    f"checkpoint_table: {table.fullname} is there, and is no table of checkpoints: it has no column "
                    f"{missing[0]}. Give a name that no other table has."
                )
