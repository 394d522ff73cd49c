"""Bad rows are found in one round trip for each block, with the same outcome as by halving."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.oracle.destination import OracleDestination
from airflow_checkpoint_provider.engine.model.errors import TooManyBadRowsError
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Faults

pytestmark = pytest.mark.server

ROWS = 2_500
BAD = (3, 4, 1_200, 2_499)
AT_ONCE = OracleDestination.write_good


@pytest.fixture
def load(make_db: MakeDb) -> Load:
    source, destination = make_db("sqlite", "source"), make_db("oracle", "destination")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v text)")
    source.insert("t", [(n, "too long" if n in BAD else "v") for n in range(ROWS)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, v varchar2(4))")
    arguments = {"source_table": "t", "on_bad_row": "reject", "batch_size": ROWS}
    return Load(source, destination, arguments)


@pytest.mark.parametrize("write_mode", ["append", "upsert"])
@pytest.mark.parametrize("by", [AT_ONCE, Destination.write_good], ids=["at once", "halving"])
def test_the_bad_rows_stand_in_the_table_of_rejects(
    load: Load, faults: dict[str, Faults], monkeypatch: pytest.MonkeyPatch, by: object, write_mode: str
) -> None:
    monkeypatch.setattr(OracleDestination, "write_good", by)
    result = load.attempt(write_mode=write_mode)
    assert (result.rows, result.rejected) == (ROWS - len(BAD), len(BAD))
    assert loaded(load) == [n for n in range(ROWS) if n not in BAD]
    rejects = load.destination.rows("SELECT row_no, error FROM airflow_checkpoint_reject ORDER BY row_no")
    assert [number for number, _ in rejects] == [n + 1 for n in BAD]
    assert all("ORA-12899" in error for _, error in rejects)
    writes = [
        text
        for text in faults["destination"].seen
        if text.startswith(("INSERT INTO target", "MERGE INTO target"))
    ]
    assert (len(writes) <= 6) is (by is AT_ONCE)


def test_too_many_bad_rows_take_the_batch_back(load: Load) -> None:
    with pytest.raises(TooManyBadRowsError, match="has refused 3 rows"):
        load.attempt(max_rejected_rows=2)
    assert loaded(load) == []
