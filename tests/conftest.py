from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest

# Before Airflow is imported: its own home, and no example DAGs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow_checkpoint_home_"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

pytest_plugins = ["tests.fix_databases", "tests.fix_mysql", "tests.fix_oracle", "tests.fix_postgres"]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let the tests that share one Airflow run in one process, and begin with them: they take longest."""
    from xdist.scheduler import LoadScopeScheduling

    class OneAirflow(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "airflow" if nodeid.startswith("tests/acceptance/") else nodeid

    return OneAirflow(config, log)
