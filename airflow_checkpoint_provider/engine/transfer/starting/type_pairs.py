"""Pairs of types that are refused before anything is changed: the destination would read the text as other values."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session


def check_type_pairs(spec: TransferSpec, session: Session, columns: Columns) -> None:
    """
    Refuse a type that the source writes as text and the destination's column is not known to read.

    The destination must be prepared: its columns decide.

    :raises ArgumentError: names the column, both types and the cast
    """
    if spec.rows_processor:  # its values may be of other columns
        return
    source, destination = session.source, session.destination
    written = source.written_types(destination.packed_forms(), columns.read)
    doubtful = [index for index, type_ in written.items() if not destination.reads(index, type_.kind)]
    if not doubtful:
        return
    pairs = "; ".join(
        f"{columns.read[index]} is {written[index].declared}, and {destination.columns[index]} of "
        f"{destination.table} is {destination.declared(index)}"
        for index in doubtful
    )
    name, there = columns.read[doubtful[0]], destination.declared(doubtful[0])
    raise ArgumentError(
        f"sql: {pairs}: it is not known that the column reads the same values in the text that "
        f"{source.dialect.title} writes for them. Cast it in the query to the type that is meant, such as "
        f"CAST({name} AS {there}) AS {name}, or write it into a column of text."
    )
