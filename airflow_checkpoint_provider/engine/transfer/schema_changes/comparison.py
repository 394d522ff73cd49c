"""The columns of the source, compared with those that the load has read so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.registry import query_of
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName, match_column
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.known_columns import KnownColumns
from airflow_checkpoint_provider.engine.model.stored_text import comparable
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.fingerprint import describe_columns
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import columns_there, names_there


def told_ignored(context: AttemptContext) -> list[str]:
    """Return a warning if columns of the source are left out."""
    if not (ignored := context.columns.ignored):
        return []
    return [
        f"on_new_column: {', '.join(ignored)} {_is(ignored)} new at the source, and not loaded, because 'ignore' is "
        "set. 'add' would load them from the next batch on."
    ]


def compared_with(context: AttemptContext, stored: Checkpoint) -> dict[str, str]:
    """
    Return the fingerprint of the load, as it would be without the columns that are new.

    :param stored: the checkpoint that earlier attempts have left
    """
    spec, session, now = context.spec, context.session, context.load.fingerprint
    known = KnownColumns.of(stored.fingerprint)
    if spec.on_new_column == "fail" or known is None or not known.new(session.source.columns):
        return now
    left = [name for name in session.source.columns if name in known.types]
    if left != list(known.types):  # one has gone, or they come in another order
        return now
    columns, before = context.columns, dict(now)
    unread = {name for name in session.source.columns if name not in (*columns.read, *columns.ignored)}
    new = set(known.new(columns.read))
    written = (columns.without(new) if new else columns).written
    # Columns that both servers compute are not read, and may have been there already.
    for there in (left, [name for name in session.source.columns if name in unread or name in known.types]):
        text = describe_columns(there, written)
        if text == stored.fingerprint.get("columns"):
            before["columns"] = text
        if spec.source_table:
            text = comparable(query_of(spec, session.source.connection, there).text)
            if text == stored.fingerprint.get("query"):  # some columns are hidden, so that all are named
                before["query"] = text
    return before


def why_not_staged(context: AttemptContext) -> str:
    """
    Return why a stage cannot take the rows of the destination's table any more; empty where it can.

    Another attempt, or a person, may have changed the table, and not the stage.
    """
    stage, destination = context.stage, context.session.destination
    if not stage:
        return ""
    with reading(destination.connection):
        staged = columns_there(destination, stage.table)
    there, dialect = names_there(destination), destination.dialect
    for name in (name for name in destination.columns if name in there):
        found, wanted = match_column(name, list(staged)), dialect.describe_type(there[name])
        if found is None:
            return (
                f"The stage {stage.table} has no column {name}, which {destination.table} has got meanwhile"
            )
        is_ = dialect.describe_type(staged[found])
        if wanted and is_ and not is_.keeps(wanted):
            return (
                f"Column {found} of the stage {stage.table} is {staged[found]}, and that of {destination.table} is "
                f"{there[name]} by now"
            )
    return ""


def why_not_published(destination: Destination, there: Mapping[str, str], stage: TableName) -> str:
    """
    Return why a table would not keep the rows that are staged for it, in a transaction; empty where it would.

    A person may have made a column narrower since. Servers round a number or a time that they move between tables, and
    say nothing.

    :param there: the table's columns with their types, as they are now
    :param stage: a table of its columns as they were
    """
    for name, staged in columns_there(destination, stage).items():
        found = match_column(name, list(there))
        if found is not None and not destination.dialect.keeps_staged(there[found], staged):
            return (
                f"Column {found} of {destination.table} is {there[found]} by now, and was {staged} when its rows were "
                f"staged in {stage}"
            )
    return ""


def why_not_on(context: AttemptContext, stored: Checkpoint) -> str:
    """
    Return why a load cannot go on with the columns that there are now, with the way out; empty where it can.

    :param stored: the checkpoint that earlier attempts have left
    """
    spec, source = context.spec, context.session.source
    if not spec.reads_all_columns:
        return ""
    known = KnownColumns.of(stored.fingerprint)
    if known is None:
        return _unknown(context, stored)
    if gone := known.gone(source.columns):
        return (
            f"on_new_column: {', '.join(gone)}, which the load has read so far, {_is(gone)} not among the columns of "
            f"the source any more: {', '.join(source.columns)}. Rows from here on would have NULL there. Where that is "
            "meant, name the others by a mapping in destination_columns."
        )
    new = known.new(context.columns.read)
    if new and spec.on_new_column == "fail":
        return (
            f"on_new_column: {', '.join(new)} {_is(new)} new at the source since the load has read it. Set "
            f"on_new_column='add' to have {_it(new)} added to {context.session.destination.table}, where rows loaded "
            f"before have NULL, or 'ignore' to leave {_it(new)} out."
        )
    if new and context.strategy.name == "python" and stored.position.rows:
        return (
            f"on_new_column: {', '.join(new)} {_is(new)} new at the source, and rows are counted here: the proof that "
            "the counted rows are the transferred ones is one of rows without it. Give a checkpoint_column."
        )
    change = context.change
    if change and (lost := [name for name in change.read if name in known.types]):
        return (
            f"destination_columns: {', '.join(lost)}, which the load has written so far, {_is(lost)} not among the "
            f"columns of {context.session.destination.table} any more. on_new_column='add' adds columns that are new "
            "at the source; these rows have lost their values."
        )
    return ""


def _unknown(context: AttemptContext, stored: Checkpoint) -> str:
    before, now = stored.fingerprint.get("columns"), context.load.fingerprint["columns"]
    if before == now or stored.is_seeded:
        return ""
    return (
        "on_new_column: the checkpoint has no list of the columns that its load has read, so it is not known which "
        f"are new (columns was {before or 'nothing'}, is {now}). Name them once by columns, or by a mapping in "
        "destination_columns."
    )


def _is(names: Collection[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _it(names: Collection[str]) -> str:
    return "it" if len(names) == 1 else "them"
