"""A load with a permanent error fails at its first attempt, and uses no retries."""

from __future__ import annotations

import html

import httpx
import pytest
from airflow import sdk

from tests.acceptance.conftest import StartLoad

DAGS = ["fails_at_once", *(["has_a_retry_policy"] if hasattr(sdk, "RetryPolicy") else [])]


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_wrong_column_uses_no_retries(prepare_load: StartLoad, dag_id: str) -> None:
    load = prepare_load(dag_id)
    load.start()
    instance = load.airflow.api.wait_for_task(load.key, "failed", "up_for_retry")
    assert (instance["state"], instance["try_number"]) == ("failed", 1), "\n".join(load.log(1)[-30:])
    assert any("the query does not return a column 'no_such_column'" in line for line in load.log(1))
    page = httpx.get(
        f"{load.airflow.url}/checkpoint/",
        params={"q": load.key.run_id},
        headers={"Authorization": f"Bearer {load.airflow.token('admin')}"},
        timeout=60,
    )
    assert load.key.run_id in page.text.partition("Failed before the load began")[2]
    assert "the query does not return a column 'no_such_column'" in html.unescape(page.text)
