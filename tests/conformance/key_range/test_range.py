"""The range of keys that a load reads: a server that sorts, cuts or ends the result early loses no row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.registry import KNOWN
from airflow_checkpoint_provider.engine.databases.rows.blocks import NONE, Block, Reader, Rows
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.model.errors import SourceError, WouldDuplicateError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

KEYS = {
    "number": ("integer", list(range(12))),
    "text": ("varchar(20)", [f"key {n:02}" for n in range(12)]),
}


class Short:
    """A result that ends early, without an error."""

    def __init__(self, reader: Reader, most: int) -> None:
        self._reader, self._left = reader, most

    def read(self, limit: int) -> Block:
        if not self._left:
            return NONE
        block = self._reader.read(min(limit, self._left))
        self._left -= len(block)
        return block

    def read_while(self, wanted: Any) -> Block:
        return self._reader.read_while(wanted) if self._left else NONE


class Swapped:
    """A result with two batches in each other's place."""

    def __init__(self, reader: Reader) -> None:
        rows = [row for block in iter(lambda: reader.read(100), NONE) for row in block]  # type: ignore[attr-defined]
        self._rows = [*rows[:3], *rows[6:9], *rows[3:6], *rows[9:]]

    def read(self, limit: int) -> Rows:
        taken, self._rows = self._rows[:limit], self._rows[limit:]
        return Rows(taken)

    def read_while(self, wanted: Any) -> Rows:
        return Rows(NONE)


@pytest.fixture(params=KEYS)
def load(request: pytest.FixtureRequest, source: Db, make_db: MakeDb) -> Load:
    declared, keys = KEYS[request.param]
    source.execute(f"CREATE TABLE t (k {declared}, n integer)")
    source.insert("t", [(key, n) for n, key in enumerate(keys)])
    destination = make_db("sqlite", "destination")
    destination.execute(f"CREATE TABLE target (k {declared}, n integer)")
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "k", "batch_size": 3})


def source_classes() -> list[type[Source]]:
    """Return the class of a source, and all of its subclasses."""
    for dialect in KNOWN:
        assert dialect.source_class  # imports the class, otherwise imported with the first load
    kinds = [Source]
    for kind in kinds:  # the list grows meanwhile
        kinds += kind.__subclasses__()
    return kinds


def change_streams(monkeypatch: pytest.MonkeyPatch, load: Load, change: Any) -> None:
    """Change the rows that a source returns when it is read row by row."""
    for kind in (kind for kind in source_classes() if "stream" in vars(kind)):
        original = kind.stream

        @contextmanager
        def stream(self: Source, *args: Any, original: Any = original, **options: Any) -> Iterator[Reader]:
            with original(self, *args, **options) as reader:
                yield change(reader)

        monkeypatch.setattr(kind, "stream", stream)


def numbers(load: Load) -> list[int]:
    return [n for (n,) in load.destination.rows("SELECT n FROM target ORDER BY n")]


def test_what_a_server_leaves_out_at_the_end_is_read(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    change_streams(monkeypatch, load, lambda reader: Short(reader, 4))
    assert load.attempt().rows == 12
    assert numbers(load) == list(range(12))


def test_a_server_that_returns_nothing_of_what_it_has(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    change_streams(monkeypatch, load, lambda reader: Short(reader, 0))
    with pytest.raises(
        SourceError, match=r"the query returned no rows above the beginning, and there are some up to"
    ):
        load.attempt()
    assert numbers(load) == []


def test_another_order_than_that_of_the_comparison(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        change_streams(patched, load, Swapped)
        with pytest.raises(
            SourceError, match=r"came a row with .*, which is not greater\. It sorts in another way"
        ):
            load.attempt()
    assert numbers(load) == [0, 1, 2, 6, 7, 8]
    # The skipped rows are unknown: a retry would go on behind them.
    with pytest.raises(WouldDuplicateError, match="6 rows of this load are already committed"):
        load.attempt()
    assert load.attempt(write_mode="replace").rows == 12
    assert numbers(load) == list(range(12))


def test_a_row_above_the_greatest(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in source_classes():
        if "last_key" in vars(kind):
            monkeypatch.setattr(
                kind, "last_key", lambda self, columns, part=None: self.one(self.select("k", " WHERE n = 5"))
            )
    with pytest.raises(SourceError, match=r"the greatest [kK] is .*5, and there is a row with .* above it"):
        load.attempt()
    assert numbers(load) == []
