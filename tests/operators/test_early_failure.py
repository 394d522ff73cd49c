"""The error of a try that fails before it claims its checkpoint is stored in Airflow; other errors are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_checkpoint_provider.hooks.early_failure import KEY
from tests.support.airflow.operating import TaskInstance, context, operator
from tests.support.databases.db import Db


@dataclass
class Pushing(TaskInstance):
    """A task instance that accepts XComs."""

    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Db:
    database = Db("sqlite", str(tmp_path / "both.db"))
    for conn_id in ("src", "dst"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", database.uri)
    database.execute(
        "CREATE TABLE orders (id integer PRIMARY KEY)",
        "CREATE TABLE target (id integer CHECK (id < 1))",
        "INSERT INTO orders VALUES (1)",
    )
    return database


def failure(**changes: Any) -> Any:
    """Return the XCom of a failed try, and its exception."""
    instance = Pushing()
    with pytest.raises(Exception) as ended:  # noqa: PT011
        operator(**changes).execute({**context(), "ti": instance})  # type: ignore[arg-type]
    return instance.pushed.get(KEY), ended.value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"destination_conn_id": "nowhere"},
            "ArgumentError: destination_conn_id: there is no Airflow connection",
        ),
        (
            {"destination_table": "nothing"},
            "DestinationMismatchError: destination_table: there is no table nothing",
        ),
        ({"source_table": None, "sql": "SELEC 1"}, "SourceError: Source 'src': "),
        ({"batch_size": "{{ x }}"}, "ArgumentError: batch_size: '{{ x }}' is not"),
    ],
)
def test_it_is_left_where_there_is_no_checkpoint(database: Db, changes: dict[str, Any], words: str) -> None:
    left, error = failure(**changes)
    assert left["error"].startswith(words), left
    assert str(error)[:20] in left["error"]


def test_it_is_not_left_where_the_checkpoint_has_it(database: Db) -> None:
    left, _ = failure()
    assert left is None
    assert "CHECK constraint failed" in database.one("SELECT last_error FROM airflow_checkpoint")
    left, _ = failure(strategy="none")
    assert left["error"].startswith("BadRowsError: Destination 'dst'")


def test_a_skipped_task_has_not_failed(database: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    def skip(rows: Any, **_: Any) -> None:
        raise AirflowSkipException

    task = operator(rows_processor=skip, strategy="none")
    instance = Pushing()
    with pytest.raises(AirflowSkipException):
        task.execute({**context(), "ti": instance})  # type: ignore[arg-type]
    assert instance.pushed == {}


def test_a_task_instance_that_takes_none_fails_as_it_would(database: Db) -> None:
    with pytest.raises(Exception, match="there is no table nothing"):
        operator(destination_table="nothing").execute(context())  # type: ignore[arg-type]
