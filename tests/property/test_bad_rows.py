"""Whatever rows are bad and whatever dies: good rows in the destination, bad ones among the rejects, each once."""

from __future__ import annotations

import json
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.transfer.batches import batch_writer as writing
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.troubles.crashing import Fuse, connect

_numbers = count()
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def run_case(
    source: Db,
    destination: Db,
    bad: list[bool],
    arguments: dict[str, object],
    crashes: list[tuple[int, bool]],
) -> None:
    name = f"b{next(_numbers)}"
    source.execute(f"CREATE TABLE {name}_source (n integer PRIMARY KEY, a integer)")
    source.insert(f"{name}_source", [(n, 0 if wrong else n + 1) for n, wrong in enumerate(bad)])
    destination.execute(f"CREATE TABLE {name}_target (n integer PRIMARY KEY, a integer CHECK (a > 0))")
    names = {"destination_table": f"{name}_target", "checkpoint_table": f"{name}_checkpoint"}
    query = {"sql": f"SELECT * FROM {name}_source ORDER BY n", "on_bad_row": "reject", "lock_timeout": 2}
    load = Load(source, destination, {**names, **query, **arguments})
    for crash in [*crashes, None]:
        fuse = Fuse(*crash) if crash else Fuse()
        transfer = load.transfer(
            Database("src", lambda fuse=fuse: connect(source, fuse)),
            Database("dst", lambda fuse=fuse: connect(destination, fuse)),
        )
        try:
            assert transfer.run().rejected_total == sum(bad)
        except BaseException:  # cleaning up after a crash may fail with any error
            if not fuse.burnt:
                raise
            check_that_they_agree(destination, name, bad)
    good = [(n,) for n, wrong in enumerate(bad) if not wrong]
    assert destination.rows(f"SELECT n FROM {name}_target ORDER BY n") == good
    kept = destination.rows(f"SELECT row_no, row_data FROM {name}_checkpoint_reject ORDER BY id")
    assert [number - 1 for number, _ in kept] == [n for n, wrong in enumerate(bad) if wrong]
    assert [next(iter(json.loads(str(row)).values())) for _, row in kept] == [n - 1 for n, _ in kept]
    rows = destination.rows(f"SELECT rows_written FROM {name}_checkpoint")
    assert rows == [(len(good),)]


def check_that_they_agree(destination: Db, name: str, bad: list[bool]) -> None:
    """Check that good rows, rejects and checkpoint are of the same batch."""
    try:
        rejects = destination.rows(f"SELECT row_no FROM {name}_checkpoint_reject ORDER BY row_no")
        written = destination.rows(f"SELECT rows_written FROM {name}_checkpoint")
    except Exception as error:  # the tables are not there yet
        assert "checkpoint" in str(error).lower()
        return
    rows = destination.rows(f"SELECT n FROM {name}_target ORDER BY n")
    done = bad[: len(rows) + len(rejects)]
    assert rows == [(n,) for n, wrong in enumerate(done) if not wrong]
    assert rejects == [(n + 1,) for n, wrong in enumerate(done) if wrong]
    assert sum(count for (count,) in written) == len(rows)


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql", "oracle"])
def test_good_rows_and_rejects(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db(kind, "destination")

    @settings(max_examples=40 if kind == "sqlite" else 15, deadline=None, suppress_health_check=QUIET)
    @given(
        bad=st.lists(st.booleans(), max_size=25),
        batch_size=st.integers(1, 9),
        part=st.integers(1, 9),
        key=st.sampled_from(["n", None]),
        write_mode=st.sampled_from(["append", "upsert", "replace"]),
        crashes=st.lists(st.tuples(st.integers(0, 120), st.booleans()), max_size=3),
    )
    def check(
        bad: list[bool],
        batch_size: int,
        part: int,
        key: str | None,
        write_mode: str,
        crashes: list[tuple[int, bool]],
    ) -> None:
        monkeypatch.setattr(writing, "SAVEPOINT_ROWS", part)
        arguments = {"batch_size": batch_size, "checkpoint_column": key, "write_mode": write_mode}
        run_case(source, destination, bad, arguments, crashes)

    check()
