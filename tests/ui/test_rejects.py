"""The page of rejected rows: its contents, and its writing of rows again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

from playwright.sync_api import Page, expect

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.support.airflow.checkpoints import events
from tests.ui.conftest import Open

Screenshot = Callable[[Page, str], None]


def declare(load: Load, check: str) -> None:
    """Create the destination's table again, with its rows and a constraint."""
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        connection.execute(f"ALTER TABLE {load.table} RENAME TO before_{load.table}")
        connection.execute(f"CREATE TABLE {load.table} ({orders.COLUMNS}{check})")
        connection.execute(f"INSERT INTO {load.table} SELECT * FROM before_{load.table}")
        connection.execute(f"DROP TABLE before_{load.table}")


def test_rejected_rows_are_written_again(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    load = prepare_load("copy_good_orders")
    declare(load, ", CHECK (order_id < 20580), CHECK (customer <> 'Kunde Nr. 9 äöü \N{SNOWMAN}')")
    load.start()
    load.wait_for_success(1)
    target = f"dag_id=copy_good_orders&task_id=copy&run_id={load.key.run_id}"
    page = open_page(f"checkpoint/task?{target}", user="editor")
    expect(page.locator(".badge.rejected")).to_have_text("62 rejected")
    page.get_by_role("link", name="All 62 rejected rows").click()
    expect(page.locator("#refused")).to_contain_text("62 rows")
    screenshot(page, "rejects-light")
    page.get_by_role("button", name="Write again").click()
    screenshot(page, "replay-light")
    declare(load, ", CHECK (customer <> 'Kunde Nr. 9 äöü \N{SNOWMAN}')")
    page.locator("dialog[open]").get_by_role("button", name="Write again").click()
    expect(page.get_by_role("status")).to_contain_text("61 rows written, 1 still rejected.")
    expect(page.locator(".refused-rows tbody tr")).to_have_count(1)
    assert len(orders.rows_of(load.destination, load.table)) == orders.ROWS - 1
    page.get_by_role("button", name="Correct").click()
    dialog = page.locator("dialog[open]")
    values = json.loads(dialog.locator("textarea").input_value())
    refused = json.dumps(values, indent=2)
    dialog.locator("textarea").fill(refused)
    dialog.get_by_role("button", name="Write it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Refused again: CHECK constraint failed")
    expect(dialog.locator("textarea")).to_have_value(refused)
    dialog.locator("textarea").fill(json.dumps({**values, "customer": "Kunde Nr. 9"}))
    screenshot(page, "correct-light")
    dialog.get_by_role("button", name="Write it").click()
    expect(page.get_by_role("status")).to_contain_text("1 row written, 0 still rejected.")
    expect(page.get_by_text("No rejected rows")).to_be_visible()
    assert len(orders.rows_of(load.destination, load.table)) == orders.ROWS
    entries = [one for one in events(load.destination, load.key) if one["kind"] == "replayed"]
    assert [entry["who"] for entry in entries] == ["editor", "editor"]
