"""CheckpointPublishOperator: the rows of all instances of a mapped transfer become visible together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    DestinationError,
    MetadataTableError,
    StageError,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.staging import NEW, OLD, create, in_target, stages

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")

PARTS = 3


@pytest.fixture
def target(destination: Db, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    source = make_db("sqlite", "source")
    create(source, "orders", destination)
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", destination.uri)
    return destination


def load_part(index: int, *, ends: bool = True, **changes: Any) -> None:
    """Run one instance of the mapped task, or let it fail after its first batch."""

    def process(rows: list, **_: Any) -> list:
        if not ends and rows[0][0] >= 4:
            raise RuntimeError("out of order")
        return rows

    part = {
        "source_table": None,
        "sql": f"SELECT * FROM orders WHERE n % {PARTS} = {index}",
        "checkpoint_column": "n",
        "batch_size": 2,
        "write_mode": "replace_atomic",
        "publish": False,
        "rows_processor": process,
    }
    execute(operator(**part), map_index=index, **changes)


def publish(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "task_id": "publish",
        "transfer_task_id": "copy",
        "destination_conn_id": "dst",
        "destination_table": "target",
        "parts": PARTS,
    }
    task = CheckpointPublishOperator(**{**arguments, **changes})
    return task.execute(context(task_id="publish"))  # type: ignore[arg-type]


def test_publishes_all_parts_at_once(target: Db) -> None:
    for index in range(PARTS):
        load_part(index)
        assert (in_target(target), len(stages(target))) == (OLD, index + 1)
    with capture_logs() as log:
        result = publish()
    assert result == {"status": "published", "parts": PARTS, "rows": 10, "rows_before": 2}
    assert in_target(target) == NEW
    assert stages(target) == []
    assert any(entry["event"].lower() == "published 10 rows into target (2 rows before)" for entry in log)
    history = CheckpointHook("dst").history("a_dag", "copy", "run_1", map_index=2)
    assert (history[0].kind, history[0].rows) == ("published", 3)


def test_a_retry_does_nothing(target: Db) -> None:
    for index in range(PARTS):
        load_part(index)
    publish()
    target.execute("DELETE FROM target WHERE n = 1")
    assert publish() == {"status": "nothing", "parts": PARTS, "rows": 10, "rows_before": None}
    assert len(in_target(target)) == 9


CHILD = "CREATE TABLE child (n integer, FOREIGN KEY (n) REFERENCES target (n) ON DELETE CASCADE)"


def test_a_reference_that_deletes_is_refused(target: Db) -> None:
    for index in range(PARTS):
        load_part(index)
    kept = target.one("SELECT MIN(n) FROM target")
    target.execute(CHILD, f"INSERT INTO child VALUES ({kept})")
    if target.kind != "sqlite":  # SQLite enforces it only where a connection requests it
        with pytest.raises(
            ArgumentError, match=r"(?i)'replace_atomic' deletes all rows of target .*change child, by a"
        ):
            publish()
        assert in_target(target) == OLD
    assert target.rows("SELECT n FROM child") == [(kept,)]
    target.execute("DROP TABLE child")
    assert publish()["status"] == "published"


@pytest.mark.parametrize("destination", ["mysql"], indirect=True)
def test_references_that_may_be_hidden_are_told(target: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(PARTS):
        load_part(index)
    own = target.one("SELECT DATABASE()")
    target.execute(
        "CREATE USER IF NOT EXISTS loader IDENTIFIED BY 'a password'", f"GRANT ALL ON {own}.* TO loader"
    )
    try:
        limited = replace(target, place=f"mysql://loader:a%20password@{target.place.rpartition('@')[2]}")
        monkeypatch.setenv("AIRFLOW_CONN_DST", limited.uri)
        with capture_logs() as log:
            publish()
    finally:
        target.execute("DROP USER loader")
    (warning,) = [entry["event"] for entry in log if "foreign keys of tables" in entry["event"]]
    monkeypatch.setenv("AIRFLOW_CONN_DST", target.uri)
    history = CheckpointHook("dst").history("a_dag", "copy", "run_1", map_index=0)
    assert str(history[0].detail).endswith(warning)


@pytest.mark.able(knows_views=True)
def test_a_table_that_takes_no_rows_is_refused(target: Db) -> None:
    for index in range(PARTS):
        load_part(index)
    target.execute("ALTER TABLE target RENAME TO was", "CREATE VIEW target AS SELECT MAX(n) AS n FROM was")
    # On Oracle, no check finds the views that take no rows; the DELETE is refused.
    expected = DestinationError if target.kind == "oracle" else ArgumentError
    with pytest.raises(
        expected, match="(?i)(nothing can be published into target: it is a view|target could not)"
    ):
        publish()


def test_stages_left_by_a_crash_before_the_drop_are_dropped_by_the_retry(
    target: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(PARTS):
        load_part(index)
    with monkeypatch.context() as patch:
        patch.setattr(
            "airflow_checkpoint_provider.engine.transfer.staging.publish_parts.StagedTable.discard",
            lambda *_: None,
        )
        publish()
    assert len(stages(target)) == PARTS
    assert publish()["status"] == "nothing"
    assert stages(target) == []


def test_refuses_while_parts_are_not_complete(target: Db) -> None:
    load_part(0)
    with pytest.raises(RuntimeError):
        load_part(1, ends=False)
    message = (
        r"Nothing is published, and target has its old rows, because not all 3 partitions of a_dag.copy, run run_1 are "
        r"complete: partition 1 has failed \(RuntimeError: out of order\); partition 2 has not started\. Let them end"
    )
    with pytest.raises(StageError, match=message):
        publish()
    assert in_target(target) == OLD
    load_part(1, try_number=2)
    load_part(2)
    assert publish()["rows"] == 10
    assert in_target(target) == NEW


def test_without_a_number_a_gap_is_noticed_and_airflow_is_asked(
    target: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_part(0)
    load_part(2)
    with pytest.raises(StageError, match="partition 1 has not started"):
        publish(parts=None)
    load_part(1)
    asked = []

    def count(dag_id: str, **which: Any) -> int:
        asked.append((dag_id, which))
        return PARTS + 1

    with monkeypatch.context() as patch:
        patch.setattr(
            "tests.support.airflow.operating.TaskInstance.get_ti_count", staticmethod(count), raising=False
        )
        with pytest.raises(StageError, match="not all 4 partitions .*partition 3 has not started"):
            publish(parts=None)
    assert asked == [("a_dag", {"task_ids": ["copy"], "run_ids": ["run_1"]})]
    assert publish(parts=None)["parts"] == PARTS
    assert in_target(target) == NEW


def test_a_part_that_was_loaded_again_needs_the_others_too(target: Db) -> None:
    for index in range(PARTS):
        load_part(index)
    publish()
    load_part(1, try_number=2, max_tries=4)  # cleared
    with pytest.raises(
        StageError, match="has its rows, because 2 of 3 stages .* clear all partitions of the mapped task"
    ):
        publish()
    assert in_target(target) == NEW
    target.execute("DELETE FROM target")
    for index in (0, 2):
        load_part(index, try_number=2, max_tries=4)
    assert publish()["status"] == "published"
    assert in_target(target) == NEW


def test_what_the_destination_refuses_changes_nothing(target: Db) -> None:
    target.execute("INSERT INTO target VALUES (102, 'old')")
    for index in range(PARTS):
        load_part(index)
    with pytest.raises(DestinationError, match="there is no table elsewhere"):
        publish(destination_table="elsewhere")
    (_, stage, _) = stages(target)
    target.execute(f'UPDATE "{stage}" SET {target.spelt("n")} = 0')
    with pytest.raises(DestinationError, match="refused the rows that are staged for it"):
        publish()
    target.execute(f'DELETE FROM "{stage}"')
    with pytest.raises(StageError, match="holds 0 rows, and 3 were written to it"):
        publish()
    assert in_target(target) == [*OLD, (102, "old")]


def test_a_task_that_is_not_mapped(target: Db) -> None:
    execute(operator(checkpoint_column="n", write_mode="replace_atomic", publish=False))
    assert in_target(target) == OLD
    assert publish(parts=1)["rows"] == 10
    assert in_target(target) == NEW
    assert publish(parts=None)["status"] == "nothing"


@pytest.mark.parametrize("destination", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"transfer_task_id": "nope", "parts": None},
            StageError,
            "There is no checkpoint of a_dag.nope, run run_1",
        ),
        ({"checkpoint_table": "nope"}, MetadataTableError, "There is no metadata table nope in 'dst'"),
        (
            {"destination_table": "other"},
            StageError,
            "loads into target, and this task would publish into other",
        ),
        ({"destination_table": "nope"}, DestinationError, "there is no table nope in 'dst'"),
        ({"destination_conn_id": "nope"}, ArgumentError, "there is no Airflow connection 'nope'"),
        ({"parts": "some"}, ArgumentError, "parts: 'some' is neither a number from 1 to 100,000 nor a list"),
        ({"parts": []}, ArgumentError, r"parts: \[\] is neither"),
        ({"parts": 0}, ArgumentError, "parts: 0 is neither"),
        ({"parts": 4}, StageError, "partition 3 has not started"),
    ],
)
def test_what_cannot_be(
    target: Db, changes: dict[str, Any], error: type[CheckpointError], message: str
) -> None:
    for index in range(PARTS):
        load_part(index)
    target.execute("CREATE TABLE other (n integer, v varchar(20))")
    with pytest.raises(error, match=message):
        publish(**changes)
    assert in_target(target) == OLD


@pytest.mark.parametrize("destination", ["sqlite"], indirect=True)
@pytest.mark.parametrize("parts", ["3", " 3 ", [{"a": 1}, {}, {}], (1, 2, 3)])
def test_the_number_of_parts_may_be_rendered_or_a_list(target: Db, parts: Any) -> None:
    for index in range(PARTS):
        load_part(index)
    assert publish(parts=parts)["parts"] == PARTS
