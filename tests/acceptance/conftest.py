"""One Airflow for all acceptance tests; each test has its own run and destination table."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from airflow import sdk

from tests.acceptance import orders
from tests.acceptance.editing import EditRetries, edit_retries_in
from tests.acceptance.gate import DIRECTORY_VARIABLE
from tests.acceptance.load import Load
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.auth import USERS
from tests.support.airflow.clients.api import TaskKey
from tests.support.airflow.config import IMPATIENT, REPOSITORY

StartLoad = Callable[..., Load]

HAS_LOOPS = hasattr(sdk, "LoopDecision")  # Airflow 3.4
HAS_TASK_STATE = hasattr(sdk, "NEVER_EXPIRE")  # Airflow 3.3

collect_ignore = [
    *([] if HAS_LOOPS else ["test_loops.py"]),
    *([] if HAS_TASK_STATE else ["test_task_state.py"]),
]


def sqlite_connection(database: Path) -> str:
    return json.dumps({"conn_type": "sqlite", "host": str(database)})


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the databases, gates, editable DAG files, and Airflow."""
    home = tmp_path_factory.mktemp("acceptance")
    orders.create_source(home / "source.db")
    (home / "gates").mkdir()
    shutil.copytree(REPOSITORY / "tests" / "acceptance" / "dags", home / "dags")
    shutil.copytree(REPOSITORY / "example_dags", home / "dags", dirs_exist_ok=True)
    return home


@pytest.fixture(scope="package")
def airflow(home: Path) -> Iterator[LiveAirflow]:
    """An Airflow that ends with these tests, because it is never idle, and others may follow in this process."""
    env = {
        **IMPATIENT,
        DIRECTORY_VARIABLE: str(home / "gates"),
        "AIRFLOW_CONN_SOURCE": sqlite_connection(home / "source.db"),
        "AIRFLOW_CONN_DESTINATION": sqlite_connection(home / "destination.db"),
        "AIRFLOW_CONN_ELSEWHERE": sqlite_connection(home / "elsewhere.db"),
        "AIRFLOW_CONN_FLIGHTS_SOURCE": sqlite_connection(home / "flights_source.db"),
        "AIRFLOW_CONN_WAREHOUSE": sqlite_connection(home / "warehouse.db"),
        "AIRFLOW_CONN_SHOP": sqlite_connection(home / "shop.db"),
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.support.airflow.auth.LimitingAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": USERS,
    }
    with LiveAirflow(home / "airflow", home / "dags", env) as airflow:
        yield airflow


@pytest.fixture
def prepare_load(airflow: LiveAirflow, home: Path, request: pytest.FixtureRequest) -> Iterator[StartLoad]:
    """Prepare a run of a DAG that copies the orders: its key, and an empty table with the test's name."""
    table = re.sub(r"\W", "_", request.node.name)
    loads: list[Load] = []

    def prepare(dag_id: str, suffix: str = "") -> Load:
        name = table + suffix
        orders.create_table(home / "destination.db", name)
        key = TaskKey(dag_id, name, "copy")
        load = Load(airflow, home / "source.db", home / "destination.db", home / "gates", name, key)
        loads.append(load)
        return load

    yield prepare
    for load in loads:
        load.gate.open()


@pytest.fixture
def edit_retries(airflow: LiveAirflow, home: Path) -> EditRetries:
    """Edit ``retries`` in the DAG file ``edited_retries.py``."""
    edit = edit_retries_in(home / "dags" / "edited_retries.py", airflow)
    edit(2)
    return edit
