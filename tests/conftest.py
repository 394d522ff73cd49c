from __future__ import annotations

import os
import tempfile

import pytest

# Before Airflow is imported: its own home, and no example DAGs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow_checkpoint_home_"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

pytest_plugins = ["tests.fix_databases", "tests.fix_postgres"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the tests that share one Airflow run in one process."""
    if _is_live(item):
        item.add_marker(pytest.mark.xdist_group("airflow"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=_is_live, reverse=True)


def _is_live(item: pytest.Item) -> bool:
    return "tests/acceptance/" in item.nodeid
