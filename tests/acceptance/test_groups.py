"""The tables of one declaration, loaded on a real Airflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.clients.api import TaskKey

ROWS = {
    "customers": [(n, f"c{n}") for n in range(1, 301)],
    "orders": [(n, n % 300) for n in range(1, 1001)],
    "currencies": [("EUR", "euro"), ("CHF", "franc")],
}
TABLES = {
    "customers": "customer_id INTEGER PRIMARY KEY, name TEXT",
    "orders": "order_id INTEGER PRIMARY KEY, customer_id INTEGER",
    "currencies": "code TEXT, name TEXT",
}


def query(database: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        return connection.execute(statement).fetchall()


def create_shop(database: Path) -> None:
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", ROWS[name])


def test_the_example_loads_each_table(airflow: LiveAirflow, home: Path) -> None:
    create_shop(home / "shop.db")
    airflow.api.wait_for_dag("example_table_group")
    for run in ("first", "second"):
        airflow.api.trigger("example_table_group", conf={}, run_id=run)
        assert airflow.api.wait_for_run("example_table_group", run) == "success"
        for name, rows in ROWS.items():
            order = "ORDER BY 1" if name != "currencies" else "ORDER BY code DESC"
            assert query(home / "warehouse.db", f"SELECT * FROM shop_{name} {order}") == rows
    instances = airflow.api.task_instances("example_table_group", "second")
    assert {ti["task_id"] for ti in instances} == {
        "shop.customers", "shop.orders.plan", "shop.orders.load", "shop.publish", "shop.currencies",
    }  # fmt: skip
    ended = {ti["task_id"]: ti["end_date"] for ti in instances}
    (planned,) = [ti["start_date"] for ti in instances if ti["task_id"] == "shop.orders.plan"]
    assert ended["shop.customers"] <= planned
    published = airflow.api.xcom(TaskKey("example_table_group", "second", "shop.publish"))
    assert published == {"status": "published", "parts": 5, "rows": 1300, "rows_before": 1300}
    checkpoints = query(
        home / "warehouse.db",
        "SELECT task_id, count(*) FROM airflow_checkpoint WHERE dag_id = 'example_table_group'"
        " AND run_id = 'second' GROUP BY 1 ORDER BY 1",
    )
    assert checkpoints == [("shop.customers", 1), ("shop.orders.load", 4)]
