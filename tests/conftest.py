from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from typing import Any

import pytest

# Before Airflow is imported: a separate home for this process, and no example DAGs.
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


def pytest_collection_finish() -> None:
    """Keep what is imported by now out of the garbage collections, which would look through all of Airflow each time."""
    gc.collect()
    gc.freeze()


# Tests of a module that imports from these touch Airflow.
_AIRFLOW = (
    "airflow.",
    *(
        f"airflow_checkpoint_provider.{name}."
        for name in ("cli", "hooks", "links", "observability", "operators")
    ),
    *(f"airflow_checkpoint_provider.{name}." for name in ("plugin", "sensors", "triggers")),
    "tests.support.airflow.",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that touch Airflow, and those that run a whole Airflow."""
    for item in items:
        known = vars(item.module).values()  # type: ignore[attr-defined]
        named = (getattr(value, "__module__", None) or getattr(value, "__name__", "") for value in known)
        whole = item.nodeid.startswith("tests/acceptance/")
        if (
            whole
            or {"hook", "databases"} & {*item.fixturenames}
            or any(  # type: ignore[attr-defined]
                str(name).startswith(_AIRFLOW) for name in named
            )
        ):
            item.add_marker(pytest.mark.airflow)
        if whole:
            item.add_marker(pytest.mark.slow)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run the tests that share one Airflow, or a site, in one process, and first, because they take longest."""
    from xdist.scheduler import LoadScopeScheduling

    class OneAirflow(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("tests/ui/"):
                return nodeid.partition("::")[0]
            return "airflow" if nodeid.startswith("tests/acceptance/") else nodeid

    return OneAirflow(config, log)
