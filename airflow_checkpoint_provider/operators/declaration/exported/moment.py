"""The tables of a declaration that are read as of the moment of its group, and those of another one, in words."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.operators.declaration.exported.tables import Table


def share(tables: list[Table], moment: Any) -> list[str]:
    """
    Take out of each table what the moment of the group gives it, and out of the tables those of another moment.

    :param moment: the task that takes the moment of the group, or ``None``
    :return: what is not declared
    """
    told = []
    for table in list(tables):
        given = table.arguments
        task_id, as_of = given.get("as_of_task_id"), given.get("as_of")
        if task_id and (moment is None or task_id != moment.task_id):
            told.append(
                f"{table.label}: it is read as of the moment of {task_id}; the table is not declared."
            )
            tables.remove(table)
        elif moment is not None and as_of and not task_id:
            told.append(f"{table.label}: it is read as of a moment of its own; the table is not declared.")
            tables.remove(table)
        elif moment is not None:
            given.pop("as_of_task_id", None)
            if as_of == "now":
                del given["as_of"]
            elif not as_of:
                given["as_of"] = None
    return told
