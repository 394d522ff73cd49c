"""Reading on from a key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from operator import itemgetter
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.blocks import NONE, Block, Row
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError, SourceMismatchError
from airflow_checkpoint_provider.engine.model.key import Key, Unreadable, encode_key, kind, tie
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.position import Position, earlier
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk, whole_ties
from airflow_checkpoint_provider.engine.transfer.strategies.base import Strategy
from airflow_checkpoint_provider.engine.transfer.strategies.key_range import KeyRange, OrderCheck
from airflow_checkpoint_provider.engine.transfer.strategies.mark import check_mark, check_position


class KeyStrategy(Strategy):
    """
    ``WHERE key > :position ORDER BY key``, up to a bound that is taken once.

    :param required: columns that have a value in every row, so that rows without one need not be searched for
    :param late: warnings, for a person, that rows may come below a high-water mark
    """

    def __init__(
        self,
        source: Source,
        columns: Sequence[str],
        batch_size: int,
        on_null_key: str,
        part: Partition | None = None,
        required: Collection[str] = (),
        late: Sequence[str] = (),
    ) -> None:
        super().__init__("key", columns)
        self._required = frozenset(required)
        self._late = tuple(late)
        self.source = source
        self._size = batch_size
        self._load_nulls = on_null_key == "load"
        self._part = self._keyed_part = part
        self._empty = False
        if part and part.column in columns:
            # Rows with a key have a value there: a condition on it would only keep the database from using an index.
            self._keyed_part = replace(part, nulls=False)
            self._empty = part.upper is None
        self._range = KeyRange(source, columns, self._keyed_part)

    def upper_bound(self) -> Key | None:
        return None if self._empty else self._range.greatest()

    def check(self) -> None:
        if self._load_nulls or self._never_null():
            return
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        condition = f"{self.source.null_condition(self.columns)}{self.source.within(self._part, binds)}"
        if self.source.exists(condition, binds):
            count = self.source.count_nulls(self.columns, self._part)
            raise SourceMismatchError(
                f"{', '.join(self.columns)}: {count:,} rows have no value there, and reading by key would "
                "leave them out. Set on_null_key='load' to load them as the last batch, filter them in the "
                "query, or choose another checkpoint_column."
            )

    def chunks(self, position: Position, upper: Key | None, route: RowRoute = VALUES) -> Generator[Chunk]:
        rows = position.rows
        key = position.key
        left = upper is not None and not position.nulls_done
        while left and upper is not None:
            before = key
            for chunk in self._keyed(Position(key, rows), upper, route):
                rows, key = rows + len(chunk.rows), chunk.end.key if chunk.end else key
                yield chunk
            # A server may end a result early, without an error; the remaining rows are read from there.
            left = key != upper and self._range.is_left(key, upper)
            if left and key == before:
                raise SourceError(
                    f"Source {self.source.conn_id!r}: the query returned no rows above {self._shown(key)}, and "
                    f"there are some up to {self._shown(upper)}. A setting of the server may limit what it returns; "
                    "the next attempt goes on from there."
                )
        if self._load_nulls and not position.nulls_done and not self._never_null():
            yield from self._nulls(Position(key, rows), route)

    def describe(self, position: Position) -> str:
        if position.key is None:
            return "the first row"
        return f"{_listed(self.columns)} > {_listed(position.key)}"

    def check_mark(self, mark: Key | None, upper: Key | None) -> Sequence[str]:
        return (*check_mark(self._range, mark, upper), *self._late)

    def check_position(self, position: Position, upper: Key | None) -> None:
        if position.key is not None and position.key != upper:
            check_position(self._range, position.key)

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

    def statement(self, position: Position, upper: Key | None, route: RowRoute = VALUES) -> tuple[str, Any]:
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        within = self._range.condition(position.key, upper, binds) or self.source.key_condition(self.columns)
        order = ", ".join(self.source.quote(column) for column in self.columns)
        return self.source.select(self.source.written(route), f" WHERE {within} ORDER BY {order}", binds)

    def _keyed(self, position: Position, upper: Key, route: RowRoute) -> Generator[Chunk]:
        statement = self.statement(position, upper, route)
        rows = position.rows
        first: Key | None = None
        newest: Block = NONE
        key_of = self._key_of(route)

        def tied(one: Row, other: Row) -> bool:
            keys = key_of(one), key_of(other)
            if route.silent:
                return tie(keys[0]) == tie(keys[1])
            return self.source.tied(self.columns, *keys)

        end = position.key
        with ExitStack() as stack, self.source.stream(statement, route=route) as reader:
            check = OrderCheck(self._range, route, stack)
            for block in whole_ties(reader, self._size, tied):
                if block is None:
                    before, end = end, key_of(newest.last)
                    check.check(before, end)
                    yield Chunk(NONE, Position(end, rows), first)
                else:
                    newest, rows = block, rows + len(block)
                    first = first or key_of(block.first)
                    yield Chunk(block, None, first)

    def _key_of(self, route: RowRoute) -> Callable[[Row], Key]:
        columns = route.columns or self.source.columns
        indexes = [columns.index(column) for column in self.columns]
        return itemgetter(*indexes) if indexes[1:] else _single(indexes[0])

    def _nulls(self, position: Position, route: RowRoute) -> Generator[Chunk]:
        rows = position.rows
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        condition = (
            f" WHERE {self.source.null_condition(self.columns)}{self.source.within(self._part, binds)}"
        )
        statement = self.source.select(self.source.written(route), condition, binds)
        with self.source.stream(statement, route=route) as reader:
            while block := reader.read(self._size):
                rows += len(block)
                yield Chunk(block, None)
        if rows > position.rows:
            yield Chunk(NONE, Position(position.key, rows, nulls_done=True))

    def _never_null(self) -> bool:
        """Return whether rows without a key are impossible."""
        if self._required.issuperset(self.columns):
            return True
        return self._part is not None and not self._part.nulls and self.columns == (self._part.column,)

    def _shown(self, key: Key | None) -> str:
        return f"{_listed(self.columns)} = {_listed(key)}" if key else "the beginning"


def _single(index: int) -> Any:
    return lambda row: (row[index],)


def _listed(values: Sequence[Any]) -> str:
    text = ", ".join(str(value) for value in values)
    return f"({text})" if len(values) > 1 else text
