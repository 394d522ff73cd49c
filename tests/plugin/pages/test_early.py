"""Failures without a checkpoint: in the list and on the pages of the task, only for permitted DAGs."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from airflow import settings
from airflow.models.taskinstance import TaskInstance
from starlette.testclient import TestClient

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun
from airflow_checkpoint_provider.hooks.airflow_internals.failures import (
    Among,
    FailedInstance,
    _error_in,
    failed_instances,
)
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import access
from airflow_checkpoint_provider.plugin.app import create_app
from airflow_checkpoint_provider.plugin.tasks import early
from tests.plugin.test_requests import HIDDEN, OWN, SHARED, Editor, databases
from tests.support.airflow.clients.view_client import JSON, airflow_tables, know
from tests.support.databases.db import Db

__all__ = ["databases"]

TASKS = {("mine", "load"), ("mine", "other"), ("theirs", "load"), ("lost", "load")}
ENDED = datetime.now(UTC) - timedelta(minutes=5)


def failed(dag_id: str, run_id: str, index: int = -1, task_id: str = "load") -> FailedInstance:
    return FailedInstance((dag_id, task_id, run_id, index), "failed", 2, 3, ENDED)


class Reader(Editor):
    """A user who may see some DAGs, and may not read the log of one."""

    def readable(self) -> object:
        return lambda dag_ids: {dag_id for dag_id in dag_ids if dag_id != "theirs"}

    def may_read_logs(self, dag_id: str) -> bool:
        return dag_id != "lost"


def is_meant(among: Among, instance: TaskRun) -> bool:
    _, task_id, run_id, index = instance
    right = among.run_id in (None, run_id) and among.index in (None, index)
    return right and any(among.text in part for part in (task_id, run_id))


@pytest.fixture
def client(databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    places = Places(
        defaultdict(set, {OWN: {("mine", "load"), ("mine", "other")}, HIDDEN: {("theirs", "load")}})
    )
    places.transfers = TASKS
    places.tasks[SHARED].add(("lost", "load"))
    know(monkeypatch, places)
    all_ = [
        failed("mine", "run_1"),  # has a checkpoint
        failed("mine", "run_2"),
        failed("mine", "run_3", 7, "other"),
        failed("theirs", "run_4"),
        failed("lost", "run_5"),
    ]
    monkeypatch.setattr(
        early,
        "failed_instances",
        lambda tasks, since, limit, among: [
            one for one in all_ if one.instance[:2] in tasks and is_meant(among, one.instance)
        ],
    )
    monkeypatch.setattr(
        early,
        "early_errors",
        lambda instances: {
            one: f"ArgumentError: <{one[2]}> is wrong" for one in instances if one[2] in ("run_3", "run_5")
        },
    )
    app = create_app()
    app.dependency_overrides[access.logged_in] = Reader
    with airflow_tables(), TestClient(app, raise_server_exceptions=False, headers=JSON) as opened:
        yield opened


def shown(client: TestClient, address: str) -> str:
    page = client.get(address)
    assert page.status_code == 200, page.text
    return html.unescape(" ".join(page.text.split())).partition("Failed before the load began")[2]


def test_the_list_has_those_without_a_checkpoint(client: TestClient) -> None:
    there = shown(client, "/")
    runs = [
        run
        for run in ("run_1", "run_2", "run_3", "run_4", "run_5")
        if f'title="{run}"' in there.split("</section>")[0]
    ]
    assert runs == ["run_2", "run_3", "run_5"]
    assert "ArgumentError: <run_3> is wrong" in there
    assert "<run_5>" not in there  # its log may not be read
    assert there.count("its log has the error") == 2
    assert "../dags/mine/runs/run_3/tasks/other/mapped/7" in there
    assert "2 of 3" in there


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/?dag_id=lost", ["run_5"]),
        ("/?q=other", ["run_3"]),
        ("/?state=failed", ["run_2", "run_3", "run_5"]),
        ("/?state=completed", []),
        ("/?page=2", []),
        ("/task?dag_id=mine&task_id=load", ["run_2"]),
        ("/task?dag_id=mine&task_id=load&run_id=run_2", ["run_2"]),
        ("/task?dag_id=mine&task_id=other&run_id=run_3&map_index=7", ["run_3"]),
        ("/task?dag_id=mine&task_id=other&run_id=run_3&map_index=8", []),
    ],
)
def test_other_pages_have_those_that_they_are_about(
    client: TestClient, address: str, expected: list[str]
) -> None:
    there = shown(client, address).split("</section>")[0]
    assert [f"run_{n}" for n in range(9) if f'title="run_{n}"' in there] == expected


def test_without_an_answer_only_those_are_known_that_have_left_their_error(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OWN", "postgres://nobody@127.0.0.1:1/x")
    there = shown(client, "/").split("</section>")[0]
    assert [f"run_{n}" for n in range(9) if f'title="run_{n}"' in there] == ["run_3", "run_5"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"error": "x"}, "x"),
        ('{"error": "x"}', "x"),
        ({"error": 1}, None),
        ("x", None),
        (None, None),
        ([1], None),
    ],
)
def test_only_what_the_package_leaves_is_an_error(value: object, error: str | None) -> None:
    assert _error_in(value) == error


@pytest.mark.parametrize(("may_see", "shown_of_it"), [(True, ": at host 10.0.0.1"), (False, ".")])
def test_a_host_is_named_to_who_may_see_the_connection(may_see: bool, shown_of_it: str) -> None:
    viewer = Mock(**{"may_see_connection.return_value": may_see})
    error = "CannotConnectError: Connection 'gone' cannot be opened"
    assert early._shown(viewer, f"{error}: at host 10.0.0.1", "east") == f"{error}{shown_of_it}"
    assert viewer.may_see_connection.call_args.args == ("gone", "east")
    assert early._shown(viewer, "SourceError: no such table", None) == "SourceError: no such table"


@pytest.fixture
def many_failures() -> Iterator[None]:
    """Airflow's own table with 60 failures of one run, and older ones of others."""
    with airflow_tables():
        table: Any = TaskInstance.__table__
        rows = [("load", "run_1", n) for n in range(60)]
        rows += [("load", "run_2", -1), ("load", "run_3", 7), ("un%loading", "Run_4", -1)]
        fill = {"VARCHAR": "", "INTEGER": 1, "BOOLEAN": False, "FLOAT": 0.0}
        needed = {
            column.name: fill[column.type.__visit_name__.upper().replace("STRING", "VARCHAR")]
            for column in table.columns
            if not column.nullable and column.default is None and column.type.__visit_name__ != "uuid"
        }
        keys = [
            column.name
            for column in table.columns
            if column.type.__visit_name__ == "uuid" and not column.nullable
        ]
        place = "map_index" if "map_index" in table.c else "region_index"
        with settings.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            for number, (task_id, run_id, index) in enumerate(rows):
                ids = {"dag_id": "mine", "task_id": task_id, "run_id": run_id, place: index}
                ended = {"state": "failed", "end_date": ENDED - timedelta(minutes=number), "max_tries": 0}
                connection.execute(
                    table.insert().values(
                        {**needed, **{key: uuid4() for key in ("id", *keys)}, **ids, **ended}
                    )
                )
            connection.commit()
        yield
        with settings.engine.begin() as connection:
            connection.execute(table.delete())


