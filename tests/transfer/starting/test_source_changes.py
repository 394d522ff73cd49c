"""A load that differs from the one that began: refused with the differences, or loaded again."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, WouldDuplicateError
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")


@pytest.fixture(params=["sqlite", "postgres"])
def load(request: pytest.FixtureRequest, make_db: MakeDb) -> Load:
    source, destination = make_db(request.param, "source"), make_db("sqlite", "destination")
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, a integer)", "CREATE TABLE u (n integer, a integer)"
    )
    source.insert("t", [(n, n) for n in range(10, 30)])
    source.insert("u", [(n, n) for n in range(10, 30)])
    destination.execute(
        "CREATE TABLE target (n integer, a integer, b integer)", "CREATE TABLE other (n integer, a integer)"
    )
    return Load(source, destination, {"write_mode": "replace", "batch_size": 5})


KEY = {"sql": "SELECT n, a FROM t WHERE n >= 0", "checkpoint_column": "n"}
CHANGES: list[tuple[dict[str, Any], str]] = [
    (
        {"sql": "SELECT n, a FROM u WHERE n >= 0"},
        r"query was 'SELECT n, a FROM t WHERE n >= 0', is 'SELECT n, a FROM u",
    ),
    ({"destination_table": "other"}, "table was 'target', is 'other'"),
    ({"checkpoint_column": "a"}, "key was 'n', is 'a'"),
    ({"checkpoint_column": ["n", "a"]}, "key was 'n', is 'n, a'"),
    ({"strategy": "python", "checkpoint_column": None}, "strategy was 'key', is 'python'"),
    ({"sql": "SELECT a, n FROM t WHERE n >= 0"}, "columns was 'n, a into n, a', is 'a, n into a, n'"),
    ({"destination_columns": {"n": "n"}}, "columns was"),
    ({"sql": None, "source_table": "t"}, "query was"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
@pytest.mark.parametrize("completed", [False, True])
def test_another_load_is_refused_or_loaded_again(
    load: Load, change: dict[str, Any], message: str, completed: bool
) -> None:
    if completed:
        load.attempt(**KEY)
    else:
        load.attempt_batches(2, **KEY)
    before = loaded(load)
    with pytest.raises(SourceChangedError, match=rf"{message}.*on_source_change='reload'"):
        load.attempt(**{**KEY, **change})
    assert loaded(load) == before
    assert load.attempt(**{**KEY, **change}, on_source_change="reload").rows == 20
    assert loaded(load, table=change.get("destination_table", "target")) == list(range(10, 30))


def test_other_parameters_are_told_without_showing_them(load: Load) -> None:
    mark = "?" if load.source.kind == "sqlite" else "%s"
    sql = {"sql": f"SELECT n, a FROM t WHERE a <> {mark}", "checkpoint_column": "n"}
    load.attempt_batches(1, **sql, parameters=["1"] if mark == "?" else [1])
    with pytest.raises(SourceChangedError, match="parameters was") as error:
        load.attempt(**sql, parameters=["secret"] if mark == "?" else [424242])
    assert "secret" not in str(error.value)
    assert "424242" not in str(error.value)
    assert load.attempt(**sql, parameters=["1"] if mark == "?" else [1]).rows == 15


@pytest.mark.parametrize("side", ["source", "destination"])
def test_another_connection(load: Load, side: str) -> None:
    load.attempt_batches(1, **KEY)
    other = load.source.database("elsewhere") if side == "source" else load.destination.database("elsewhere")
    with pytest.raises(SourceChangedError, match=rf"{side} was '.*', is 'elsewhere'"):
        load.transfer(**{side: other}, **KEY).run()


PYTHON = {"sql": "SELECT n, a FROM t ORDER BY n", "strategy": "python"}
# Changes to the source after 10 rows, and the proofs that detect each.
SHIFTS: list[tuple[str, set[str]]] = [
    ("INSERT INTO t VALUES (1, 1)", {"last_row", "prefix"}),
    ("DELETE FROM t WHERE n = 12", {"last_row", "prefix"}),
    ("UPDATE t SET a = 0 WHERE n = 19", {"last_row", "prefix"}),
    ("UPDATE t SET a = NULL WHERE n = 19", {"last_row", "prefix"}),
    ("UPDATE t SET n = 5 WHERE n = 25", {"last_row", "prefix"}),
    ("DELETE FROM t WHERE n > 18", {"last_row", "prefix"}),
    ("DELETE FROM t", {"last_row", "prefix"}),
    ("UPDATE t SET a = 0 WHERE n = 12", {"prefix"}),
    ("DELETE FROM t WHERE n > 19", set()),
    ("INSERT INTO t VALUES (100, 100)", set()),
    ("UPDATE t SET a = 0 WHERE n > 19", set()),
]


@pytest.mark.parametrize(("shift", "noticed"), SHIFTS)
@pytest.mark.parametrize("proof", ["last_row", "prefix"])
def test_rows_that_shifted(load: Load, shift: str, noticed: set[str], proof: str) -> None:
    load.attempt_batches(2, **PYTHON, resume_proof=proof)
    load.source.execute(shift)
    if proof in noticed:
        with pytest.raises(SourceChangedError, match=r"10 rows were committed, but .* is not the one"):
            load.attempt(**PYTHON, resume_proof=proof)
        assert loaded(load) == list(range(10, 20))
        load.attempt(**PYTHON, resume_proof=proof, on_source_change="reload")
        assert loaded(load) == [n for (n,) in load.source.rows("SELECT n FROM t ORDER BY n")]
        turns = "SELECT kind, detail FROM airflow_checkpoint_event WHERE kind <> 'opened' ORDER BY id DESC"
        history = load.destination.rows(turns)
        assert [kind for kind, _ in history[:3]] == ["completed", "started", "resumed"]
        assert "The source has changed" in history[1][1]
    else:
        load.attempt(**PYTHON, resume_proof=proof)
        assert set(loaded(load)) >= set(range(10, 20))
        assert len(loaded(load)) == load.source.one("SELECT count(*) FROM t")


def test_a_reload_that_would_append_again_is_refused(load: Load) -> None:
    append = {**PYTHON, "write_mode": "append", "on_source_change": "reload"}
    load.attempt_batches(2, **append)
    load.source.execute("DELETE FROM t WHERE n = 19")
    with pytest.raises(
        WouldDuplicateError, match=r"The source has changed.* 10 rows of this load are already"
    ):
        load.attempt(**append)
    assert loaded(load) == list(range(10, 20))
    assert load.attempt(**append, preoperator="DELETE FROM target").rows == 19


def test_a_shift_that_is_undone_resumes(load: Load) -> None:
    load.attempt_batches(2, **PYTHON)
    load.source.execute("UPDATE t SET a = 0 WHERE n = 19")
    with pytest.raises(SourceChangedError):
        load.attempt(**PYTHON)
    load.source.execute("UPDATE t SET a = 19 WHERE n = 19")
    assert load.attempt(**PYTHON).rows == 10


@pytest.mark.server
def test_the_proof_does_not_depend_on_the_time_zone_of_the_session(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (n integer, at timestamptz)")
    source.insert("t", [(n, f"2026-01-01 12:00+0{n}") for n in range(8)])
    destination.execute("CREATE TABLE target (n integer, at text)")
    load = Load(source, destination, {"sql": "SELECT * FROM t ORDER BY n", "batch_size": 3})
    load.attempt_batches(1)
    source.execute(f"ALTER DATABASE {source.one('SELECT current_database()')} SET timezone = 'Asia/Tokyo'")
    assert load.attempt().rows == 5
