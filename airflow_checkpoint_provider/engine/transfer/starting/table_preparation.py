"""The destination's table, checked and made ready to be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.errors import DestinationMismatchError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import names_there
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import check_table
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import check_type_pairs


def look_at_table(context: AttemptContext, columns: Columns | None = None) -> None:
    """Prepare the table as :func:`prepare_table` does, where no transaction is open."""
    with reading(context.session.destination.connection):
        prepare_table(context, columns)


def prepare_table(context: AttemptContext, columns: Columns | None = None) -> None:
    """
    Check the table by the facts that the server has about it, and prepare to write to it.

    :param columns: those that it has already; by default all of the load
    :raises ArgumentError: names the table or the column, and the way out
    :raises DestinationError: when the table or a column does not exist, or a right is missing
    """
    spec, columns = context.spec, columns or context.columns
    destination = context.session.destination
    with naming_way_out(spec, destination, columns.written):
        destination.prepare(columns.written, spec.conflict_columns, partial(check_table, spec))
    check_type_pairs(spec, context.session, columns)


@contextmanager
def naming_way_out(spec: TransferSpec, destination: Destination, written: Sequence[str]) -> Iterator[None]:
    """Name the argument for new columns in an error, where the table lacks a column that may be new."""
    try:
        yield
    except DestinationMismatchError as error:
        named = spec.columns or spec.destination_columns or spec.on_new_column != "fail"
        if named or _has_all(destination, written):
            raise
        raise DestinationMismatchError(
            f"{error} Where it is new at the source, on_new_column='add' adds it to the table, and 'ignore' leaves it "
            "out."
        ) from error


def _has_all(destination: Destination, wanted: Sequence[str]) -> bool:
    """Return whether the table, if it exists, has all columns of some names."""
    there = list(names_there(destination))
    return not there or all(match_column(name, there) for name in wanted)
