"""Whatever a table holds: a correct load is verified, and later changes of the destination are found and named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.model.errors import VerificationError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Event
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

TEXT = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
AMOUNT = st.none() | st.decimals(-9999, 9999, places=2)
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1))
ROWS = st.lists(st.tuples(TEXT, AMOUNT, MOMENT), min_size=1, max_size=30)
CREATE = "CREATE TABLE {} (id integer, name varchar(20), amount numeric(12, 2), at {})"
MOMENTS = {"mysql": "datetime(6)"}
PAIRS = ["postgres->postgres", "sqlite->postgres", "postgres->sqlite", "mysql->postgres", "postgres->mysql"]


@dataclass
class Tampered(Load):
    """A load that runs a statement on the destination after its last batch."""

    last: int = 0
    statement: str = ""

    def _observe(self, event: Event) -> None:
        super()._observe(event)
        if isinstance(event, BatchCommitted) and event.rows_total == self.last and self.statement:
            self.destination.execute(self.statement)


def changes(number: int, row: tuple[Any, ...]) -> list[tuple[str, str]]:
    """Return statements, each with its finding."""
    name, amount, at = row
    other = "n" if name is None else None
    there = f"WHERE id = {number}"
    return [
        (f"DELETE FROM target {there}", "is missing"),
        (f"INSERT INTO target SELECT * FROM target {there}", "has 2 rows"),
        (
            f"UPDATE target SET name = {'NULL' if other is None else repr(other)} {there}",
            "other values in name",
        ),
        (
            f"UPDATE target SET amount = {(amount or Decimal(0)) + Decimal('0.01')} {there}",
            "other values in amount",
        ),
        (f"UPDATE target SET at = '{at + timedelta(microseconds=1)}' {there}", "other values in at"),
        (f"UPDATE target SET name = '' {there}", "other values in name"),
    ]


@pytest.mark.parametrize("pair", PAIRS)
def test_tampering_is_found(make_db: MakeDb, pair: str) -> None:
    one, other = pair.split("->")
    source, destination = make_db(one, "source"), make_db(other, "destination")
    source.execute(CREATE.format("t", MOMENTS.get(one, "timestamp")))
    destination.execute(CREATE.format("target", MOMENTS.get(other, "timestamp")))

    runs = count(1)

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ROWS, st.data())
    def check(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
        for db, table in ((source, "t"), (destination, "target")):
            db.execute(f"DELETE FROM {table}")
        source.insert(
            "t", [(n, name, stored(one, amount), str(at)) for n, (name, amount, at) in enumerate(rows, 1)]
        )
        arguments = {
            "source_table": "t",
            "checkpoint_column": "id",
            "write_mode": "replace",
            "verify": "digest",
        }
        load = Tampered(source, destination, arguments, run=next(runs))
        assert load.attempt().verified is not None
        number = data.draw(st.integers(1, len(rows)))
        statement, says = data.draw(st.sampled_from(changes(number, rows[number - 1])))
        load.clear()
        load.last, load.statement = len(rows), statement
        with pytest.raises(VerificationError, match=f"id = {number} .*{says}"):
            load.attempt()

    check()


def stored(kind: str, amount: Decimal | None) -> Any:
    return amount if kind != "sqlite" or amount is None else str(amount)
