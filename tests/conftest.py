from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any

import pytest

# Before Airflow is imported: a home of this process alone, and no example DAGs.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow_checkpoint_home_")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

pytest_plugins = [
    "tests.support.databases.fixtures",
    "tests.support.databases.mysql_server",
    "tests.support.databases.oracle_server",
    "tests.support.databases.postgres_server",
]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let the tests that share one Airflow run in one process, and begin with them: they take longest."""
    from xdist.scheduler import LoadScopeScheduling

    class OneAirflow(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "airflow" if nodeid.startswith("tests/acceptance/") else nodeid

    return OneAirflow(config, log)
