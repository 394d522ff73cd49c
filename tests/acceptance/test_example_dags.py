"""Every file in example_dags/ is a DAG that Airflow accepts, named like its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.config import REPOSITORY

EXAMPLES = sorted((REPOSITORY / "example_dags").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_is_parsed(airflow: LiveAirflow, example: Path) -> None:
    dag = airflow.api.wait_for_dag(example.stem)
    assert dag["relative_fileloc"] == example.name
    assert not dag["has_import_errors"]
