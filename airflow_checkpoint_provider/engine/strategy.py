"""How a load finds its place in the source again: by key, or by counting rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, cast

from airflow_checkpoint_provider.engine.batches import (
    NONE,
    Block,
    Chunk,
    Reader,
    Row,
    Rows,
    by_count,
    whole_ties,
)
from airflow_checkpoint_provider.engine.binds import Binds
from airflow_checkpoint_provider.engine.digest import chain_digest, row_digest
from airflow_checkpoint_provider.engine.errors import ArgumentError, SourceChangedError, SourceError
from airflow_checkpoint_provider.engine.part import Part
from airflow_checkpoint_provider.engine.position import (
    Key,
    Position,
    Unreadable,
    earlier,
    encode_key,
    kind,
)
from airflow_checkpoint_provider.engine.sources.dbapi import Source


class Strategy(ABC):
    """
    What the transfer asks of a strategy.

    :param name: as the checkpoint and the log have it
    :param columns: the columns of its key, if it has one
    """

    def __init__(self, name: str, columns: Sequence[str] = ()) -> None:
        self.name = name
        self.columns = tuple(columns)

    def upper_bound(self) -> Key | None:
        """Return the last key that a load that starts now will read."""
        return None

    def check(self) -> None:  # noqa: B027
        """Find out before the first row is written what would make rows disappear."""

    def check_stored(self, *keys: Key | None) -> None:  # noqa: B027
        """
        Make sure that keys of the metadata table can be gone on from.

        :raises InvalidCheckpointError: when one is unreadable, or of another type than the columns have now
        """

    def behind(self, position: Position, lookback: Any) -> Position:
        """
        Go back from a high-water mark.

        :raises ArgumentError: when the key is not a number or a time that ``lookback`` can be taken from
        """
        return position

    def read_columns(self, columns: Sequence[str]) -> None:  # noqa: B027
        """Expect rows to have these columns."""

    @abstractmethod
    def chunks(self, position: Position, upper: Key | None) -> Generator[Chunk]:
        """Read on from a position; the first step proves that the position still holds."""

    @abstractmethod
    def describe(self, position: Position) -> str:
        """Say in a few words where reading starts."""


class KeyStrategy(Strategy):
    """``WHERE key > :position ORDER BY key``, up to a bound that is taken once."""

    def __init__(
        self,
        source: Source,
        columns: Sequence[str],
        batch_size: int,
        on_null_key: str,
        part: Part | None = None,
    ) -> None:
        super().__init__("key", columns)
        self.source = source
        self._size = batch_size
        self._load_nulls = on_null_key == "load"
        self._part = self._keyed_part = part
        self._empty = False
        if part and part.column in columns:
            # Rows with a key have a value there: to ask for it would only keep the database from using an index.
            self._keyed_part = replace(part, nulls=False)
            self._empty = part.upper is None
        self.read_columns(source.columns)

    def read_columns(self, columns: Sequence[str]) -> None:
        indexes = [list(columns).index(column) for column in self.columns]
        self._key: Callable[[Row], Key] = itemgetter(*indexes) if indexes[1:] else _single(indexes[0])

    def upper_bound(self) -> Key | None:
        return None if self._empty else self.source.last_key(self.columns, self._keyed_part)

    def check(self) -> None:
        if self._load_nulls or self._never_null():
            return
        if count := self.source.count_nulls(self.columns, self._part):
            raise SourceError(
                f"{', '.join(self.columns)}: {count:,} rows have no value there, and reading by key would "
                "leave them out. Set on_null_key='load' to load them as the last batch, filter them in the "
                "query, or choose another checkpoint_column."
            )

    def chunks(self, position: Position, upper: Key | None) -> Generator[Chunk]:
        rows = position.rows
        key = position.key
        if upper is not None and not position.nulls_done:
            for chunk in self._keyed(position, upper):
                rows, key = rows + len(chunk.rows), chunk.end.key if chunk.end else key
                yield chunk
        if self._load_nulls and not position.nulls_done and not self._never_null():
            yield from self._nulls(Position(key, rows))

    def describe(self, position: Position) -> str:
        if position.key is None:
            return "the first row"
        return f"{_listed(self.columns)} > {_listed(position.key)}"

    def behind(self, position: Position, lookback: Any) -> Position:
        if position.key is None or not lookback:
            return position
        try:
            return Position((earlier(position.key[0], lookback),))
        except (TypeError, ArithmeticError, ValueError) as error:
            raise ArgumentError(
                f"lookback: {lookback!r} cannot be taken from {self.columns[0]} = {position.key[0]!r}; "
                "a number goes with a numeric key, a timedelta with a time."
            ) from error

    def check_stored(self, *keys: Key | None) -> None:
        given = [key for key in keys if key is not None]
        now = self.source.last_key(self.columns) if given else None
        for stored in given:
            if isinstance(stored[0], Unreadable):
                raise self.source.invalid_position(self.columns, stored[0].text, now)
            if len(stored) != len(self.columns) or (now and list(map(kind, stored)) != list(map(kind, now))):
                raise self.source.invalid_position(self.columns, encode_key(stored), now)

    def _keyed(self, position: Position, upper: Key) -> Generator[Chunk]:
        conditions = []
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        if position.key is not None:
            conditions.append(self._compare(">", position.key, binds))
        conditions.append(self._compare("<=", upper, binds))
        if len(self.columns) > 1:
            # A row of which only the first values are there would pass the comparison.
            conditions.append(f"NOT {self.source.null_condition(self.columns)}")
        within = self.source.within(self._keyed_part, binds)
        order = ", ".join(self.source.quote(column) for column in self.columns)
        statement = self.source.select(
            "*", f" WHERE {' AND '.join(conditions)}{within} ORDER BY {order}", binds
        )
        rows = position.rows
        first: Key | None = None
        newest: Block = NONE
        with self.source.stream(statement) as reader:
            for block in whole_ties(reader, self._size, self._tied):
                if block is None:
                    yield Chunk(NONE, Position(self._key(newest.last), rows), first)
                else:
                    newest, rows = block, rows + len(block)
                    first = first or self._key(block.first)
                    yield Chunk(block, None, first)

    def _tied(self, one: Row, other: Row) -> bool:
        return self.source.tied(self.columns, self._key(one), self._key(other))

    def _nulls(self, position: Position) -> Generator[Chunk]:
        rows = position.rows
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        condition = (
            f" WHERE {self.source.null_condition(self.columns)}{self.source.within(self._part, binds)}"
        )
        statement = self.source.select("*", condition, binds)
        with self.source.stream(statement) as reader:
            while block := reader.read(self._size):
                rows += len(block)
                yield Chunk(block, None)
        if rows > position.rows:
            yield Chunk(NONE, Position(position.key, rows, nulls_done=True))

    def _never_null(self) -> bool:
        """Tell whether the part cannot have rows without a key."""
        return self._part is not None and not self._part.nulls and self.columns == (self._part.column,)

    def _compare(self, operator: str, key: Key, binds: Binds) -> str:
        # A position that lookback has moved has only the first of several columns.
        return self.source.compare(self.columns[: len(key)], operator, key, binds)


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

    def chunks(self, position: Position, upper: Key | None) -> Generator[Chunk]:
        rows, digest = position.rows, position.digest
        by_last_row = self._proof == "last_row"
        newest: Block = NONE
        with self.source.stream(self.source.whole(), skip=rows - 1 if by_last_row else 0) as reader:
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

    def describe(self, position: Position) -> str:
        return f"row {position.rows + 1:,}" if position.rows else "the first row"

    def position_behind(self, rows: int) -> Position:
        """
        Return the position behind so many rows, with its proof.

        :raises SourceError: when the query returns fewer
        """
        skip = 0 if self._proof == "prefix" else rows - 1
        with self.source.stream(self.source.whole(), skip=skip) as reader:
            digest = self._digest(rows, reader)
        if digest is None:
            raise SourceError(f"rows: the query returns fewer than {rows:,} rows.")
        return Position(rows=rows, digest=digest)

    def _digest(self, rows: int, reader: Reader) -> str | None:
        """Read what the proof is made of: the last row, or all of them; ``None`` where there are fewer."""
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


def _single(index: int) -> Any:
    return lambda row: (row[index],)


def _listed(values: Sequence[Any]) -> str:
    text = ", ".join(str(value) for value in values)
    return f"({text})" if len(values) > 1 else text
