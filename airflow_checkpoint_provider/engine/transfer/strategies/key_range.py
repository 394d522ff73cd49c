"""The range of keys that a load reads, with checks of its end, its completeness and its order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.model.errors import SourceError, SourceOrderError, shortened
from airflow_checkpoint_provider.engine.model.key import Key, order_of
from airflow_checkpoint_provider.engine.model.partition import Partition

_TRIES = 4  # a source that grows all the time always has a row above

_WHY = (
    "It sorts in another way than it compares: a setting that cuts what is sorted, an index whose collation has "
    "changed with the system, or a type with an order of its own. Rebuild the index, have the query return the column "
    "as another type, or choose another checkpoint_column."
)


class KeyRange:
    """
    Rows of a query by their key.

    :param columns: of the key
    :param part: the partition that is read; ``None`` for all rows
    """

    def __init__(self, source: Source, columns: Sequence[str], part: Partition | None) -> None:
        self.source = source
        self.columns = tuple(columns)
        self._part = part

    def greatest(self) -> Key | None:
        """
        Return the present greatest key, or ``None`` without rows.

        :raises SourceError: when the row that is sorted last is not the one that compares as the greatest
        """
        last = self.source.last_key(self.columns, self._part)
        for _ in range(_TRIES):
            if last is None:
                return None
            above = self._key_within(last, None)
            if above is None:
                return last
            # Added meanwhile, or skipped.
            before, last = last, self.source.last_key(self.columns, self._part)
            if last is not None and self._key_within(last, above) is not None:
                raise SourceError(
                    f"Source {self.source.conn_id!r}: the greatest {self._names} is {shown(before)}, and there is a "
                    f"row with {shown(above)} above it. {_WHY}"
                )
        return last

    def is_left(self, after: Key | None, upper: Key) -> bool:
        """Return whether there is a row between a key, or the beginning, and the end of the range."""
        return self._key_within(after, upper) is not None

    def reaches(self, key: Key) -> bool:
        """Return whether there is a row with this key, or a greater one."""
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        at_least = self.source.compare(self.columns, ">=", key, binds)
        return self.source.exists(f"{at_least}{self.source.within(self._part, binds)}", binds)

    def _key_within(self, after: Key | None, upto: Key | None) -> Key | None:
        binds = Binds(self.source.paramstyle, self.source.query.parameters)
        what = ", ".join(map(self.source.exact, self.columns))
        row = self.source.one(self.source.first(what, self.condition(after, upto, binds), binds=binds))
        return tuple(row) if row else None

    def condition(self, after: Key | None, upto: Key | None, binds: Binds) -> str:
        """Return the condition that a row has a key in a range, ``after`` excluded and ``upto`` included."""
        source = self.source
        conditions = []
        if after is not None:
            # A position that lookback has moved has only the first of several columns.
            conditions.append(source.compare(self.columns[: len(after)], ">", after, binds))
        if upto is not None:
            conditions.append(source.compare(self.columns, "<=", upto, binds))
        if len(self.columns) > 1:
            # A row with only the first values of a key would pass the comparison.
            conditions.append(f"NOT {source.null_condition(self.columns)}")
        return f"{' AND '.join(conditions)}{source.within(self._part, binds)}"

    @property
    def _names(self) -> str:
        return ", ".join(self.columns)


class OrderCheck:
    """
    Makes sure that each batch ends behind the one before, as the source compares.

    :param range_: the range that is read
    :param route: the route of the rows, which decides whether the source takes queries meanwhile
    :param stack: closes a connection opened for these queries
    """

    def __init__(self, range_: KeyRange, route: RowRoute, stack: ExitStack) -> None:
        self._range = range_
        self._stack = stack
        self._source = range_.source if range_.source.asks_meanwhile and not route.silent else None

    def check(self, before: Key | None, end: Key) -> None:
        """
        Compare the ends of two batches.

        :raises SourceOrderError: when the later one is not the greater one
        """
        if before is None or len(before) < len(end):
            return
        order = order_of(before, end)
        if order is None:
            order = -1 if self._is_behind(end, before) else 1
        if order >= 0:
            raise self._wrong(before, end)

    def _wrong(self, before: Key, after: Key) -> SourceOrderError:
        """Return the error for rows that did not come in the order of their keys."""
        source = self._range.source
        return SourceOrderError(
            f"Source {source.conn_id!r}: after {', '.join(self._range.columns)} = {shown(before)} came a row with "
            f"{shown(after)}, which is not greater. {_WHY}"
        )

    def _is_behind(self, key: Key, other: Key) -> bool:
        if self._source is None:
            self._source = self._stack.enter_context(self._range.source.beside())
        if self._exists(self._source, ">", other, key):
            return True
        # A row that was deleted meanwhile proves nothing.
        return not self._exists(self._source, ">=", key, key)

    def _exists(self, source: Source, operator: str, lower: Key, upper: Key) -> bool:
        columns, binds = self._range.columns, Binds(source.paramstyle, source.query.parameters)
        above = source.compare(columns, operator, lower, binds)
        return source.exists(f"{above} AND {source.compare(columns, '<=', upper, binds)}", binds)


def shown(key: Key) -> str:
    """Write a key for a message."""
    return shortened(", ".join(map(str, key)))
