"""A million checkpoints, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import Page, expect

from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
from benchmarks.harness.filling import POSTGRES
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.clients.api import TaskKey
from tests.support.databases.fixtures import MakeDb
from tests.ui.conftest import Open
from tests.ui.test_list import frame

ROWS = 1_000_000
TABLE = "ops_checkpoint"
DAGS = "(ARRAY['copy_elsewhere', 'copy_orders', 'copy_orders_once', 'copy_good_orders'])[1 + n % 4]"


@pytest.mark.server
def test_the_list_is_there(
    open_page: Open, airflow: LiveAirflow, make_db: MakeDb, screenshot: Callable[[Page, str], None]
) -> None:
    db = make_db("postgres", "destination")
    CheckpointRepository(db.database("many"), TABLE).create()
    with psycopg.connect(db.place, autocommit=True) as connection:
        for statement in POSTGRES:
            if "airflow_checkpoint_event" not in statement:
                text = statement.format(rows=ROWS).replace("airflow_checkpoint", TABLE)
                connection.execute(text.replace("'dag_' || (n % 100)", DAGS).encode())
    parts = psycopg.conninfo.conninfo_to_dict(db.place)
    body = {
        "connection_id": "many",
        "conn_type": "postgres",
        "host": parts["host"],
        "port": int(parts.get("port", 5432)),
        "login": parts.get("user", "postgres"),
        "schema": parts["dbname"],
    }
    airflow.api.request("POST", "/connections", json=body)
    run_id = airflow.api.trigger("copy_elsewhere", conf={"destination": "many", "table": "nowhere"})
    airflow.api.wait_for_task(TaskKey("copy_elsewhere", run_id, "copy"), "failed", "up_for_retry")
    view = frame(page := open_page("plugin/checkpoints"))
    expect(view.locator(".list > tbody tr", has_text="run_4").first).to_be_visible(timeout=60_000)
    expect(view.locator("#state-all")).to_contain_text(
        re.compile(r"2,0\d\d\+")
    )  # of this place, and of others
    screenshot(page, "million")
    view.locator("#dag").select_option("copy_good_orders")
    expect(view.locator(".list > tbody")).not_to_contain_text("copy_orders")
    view.locator("#text").fill("run_19")
    view.locator("#text").press("Enter")
    expect(view.locator(".list > tbody tr", has_text="run_19").first).to_contain_text("copy_good_orders")
    expect(view.locator(".list > tbody")).not_to_contain_text("run_23")
