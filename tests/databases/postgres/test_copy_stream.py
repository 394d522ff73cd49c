"""Reading rows packed by COPY."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_stream import (
    HEADER,
    TRAILER,
    PackedReader,
)


class Copying:
    """A COPY that returns prepared rows; None in the list stands for no row yet."""

    def __init__(self, rows: list[bytes | None]) -> None:
        self._rows: Iterator[bytes | None] = iter(rows)

    def get_copy_data(self, _: int) -> tuple[int, Any]:
        row = next(self._rows, b"")
        return (0, b"") if row is None else (len(row) or -1, memoryview(row))

    def read(self) -> Any:
        return self.get_copy_data(1)[1]

    def get_result(self) -> None:
        return None


def reader(rows: list[bytes | None], binary: bool = False) -> PackedReader:
    copying = Copying(rows)
    return PackedReader(copying, copying, binary, tuple)


def binary_row(*fields: bytes | None) -> bytes:
    packed = [struct.pack("!i", -1) if f is None else struct.pack("!i", len(f)) + f for f in fields]
    return struct.pack("!h", len(fields)) + b"".join(packed)


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (b"1\ta b\n", (b"1", b"a b")),
        (b"\\N\t\\\\N\t\n", (None, b"\\N", b"")),
        (b"a\\tb\\nc\\rd\\\\n\\be\\f\\v\n", (b"a\tb\nc\rd\\n\be\f\v",)),
        ("ä\\n\n".encode(), ("ä\n".encode(),)),
    ],
)
def test_text(row: bytes, fields: tuple[bytes | None, ...]) -> None:
    packed = reader([row]).read(10)
    assert (packed.last, bytes(packed.data), len(packed)) == (fields, row, 1)


def test_binary() -> None:
    one, two = binary_row(b"\x00\x01", None, b""), binary_row(b"\xff\xff", b"x", None)
    packed = reader([HEADER + one, two, TRAILER], binary=True).read(10)
    assert (packed.first, packed.last) == ((b"\x00\x01", None, b""), (b"\xff\xff", b"x", None))
    assert bytes(packed.data) == one + two


@pytest.mark.parametrize("rows", [[HEADER + TRAILER], [HEADER, TRAILER], [None, HEADER, None, TRAILER]])
def test_binary_without_rows(rows: list[bytes | None]) -> None:
    assert len(reader(rows, binary=True).read(10)) == 0


@pytest.mark.parametrize("silent_after", range(8))
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_nothing_is_lost_where_the_server_is_slow(silent_after: int, limit: int) -> None:
    rows: list[bytes | None] = [b"%d\n" % n for n in range(7)]
    rows.insert(silent_after, None)
    packed = reader(rows)
    got = b""
    while block := packed.read(limit):
        assert len(block) <= limit
        got += bytes(block.data)
    assert got == b"0\n1\n2\n3\n4\n5\n6\n"
    assert len(packed.read(limit)) == 0


def test_read_while_keeps_the_first_row_that_is_not_wanted() -> None:
    packed = reader([b"1\n", b"1\n", b"2\n", b"3\n"])
    assert bytes(packed.read(1).data) == b"1\n"
    assert bytes(packed.read_while(lambda row: row == (b"1",)).data) == b"1\n"
    assert len(packed.read_while(lambda row: row == (b"1",))) == 0
    assert bytes(packed.read(9).data) == b"2\n3\n"
