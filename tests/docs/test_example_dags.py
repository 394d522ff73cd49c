"""The example DAGs, run on real tables."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest

from airflow_checkpoint_provider.engine.databases.oracle.scripts import split_script
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.config import REPOSITORY
from tests.support.airflow.example_dags import load_dag, run_example
from tests.support.airflow.operating import context
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb


@pytest.fixture
def warehouse(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    warehouse = make_db("sqlite", "destination")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.uri)
    return warehouse


@pytest.fixture
def shop(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    shop = make_db("sqlite", "source")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", shop.uri)
    return shop


@pytest.mark.server
def test_sales_go_from_oracle_to_postgres(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the seed of the Oracle image."""
    oracle, postgres = make_db("oracle", "source"), make_db("postgres", "destination")
    monkeypatch.setenv("AIRFLOW_CONN_SALES_ORACLE", oracle.uri)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgres.uri)
    with closing(oracle.connect()) as connection, closing(connection.cursor()) as cursor:
        for name in ("table", "rows", "rows"):  # the seed may run again
            for statement in split_script((REPOSITORY / f"docker/oracle/seed/{name}.sql").read_text()):
                connection.commit() if statement == "COMMIT" else cursor.execute(statement)
    result = run_example("example_oracle_to_postgres")["load_sales"]
    assert (result["rows"], result["batches"], result["guarantee"]) == (100_000, 10, "exactly-once")
    (summary,) = postgres.rows(
        "SELECT min(transaction_id), max(transaction_id), count(DISTINCT transaction_id), count(DISTINCT store_id),"
        " sum(amount), max(sold_at)::text FROM sales"
    )
    assert summary == (1, 100_000, 100_000, 40, Decimal("49999500.00"), "2026-03-11 10:39:00")
    assert run_example("example_oracle_to_postgres")["load_sales"]["rows"] == 0


def test_rows_that_change_are_updated(shop: Db, warehouse: Db) -> None:
    for db in (shop, warehouse):
        db.execute("CREATE TABLE customers (customer_id integer PRIMARY KEY, name text, updated_at text)")
    shop.insert("customers", [(1, "Ann", "2026-01-01 10:00:00"), (2, "Bob", "2026-01-01 12:00:00")])
    assert run_example("example_changed_rows")["load_customers"]["rows"] == 2
    shop.execute(
        "UPDATE customers SET name = 'Anna', updated_at = '2026-01-02 10:00:00' WHERE customer_id = 1"
    )
    shop.insert("customers", [(3, "late", "2026-01-01 11:30:00")])
    assert run_example("example_changed_rows", run=2)["load_customers"]["rows"] == 3
    names = warehouse.rows("SELECT customer_id, name FROM customers ORDER BY 1")
    assert names == [(1, "Anna"), (2, "Bob"), (3, "late")]


def test_a_view_without_a_key_is_counted(shop: Db, warehouse: Db) -> None:
    shop.execute(
        "CREATE TABLE sales (region text, amount integer)",
        "CREATE VIEW revenue_by_region AS SELECT region, sum(amount) AS revenue FROM sales GROUP BY region",
    )
    shop.insert("sales", [("north", 1), ("south", 2), ("north", 3)])
    warehouse.execute("CREATE TABLE revenue (region text, revenue integer)")
    result = run_example("example_view_without_key")["load_revenue"]
    assert (result["strategy"], result["checkpoint"]) == ("python", {"row": 2})
    assert warehouse.rows("SELECT * FROM revenue ORDER BY region") == [("north", 4), ("south", 2)]


def test_a_lookup_table_is_loaded_whole_every_time(shop: Db, warehouse: Db) -> None:
    for db in (shop, warehouse):
        db.execute("CREATE TABLE currencies (code text)")
    shop.insert("currencies", [("EUR",), ("CHF",)])
    for _ in range(2):
        assert run_example("example_lookup_table")["load_currencies"]["rows"] == 2
    assert warehouse.one("SELECT count(*) FROM currencies") == 2
    assert warehouse.one("SELECT count(*) FROM sqlite_master WHERE name = 'airflow_checkpoint'") == 0


def test_whoever_triggers_may_ask_for_a_reload(shop: Db, warehouse: Db) -> None:
    for db in (shop, warehouse):
        db.execute("CREATE TABLE orders (order_id integer PRIMARY KEY)")
    shop.insert("orders", [(1,), (2,)])
    rows = [
        run_example("example_force_reload", run=run, params={"reload": reload})["load_orders"]["rows"]
        for run, reload in ((1, False), (2, False), (3, True), (4, False))
    ]
    assert rows == [2, 0, 2, 0]


def quickstart(shop: Db, warehouse: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLIGHTS_SOURCE", shop.uri)
    for db in (shop, warehouse):
        db.execute("CREATE TABLE flights (flight_id integer PRIMARY KEY)")
    shop.insert("flights", [(n,) for n in range(100_000)])
    assert run_example("example_sqlite_quickstart")["load_flights"]["rows"] == 100_000


def test_a_load_that_has_stalled_is_told_of(shop: Db, warehouse: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    quickstart(shop, warehouse, monkeypatch)
    run_example("example_stalled_alert")
    warehouse.execute(
        "UPDATE airflow_checkpoint SET status = 'running', updated_at = '2026-01-01 08:00:00.000000', committed_at = '2026-01-01 08:00:00.000000'"
    )
    with pytest.raises(
        RuntimeError, match=r"1 loads have stalled: .*load_flights, run run_1 since 2026-01-01 08:00"
    ):
        run_example("example_stalled_alert")


def test_old_checkpoints_are_purged(shop: Db, warehouse: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    quickstart(shop, warehouse, monkeypatch)
    assert run_example("example_maintenance")["purge_old_checkpoints"] == 0
    warehouse.execute(
        "UPDATE airflow_checkpoint SET updated_at = '2026-01-01 08:00:00.000000', committed_at = '2026-01-01 08:00:00.000000'"
    )
    assert run_example("example_maintenance")["purge_old_checkpoints"] == 1
    assert CheckpointHook("warehouse").list() == []


def test_the_first_rows_are_waited_for(shop: Db, warehouse: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    quickstart(shop, warehouse, monkeypatch)
    sensor = load_dag("example_wait_for_rows").get_task("first_rows")
    assert (sensor.min_rows, sensor.stalled_after) == (100_000, timedelta(minutes=10))
    here = context(dag_id="example_sqlite_quickstart", run_id="run_1")  # the run of the load
    assert sensor.execute(here)["rows"] == 100_000
