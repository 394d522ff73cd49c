"""Moments and numbers as Postgres writes them, where they become text anyway: faster than through Python's values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import itemgetter
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.rows.routes import RowUse

_DATE, _SECONDS, _MICROSECONDS = (len(text) for text in ("2026-01-01", "2026-01-01 00:00:00", "x" * 26))
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?)?", re.ASCII)

Fetch = Callable[[int], Sequence[Row]]
Unwritable = Callable[[str, str], Exception]


@dataclass(frozen=True, slots=True)
class ValueForm:
    """
    Rows as Python values.

    :param ahead: the server sends them before they are requested, and runs no other statement meanwhile
    :param oids: of types whose values stay the text that the server sends
    :param moments: the dates and timestamps among them: the columns, and their places in a row
    """

    ahead: bool = False
    oids: frozenset[int] = frozenset()
    moments: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Collection[PostgresColumn], use: RowUse, *, ahead: bool) -> ValueForm:
        """
        Leave as text the types whose values would become the same text through Python's values.

        :param columns: of the query
        """
        if not use.digits:
            return cls(ahead)
        oids: set[int] = set()
        moments: dict[str, int] = {}
        for oid in {column.oid for column in columns if not column.is_own}:
            alike = [column for column in columns if column.oid == oid]
            if any(column.name in use.seen for column in alike):
                continue
            if alike[0].kind in ("date", "timestamp"):
                moments |= {column.name: column.index for column in alike}
            elif alike[0].kind != "numeric" or not all(_is_kept(column, use) for column in alike):
                continue
            oids.add(oid)
        return cls(ahead, frozenset(oids), moments)

    def set_up(self, cursor: Any) -> Any:
        """Set up a cursor to return rows in this form."""
        load_as_text(cursor, self.oids)
        return cursor


def load_as_text(context: Any, oids: Collection[int]) -> None:
    """
    Leave values of some types as the server's text.

    :param context: a cursor, or a connection for all its cursors
    """
    from psycopg.types.string import TextLoader

    for oid in oids:
        context.adapters.register_loader(oid, TextLoader)


def _is_kept(column: PostgresColumn, use: RowUse) -> bool:
    digits = use.digits.get(column.name, inf)  # a column that is not written need not be kept
    return (column.precision or digits + 1) <= digits


def in_python_form(fetchmany: Fetch, moments: Mapping[str, int], unwritable: Unwritable) -> Fetch:
    """
    Write dates and timestamps that were read as text in Python's form: the server leaves zeros out.

    :param moments: the columns, and their places in a row
    :param unwritable: makes the error for a column and a value that Python's types cannot have, such as infinity
    """

    def fetch(size: int) -> Sequence[Row]:
        rows = fetchmany(size)
        for column, index in moments.items():
            if not _all_have_it(list(filter(None, map(itemgetter(index), rows)))):
                rows = [(*row[:index], form(column, row[index]), *row[index + 1 :]) for row in rows]
        return rows

    def form(column: str, text: Any) -> Any:
        if text is None:
            return None
        if not _PLAIN.fullmatch(text):
            raise unwritable(column, text)
        return text.ljust(_MICROSECONDS, "0") if "." in text else text

    return fetch


def _all_have_it(texts: list[str]) -> bool:
    lengths = set(map(len, texts))
    if lengths <= {_DATE} or lengths <= {_SECONDS}:
        return True
    if not lengths <= {_SECONDS, _MICROSECONDS}:
        return False
    # A text with a year of five digits, or one BC, may be as long.
    return set(map(itemgetter(4), texts)) == {"-"} and "C" not in set(map(itemgetter(-1), texts))


def set_readers(connection: Any, columns: Collection[PostgresColumn]) -> None:
    """
    Have the values of a query read exactly, as the server's text where needed; arrays with bounds are refused.

    :param connection: psycopg's, for all its cursors
    """
    load_as_text(connection, {column.oid for column in columns if column.as_text})
    _refuse_bounds(
        connection,
        {column.oid for column in columns if column.kind.startswith("_") and not column.as_text},
    )


def _refuse_bounds(context: Any, oids: Collection[int]) -> None:
    """Refuse arrays that begin at another number than 1, which Python's lists cannot, by a ``DataError``."""
    from psycopg import DataError
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    for oid in oids:
        known = context.adapters.get_loader(oid, Format.TEXT)
        if known is None:  # its values are text
            continue

        class Bounded(Loader):
            _made_by = known

            def __init__(self, oid: int, context: Any = None) -> None:
                super().__init__(oid, context)
                self._known = self._made_by(oid, context)

            def load(self, data: Any) -> Any:
                if bytes(data[:1]) == b"[":
                    raise DataError(f"an array has bounds of its own ({bytes(data[:20]).decode()})")
                return self._known.load(data)

        context.adapters.register_loader(oid, Bounded)
