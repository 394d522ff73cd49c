"""Browse > Checkpoints, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.clients.api import TaskKey
from tests.ui.conftest import Open

Screenshot = Callable[[Page, str], None]


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_the_menu_leads_to_the_list(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_with_neighbour")
    load.start()
    load.wait_for_success(1)
    page = open_page("")
    page.get_by_role("button", name="Browse").or_(page.get_by_text("Browse", exact=True)).first.click()
    page.get_by_role("menuitem", name="Checkpoints").click()
    expect(frame(page).get_by_role("heading", name="Checkpoints", exact=True)).to_be_visible()
    line = frame(page).locator(".list > tbody tr", has_text=load.key.run_id).first
    for text in ("completed", "copy_orders_with_neighbour", "3,000", "order_id = 21000", "100%", "key"):
        expect(line).to_contain_text(text)
    expect(line).to_contain_text(re.compile(r"now|\d+ s ago"))


def test_filters_by_status_dag_and_text(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    done = prepare_load("copy_orders_with_neighbour")
    done.start()
    dead = prepare_load("copy_orders_once", "_dead")
    dead.gate.close(after_batches=3)
    dead.start()
    dead.kill()
    done.wait_for_success(1)
    dead.airflow.api.wait_for_task(dead.key, "failed")
    page = open_page("plugin/checkpoints")
    view, run = frame(page), f"run_id={done.key.run_id}"
    view.locator("#dag").select_option("copy_orders_once")
    expect(view.locator(".list > tbody")).to_contain_text("copy_orders_once")
    expect(view.locator(f'a[href*="dag_id=copy_orders_with_neighbour"][href*="{run}"]')).to_have_count(0)
    line = view.locator(".list > tbody tr", has_text=dead.key.run_id)
    expect(line.first).to_contain_text("interrupted")
    expect(line.first).to_contain_text("24.9%")
    expect(view.locator("tr.error").first).to_contain_text("task instance: failed")
    view.locator("#dag").select_option("")
    expect(view.locator(".list > tbody")).to_contain_text("copy_orders_with_neighbour")
    view.locator("#text").fill("with_NEIGHBOUR")
    view.locator("#text").press("Enter")
    expect(view.locator(".list > tbody")).not_to_contain_text("copy_orders_once")
    expect(view.locator(".list > tbody")).to_contain_text("copy_orders_with_neighbour")
    view.locator("#state-running").click()
    expect(view.get_by_text("Nothing matches")).to_be_visible()
    view.locator("#state-completed").click()
    expect(view.locator(".list > tbody")).to_contain_text("copy_orders_with_neighbour")
    expect(view.locator("#state-completed")).to_have_attribute("aria-current", "page")
    view.locator("#sort-rows_written").click()
    expect(view.locator("th[aria-sort=descending]")).to_contain_text("Rows")
    expect(view.locator("#text")).to_have_value("with_NEIGHBOUR")
    screenshot(page, "filtered")


def test_progress_is_seen_without_a_reload(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    load = prepare_load("copy_orders")
    load.start_and_hold(after_batches=2)
    page = open_page("plugin/checkpoints")
    line = frame(page).locator(".list > tbody tr", has_text=load.key.run_id).first
    expect(line).to_contain_text("running")
    expect(line).to_contain_text("500")
    expect(line).to_contain_text("16.6%")
    frame(page).locator("body").evaluate("body => { body.dataset.mine = 'yes' }")
    screenshot(page, "running-light")
    load.gate.close(after_batches=7)
    expect(line).to_contain_text("1,750")
    load.gate.open()
    expect(line).to_contain_text("completed")
    expect(line).to_contain_text("3,000")
    # Still the same document: only the rows were fetched again.
    assert frame(page).locator("body").evaluate("body => body.dataset.mine") == "yes"


def test_what_is_typed_and_focused_survives_a_refresh(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start_and_hold(after_batches=1)
    page = open_page("plugin/checkpoints")
    view = frame(page)
    view.locator("#text").fill("half a wo")
    view.locator("#state-failed").focus()
    old = view.locator("#live").element_handle()
    page.wait_for_function("old => !old.isConnected", arg=old)
    expect(view.locator("#text")).to_have_value("half a wo")
    expect(view.locator("#state-failed")).to_be_focused()


@pytest.mark.parametrize("user", ["onlooker", "passer_by"])
def test_a_viewer_sees_what_they_may(open_page: Open, prepare_load: StartLoad, user: str) -> None:
    load = prepare_load("copy_orders_once")
    load.start()
    load.wait_for_success(1)
    page = open_page("plugin/checkpoints", user)
    view = frame(page)
    if user == "onlooker":
        expect(view.get_by_role("heading", name="Checkpoints", exact=True)).to_be_visible()
        expect(view.locator("#dag")).not_to_contain_text("copy_orders_once")
        expect(view.locator("body")).not_to_contain_text(load.key.run_id)
    else:
        expect(view.get_by_text("You may not see the task instances of any DAG")).to_be_visible()


def test_places_are_found_in_what_tasks_were_run_with(
    open_page: Open, airflow: LiveAirflow, home: Path, screenshot: Screenshot
) -> None:
    """A templated destination and another metadata table; and a database that is not there."""
    orders.create_table(home / "elsewhere.db", "far_away")
    run_id = airflow.api.trigger("copy_elsewhere", conf={"table": "far_away"}, run_id="far_away")
    body = {"connection_id": "gone", "conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x"}
    airflow.api.request("POST", "/connections", json=body)
    lost = airflow.api.trigger("copy_elsewhere", conf={"destination": "gone"}, run_id="nowhere")
    airflow.api.wait_for_task(TaskKey("copy_elsewhere", run_id, "copy"), "success")
    airflow.api.wait_for_task(TaskKey("copy_elsewhere", lost, "copy"), "failed", "up_for_retry")
    page = open_page("plugin/checkpoints")
    view = frame(page)
    expect(view.locator(".list > tbody tr", has_text="far_away").first).to_contain_text(
        "3,000", timeout=45_000
    )
    banner = view.locator(".banner", has_text="gone (ops_checkpoint)")
    expect(banner).to_contain_text("does not answer", timeout=45_000)
    expect(banner).to_contain_text("cannot be opened")
    screenshot(page, "unreachable")
    # A user without access to connections sees no hosts; one without access to the DAG sees nothing.
    seen = open_page("plugin/checkpoints", "editor")
    expect(frame(seen).locator(".banner", has_text="gone (ops_checkpoint)")).to_be_visible()
    expect(frame(seen).locator("body")).not_to_contain_text("127.0.0.1")
    unseen = open_page("plugin/checkpoints", "onlooker")
    expect(frame(unseen).get_by_role("heading", name="Checkpoints", exact=True)).to_be_visible()
    expect(frame(unseen).locator("body")).not_to_contain_text("gone")
