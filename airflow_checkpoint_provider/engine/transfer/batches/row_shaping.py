"""Shaping rows for the destination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row, Rows
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk


class Watch(Protocol):
    """Compares the rows that a ``rows_processor`` returns with those that it was given."""

    def give(self, rows: Rows) -> None: ...

    def check(self, rows: Rows) -> None: ...


def shaped(
    chunks: Iterator[Chunk],
    pick: Callable[[Row], Row] | None,
    process: Callable[[Any], Any] | None,
    watch: Watch | None = None,
) -> Iterator[Chunk]:
    """
    Shape rows, block by block.

    :param pick: selects the written columns
    :param process: the ``rows_processor``, which sees a batch as a whole
    :param watch: sees each batch before and after it
    """
    whole = Rows()
    for chunk in chunks:
        if isinstance(chunk.rows, Rows) and pick:
            chunk = replace(chunk, rows=Rows(map(pick, chunk.rows), chunk.rows.size))
        if not process:
            yield chunk
            continue
        whole += cast("Rows", chunk.rows)
        if chunk.end is not None:
            if watch:
                watch.give(whole)
            processed = _as_rows(process(whole))
            if watch:
                watch.check(processed)
            yield replace(chunk, rows=processed)
            whole = Rows()


def _as_rows(returned: Any) -> Rows:
    if not isinstance(returned, Iterable) or isinstance(returned, str):
        raise ArgumentError(
            f"rows_processor: it returned {type(returned).__name__}; return the rows to write, or an empty list."
        )
    rows = Rows(returned)
    for row in rows:
        if not isinstance(row, Sequence) or isinstance(row, str):
            raise ArgumentError(
                f"rows_processor: it returned a {type(row).__name__} as a row; a row is a tuple or a list of values."
            )
    return rows
