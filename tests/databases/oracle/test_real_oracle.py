"""
A whole load on a real Oracle server; skipped where none is given.

With ``CHECKPOINT_TEST_ORACLE_DSN``, every other test that has Oracle on one side runs against that server, too, except
those of what a server cannot be made to do.
"""

from __future__ import annotations

import pytest

from tests.support.databases.oracle_server import MakeOracle
from tests.support.loads import Load


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize(
    "by", [{"checkpoint_column": ["at", "n"]}, {"strategy": "python"}], ids=["key", "python"]
)
def test_a_load_that_is_ended_after_every_batch(real_oracle: MakeOracle, write_mode: str, by: dict) -> None:
    source, destination = real_oracle("source"), real_oracle("destination")
    declared = "(n NUMBER PRIMARY KEY, at TIMESTAMP WITH TIME ZONE, name VARCHAR2(9), note CLOB)"
    source.execute(f"CREATE TABLE t {declared}")
    destination.execute(f"CREATE TABLE target {declared}")
    for n in range(20):
        at = f"TO_TIMESTAMP_TZ('2026-03-29 00:{n // 3:02}:00 +05:30', 'YYYY-MM-DD HH24:MI:SS TZH:TZM')"
        source.execute(f"INSERT INTO t VALUES ({n} / 8, {at}, 'n{n}', NULL)")
    load = Load(
        source,
        destination,
        {"sql": "SELECT * FROM t ORDER BY n", "write_mode": write_mode, "batch_size": 4, **by},
    )
    while load.attempt_batches(1):
        pass
    read = "SELECT n, TO_CHAR(at, 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM'), name FROM {} ORDER BY n"
    assert destination.rows(read.format("target")) == source.rows(read.format("t"))
