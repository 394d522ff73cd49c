"""A check that the rows that a checkpoint counts are still in the table when a load resumes."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.remaining_rows import is_empty, lacks_row
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import DestinationMismatchError, StageError
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext


def lost_rows(context: AttemptContext, checkpoint: Checkpoint) -> list[str]:
    """
    Compare an empty table, or one without the row that was committed last, with what the load has committed to it.

    With ``scope="task"`` rows may be taken away between the runs, which is not an error.

    :param checkpoint: as the last attempt has left it
    :return: warnings for a person
    :raises DestinationMismatchError: when the committed rows are gone, and the remaining ones would follow
    :raises StageError: when the rows are gone from a stage, which is not published
    """
    destination = context.session.destination
    if not checkpoint.rows or checkpoint.is_seeded:
        return []
    if not is_empty(destination):
        return _last_row(context, checkpoint)
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


def lost_meanwhile(
    context: AttemptContext, first: Checkpoint, last: Checkpoint, *, searches: bool
) -> list[str]:
    """
    Return a warning if rows of the attempt's first batch are gone by its end.

    A table that somebody has emptied, or put another one in the place of, has the later batches alone.

    :param first: as committed with the first batch
    :param last: as committed with the last one
    :param searches: read the table where no index finds the row, because it was stored anew
    """
    if first.position == last.position:
        return []
    found = frozenset(context.session.destination.conflict_columns)
    if context.spec.write_mode == "upsert" and found != frozenset(_written_position(context, first)):
        return []  # by other columns, it may have given the row another key
    return _row(context, first, "has committed", "while it ran", searches=searches)


def _last_row(context: AttemptContext, checkpoint: Checkpoint) -> list[str]:
    """Return a warning if the row with the position is gone, by an index, or by a scan of a table without its key."""
    return _row(context, checkpoint, "has committed last", "since then")


def _row(
    context: AttemptContext, checkpoint: Checkpoint, committed: str, when: str, *, searches: bool = False
) -> list[str]:
    destination, numbers = context.session.destination, _written_position(context, checkpoint)
    indexed = [key.columns for key in destination.facts.unique_keys or () if key.why_not is None]
    indexed += [frozenset(context.key.lacking.columns)] if context.key.lacking else []
    if not numbers or not (searches or frozenset(numbers) in indexed) or not lacks_row(destination, numbers):
        return []
    key = ", ".join(f"{name} = {number}" for name, number in numbers.items())
    return [
        f"destination_table: {destination.table} has no row with {key}, which this load {committed}. If rows "
        f"were deleted {when}, this load does not bring them back: clear the task to load from the start. "
        "verify='digest' compares the rows."
    ]


def _written_position(context: AttemptContext, checkpoint: Checkpoint) -> dict[str, int]:
    """Return the position by columns of the destination, where these are known to hold it as it is."""
    spec, columns, key = context.spec, context.columns, checkpoint.position.key
    if not key or spec.rows_processor or spec.on_bad_row == "reject" or context.stage:
        return {}
    if any(type(value) is not int for value in key):
        return {}
    written = dict(zip(columns.read, columns.written, strict=False))
    found = [match_column(name, list(written)) for name in checkpoint.key_columns]
    return {written[name]: int(value) for name, value in zip(found, key, strict=False) if name is not None}
