"""An Airflow as on several machines: CeleryExecutor, two workers, Redis, and Postgres for everything else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from tests.acceptance import orders
from tests.acceptance.gate import DIRECTORY_VARIABLE
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.celery_workers import running_redis, settings, worker
from tests.support.airflow.config import IMPATIENT, REPOSITORY
from tests.support.databases.db import Db

WORKERS = ("worker-1", "worker-2")
AT_A_TIME = 2
"""The tasks that one worker runs at a time."""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the gates, the DAG files and Airflow."""
    home = tmp_path_factory.mktemp("celery")
    for name in ("gates", "redis", "dags"):
        (home / name).mkdir()
    shutil.copy(REPOSITORY / "tests" / "acceptance" / "dags" / "partitioned_orders.py", home / "dags")
    return home


@pytest.fixture(scope="session")
def shop(postgres_databases: Callable[[str], str]) -> Db:
    database = Db("postgres", postgres_databases("celery_shop"))
    database.execute(f"CREATE TABLE orders ({orders.COLUMNS})")
    database.insert("orders", map(orders.order, range(1, orders.ROWS + 1)))
    return database


@pytest.fixture(scope="session")
def warehouse(postgres_databases: Callable[[str], str]) -> Db:
    return Db("postgres", postgres_databases("celery_warehouse"))


@pytest.fixture(scope="session")
def broker(home: Path) -> Iterator[str]:
    assert shutil.which("redis-server"), (
        "The tests in tests/celery need Redis; `make test-celery` installs it."
    )
    with running_redis(home / "redis") as url:
        yield url


@pytest.fixture(scope="session")
def airflow(
    home: Path, shop: Db, warehouse: Db, broker: str, postgres_databases: Callable[[str], str]
) -> Iterator[LiveAirflow]:
    env = {
        **IMPATIENT,
        **settings(broker),
        DIRECTORY_VARIABLE: str(home / "gates"),
        "AIRFLOW_CONN_SOURCE": shop.uri,
        "AIRFLOW_CONN_DESTINATION": warehouse.uri,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sqlalchemy_url(postgres_databases("celery_metadata")),
    }
    workers = {name: worker(name, AT_A_TIME) for name in WORKERS}
    with LiveAirflow(home / "airflow", home / "dags", env, workers) as airflow:
        yield airflow


def sqlalchemy_url(dsn: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    server = {name: str(parts[name]) for name in ("host", "port") if parts.get(name)}
    url = URL.create(
        "postgresql+psycopg2",
        parts.get("user"),
        parts.get("password"),
        database=parts["dbname"],
        query=server,
    )
    return url.render_as_string(hide_password=False)
