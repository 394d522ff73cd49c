"""The arguments that listed tables have in common, those of the mapped task itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_checkpoint_provider.engine.model.checks import flag
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.tables import ADDING


def check_common(
    given: Mapping[str, Any], defaults: Mapping[str, Any], mapping_columns: Mapping[str, Any]
) -> None:
    """
    Check the arguments of the mapped task that loads listed tables.

    :param given: arguments of all its instances
    :param defaults: arguments of each listed table
    :param mapping_columns: the columns with arguments of single tables
    :raises ArgumentError: for one that the tables cannot have in common
    """
    for name in ("partition", "checkpoint_name"):
        if given.get(name) is not None:
            raise ArgumentError(f"{name}: it is not an argument of a listed table; leave it out.")
    if given.get("publish") is False:
        raise ArgumentError(
            "publish: each listed table is published by its own instance. Leave it out, or declare the tables in a "
            "CheckpointedTransferGroup with publish_together=True."
        )
    own = {*defaults, *mapping_columns}
    for name in ("strategy", "checkpoint_enabled"):
        value = given.get(name)
        if name not in own and value is not None and is_literal(value) and is_without(name, value):
            raise ArgumentError(
                f"{name}: {shown(value)} is for tables without a checkpoint, and each listed table is given one by its "
                "name; give it in defaults."
            )
    _check_destination({**given, **defaults}, given, own, "write_mode" in mapping_columns)


def is_without(name: str, value: Any) -> bool:
    """Return whether a value of ``strategy`` or ``checkpoint_enabled`` is one for a table without a checkpoint."""
    return value == "none" if name == "strategy" else flag(name, value) is False


def _check_destination(
    all_given: Mapping[str, Any], given: Mapping[str, Any], own: set[str], mode_by_table: bool
) -> None:
    table = given.get("destination_table")
    if table is None or "destination_table" in own or not is_literal(table):
        return
    mode = all_given.get("write_mode", "append")
    if mode_by_table or mode not in ADDING:
        raise ArgumentError(
            f"destination_table: all listed tables would be loaded into {shown(table)}, which only write_mode='append' "
            "and 'upsert' do not empty. Give each its own in defaults, such as 'dwh.{table}'."
        )