@pytest.mark.parametrize(
    ("among", "expected"),
    [
        (Among("run_2"), [("run_2", -1)]),
        (Among("run_3", 7), [("run_3", 7)]),
        (Among(index=-1), [("run_2", -1), ("Run_4", -1)]),
        (Among(text="RUN_4"), [("Run_4", -1)]),
        (Among(text="UN%LOAD"), [("Run_4", -1)]),
        (Among(text="n_3"), [("run_3", 7)]),
    ],
)
def test_newer_failures_of_others_hide_none(
    many_failures: None, among: Among, expected: list[tuple[str, int]]
) -> None:
    tasks = [("mine", "load"), ("mine", "un%loading")]
    found = failed_instances(tasks, ENDED - timedelta(days=1), 50, among)
    assert [one.instance[2:] for one in found] == expected


def test_newer_failures_with_a_checkpoint_hide_none(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [failed("mine", "run_1") for _ in range(60)]
    older = failed("mine", "run_2")
    monkeypatch.setattr(
        early, "failed_instances", lambda tasks, since, limit, among: [*others, older][:limit]
    )
    there = shown(client, "/").split("</section>")[0]
    assert 'title="run_2"' in there
    assert 'title="run_1"' not in there


def test_of_each_task_the_newest_failures_are_read(many_failures: None) -> None:
    tasks = [("mine", "load"), ("mine", "un%loading")]
    found = failed_instances(tasks, ENDED - timedelta(days=1), 1, Among(of_each=2))
    assert [one.instance[1:] for one in found] == [
        ("load", "run_1", 0),
        ("load", "run_1", 1),
        ("un%loading", "Run_4", -1),
    ]


def test_many_failures_of_one_task_hide_none_of_another_on_the_page_of_tables(
    client: TestClient, many_failures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "failed_instances", failed_instances)
    meant = early.early_failures(
        Reader(), sorted({("mine", "load"), ("mine", "un%loading")}), Among(of_each=3)
    )
    assert {one.failed.instance[1] for one in meant} == {"load", "un%loading"}
