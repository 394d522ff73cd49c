"""Counting rows, with a proof that the counted rows are the transferred ones."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

from airflow_checkpoint_provider.engine.databases.rows.blocks import NONE, Block, Reader, Rows
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, SourceError
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk, by_count
from airflow_checkpoint_provider.engine.transfer.strategies.base import Strategy
from airflow_checkpoint_provider.engine.transfer.strategies.row_digest import chain_digest, row_digest


class CountStrategy(Strategy):
    """
    Count the rows, and skip as many.

    :param proof: ``"last_row"``, ``"prefix"``, or ``None`` where no checkpoint is kept
    """

    def __init__(self, source: Source, batch_size: int, proof: str | None) -> None:
        super().__init__("python" if proof else "none")
        self.source = source
        self._size = batch_size
        self._proof = proof

    def chunks(self, position: Position, upper: Key | None, route: RowRoute = VALUES) -> Generator[Chunk]:
        rows, digest = position.rows, position.digest
        by_last_row = self._proof == "last_row"
        newest: Block = NONE
        skip = rows - 1 if by_last_row else 0
        with self.source.stream(self.source.whole(), skip, route) as reader:
            if rows:
                self._prove(position, reader)
            for block in by_count(reader, self._size):
                if block is None:
                    digest = row_digest(newest.last) if by_last_row else digest
                    yield Chunk(NONE, Position(rows=rows, digest=digest))
                else:
                    newest, rows = block, rows + len(block)
                    if self._proof == "prefix":
                        digest = chain_digest(cast("Rows", block), digest or "")
                    yield Chunk(block, None)

    def statement(self, position: Position, upper: Key | None, route: RowRoute = VALUES) -> tuple[str, Any]:
        return self.source.whole()

    def describe(self, position: Position) -> str:
        return f"row {position.rows + 1:,}" if position.rows else "the first row"

    def position_behind(self, rows: int, route: RowRoute) -> Position:
        """
        Return the position behind a number of rows, with its proof.

        :param route: the route of the load, because its rows make the proof
        :raises SourceError: when the query returns fewer
        """
        skip = 0 if self._proof == "prefix" else rows - 1
        with self.source.stream(self.source.whole(), skip, route) as reader:
            digest = self._digest(rows, reader)
        if digest is None:
            raise SourceError(f"rows: the query returns fewer than {rows:,} rows.")
        return Position(rows=rows, digest=digest)

    def _digest(self, rows: int, reader: Reader) -> str | None:
        """Return the digest of the last row, or of all rows; ``None`` where there are fewer."""
        if self._proof != "prefix":
            row = reader.read(1)
            return row_digest(row.last) if row else None
        digest = ""
        while rows and (block := reader.read(rows)):
            digest, rows = chain_digest(cast("Rows", block), digest), rows - len(block)
        return None if rows else digest

    def _prove(self, position: Position, reader: Reader) -> None:
        what = "the rows before it" if self._proof == "prefix" else "the row there"
        if self._digest(position.rows, reader) != position.digest:
            raise SourceChangedError(
                f"The source has changed since the last attempt: {position.rows:,} rows were committed, but "
                f"{what} is not the one that was transferred, so counting cannot tell where to go on. "
                "Clear the task to load from the start, set on_source_change='reload' to let it do so by "
                "itself, or give a checkpoint_column; a query with an ORDER BY keeps its order."
            )
