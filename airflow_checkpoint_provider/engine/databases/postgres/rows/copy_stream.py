"""Rows in the form of Postgres's COPY, read from one server and written to another."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_AT_ONCE = 32 * 1024  # bytes that are written together: the other server waits for them
_LARGE = 8 * 1024  # bytes of a row after which the block may be long enough
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Packed:
    """
    Rows as they came out of COPY, without header and trailer.

    :param ends: the first and the last row, packed
    :param unpack: turns one packed row into Python values
    """

    data: bytes | bytearray
    count: int
    binary: bool
    ends: tuple[Any, Any]
    unpack: Callable[[bytes], Row]

    def __len__(self) -> int:
        return self.count

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def first(self) -> Row:
        return self.unpack(bytes(self.ends[0]))

    @property
    def last(self) -> Row:
        return self.unpack(bytes(self.ends[1]))


class PackedReader:
    """
    Reads the rows of a COPY TO STDOUT that is under way.

    It works below psycopg's ``Copy``: libpq returns one row at a time, and a million calls through psycopg's
    generators take as long as the servers need for the rows.

    :param copy: psycopg's ``Copy``
    :param pgconn: its connection's ``pgconn``
    :param load: turns the fields of a row into Python values
    """

    def __init__(
        self, copy: Any, pgconn: Any, binary: bool, load: Callable[[list[bytes | None]], Row]
    ) -> None:
        self._copy = copy
        self._pgconn = pgconn
        self._binary = binary
        self._load = load
        self._ahead: Any = None
        self._ended = False
        self._header = len(HEADER) if binary else 0

    def read(self, limit: int) -> Packed:
        """Return the next rows, at most ``limit``, some ten kilobytes at a time."""
        first = last = self._next()
        if first is None:
            return self._packed(b"", 0, None, None)
        data, count = bytearray(first), 1
        get = self._pgconn.get_copy_data
        shortest = len(TRAILER) if self._binary else 0
        while count < limit and len(data) < _AT_ONCE:
            for _ in repeat(None, min(limit - count, 100)):
                size, row = get(1)
                if size <= shortest:  # none yet, the end, or in binary perhaps the trailer
                    row = self._take(size, row)
                    if row is None:
                        return self._packed(data, count, first, last)
                data += row
                last = row
                count += 1
                if len(row) >= _LARGE:
                    break
        return self._packed(data, count, first, last)

    def read_while(self, wanted: Callable[[Row], bool]) -> Packed:
        """Return the next rows up to the first that is not wanted."""
        data, count, first, last = bytearray(), 0, None, None
        while (row := self._next()) is not None:
            if not wanted(self._unpack(bytes(row))):
                self._ahead = row
                break
            data += row
            first, last, count = row if first is None else first, row, count + 1
            if len(data) >= _AT_ONCE:
                break
        return self._packed(data, count, first, last)

    def _packed(self, data: bytes | bytearray, count: int, first: Any, last: Any) -> Packed:
        return Packed(data, count, self._binary, (first, last), self._unpack)

    def _next(self) -> Any:
        if self._ahead is None and not self._ended:
            return self._take(*self._pgconn.get_copy_data(1))
        row, self._ahead = self._ahead, None
        return row

    def _take(self, size: int, row: Any) -> Any:
        """Return the row that ``get_copy_data`` gave or has yet to give, or ``None`` at the end."""
        if size == 0:
            row = self._copy.read()  # waits, and at the end returns nothing
            size = len(row) or -1
        elif size < 0:
            self._end(size)
        if self._header and size > 0:
            row, self._header = row[self._header :], 0
            if not row:  # a server may send the header alone
                return self._take(*self._pgconn.get_copy_data(1))
        if size < 0 or (self._binary and row == TRAILER):
            self._ended = True
            if size > 0 and len(self._copy.read()):
                raise AssertionError("data behind the trailer of a COPY")
            return None
        return row

    def _end(self, status: int) -> None:
        """Raise the error that ended the command, if one did."""
        import psycopg

        if status < -1:
            raise psycopg.OperationalError(self._pgconn.error_message.decode(errors="replace"))
        while result := self._pgconn.get_result():
            if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result)

    def _unpack(self, row: bytes) -> Row:
        return self._load(_binary_fields(row) if self._binary else _text_fields(row))


def _text_fields(row: bytes) -> list[bytes | None]:
    fields = row.removesuffix(b"\n").split(b"\t")
    return [None if field == rb"\N" else _unescape(field) for field in fields]


def _unescape(field: bytes) -> bytes:
    if b"\\" not in field:
        return field
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), field)


def _binary_fields(row: bytes) -> list[bytes | None]:
    (count,) = struct.unpack_from("!h", row)
    fields: list[bytes | None] = []
    place = 2
    for _ in range(count):
        (size,) = struct.unpack_from("!i", row, place)
        place += 4
        fields.append(None if size < 0 else row[place : place + size])
        place += max(size, 0)
    return fields
