"""Rows that a load from the beginning would add a second time."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.remaining_rows import is_empty
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Decision
from airflow_checkpoint_provider.engine.model.errors import WouldDuplicateError
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext


def refuse_duplicates(context: AttemptContext, stored: Checkpoint, decision: Decision) -> None:
    """
    Refuse to start over where the committed rows would stay, and be written again.

    :param stored: the checkpoint that earlier attempts have left
    :raises WouldDuplicateError: names the ways out
    """
    spec = context.spec
    emptied = spec.preoperator and not decision.from_mark
    # A mark has rows before it, even if neither this run nor a seed has counted any.
    there = stored.rows or (stored.position.key and not decision.from_mark)
    if not there or spec.write_mode != "append" or emptied or spec.allow_duplicates:
        return
    if not spec.preoperator and not decision.from_mark and is_empty(context.session.destination):
        return
    rows = (
        f"{stored.rows:,} rows of this load"
        if stored.rows
        else f"rows up to {', '.join(map(str, stored.position.key or ()))}"
    )
    ways = (
        "write_mode='upsert' (or allow_duplicates=True)"
        if decision.from_mark
        else (
            "write_mode='replace' or 'upsert', a preoperator that empties the table, on_clear='resume', or "
            "allow_duplicates=True"
        )
    )
    raise WouldDuplicateError(
        f"{decision.reason}, but {rows} are already committed in "
        f"{stored.destination_table}, and write_mode='append' would add them a second time. Use {ways}; or "
        "delete the rows and the checkpoint by hand."
    )
