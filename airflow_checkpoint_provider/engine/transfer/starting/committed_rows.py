"""A check that the rows that a checkpoint counts are still in the table when a load resumes."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import DestinationMismatchError, StageError
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext


def lost_rows(context: AttemptContext, checkpoint: Checkpoint) -> list[str]:
    """
    Compare an empty table with the rows that the load has committed to it.

    With ``scope="task"`` rows may be taken away between the runs, which is not an error.

    :param checkpoint: as the last attempt has left it
    :return: warnings for a person
    :raises DestinationMismatchError: when the committed rows are gone, and the remaining ones would follow
    :raises StageError: when the rows are gone from a stage, which is not published
    """
    destination = context.session.destination
    if not checkpoint.rows or checkpoint.is_seeded or not destination.is_empty():
        return []
    if context.stage:
        raise StageError(
            f"The stage {context.stage.table} has lost the {checkpoint.rows:,} rows written to it"
        )
    gone = f"{destination.table} is empty, and this load has committed {checkpoint.rows:,} rows to it"
    if context.spec.scope == "task":
        return [f"destination_table: {gone}. The rows that follow are loaded; those are not loaded again."]
    raise DestinationMismatchError(
        f"destination_table: {gone}: they were deleted, or the table was made anew. Going on would leave them out. "
        "Clear the task to load from the start, or restore the rows."
    )
