"""The Checkpoint tab: its contents, and the effect of its buttons on the next attempt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import FrameLocator, Page, expect

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.checkpoints import events
from tests.support.airflow.clients.api import TaskKey
from tests.ui.conftest import Open

Screenshot = Callable[[Page, str], None]


def tab(load: Load, index: int = -1) -> str:
    mapped = f"/mapped/{index}" if index >= 0 else ""
    return f"dags/{load.key.dag_id}/runs/{load.key.run_id}/tasks/copy{mapped}/plugin/checkpoint"


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def confirm(page: Page, button: str, confirmation: str, reason: str = "") -> None:
    frame(page).get_by_role("button", name=button).click()
    dialog = frame(page).locator("dialog[open]")
    if reason:
        dialog.locator("input[name=reason]").fill(reason)
    dialog.get_by_role("button", name=confirmation).click()
    expect(dialog).to_have_count(0)


def held(prepare_load: StartLoad, dag_id: str = "copy_orders") -> Load:
    load = prepare_load(dag_id)
    load.start_and_hold(after_batches=4)
    return load


def test_it_tells_where_a_retried_load_stands(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    load = held(prepare_load)
    load.kill()
    load.gate.open()
    load.wait_for_success(2)
    page = open_page(tab(load))
    view = frame(page)
    expect(view.locator(".summary .badge")).to_have_text("completed")
    expect(view.locator(".facts")).to_contain_text("3,000")
    expect(view.locator(".facts")).to_contain_text("key by order_id")
    for fact in ("order_id up to 21000", "in batches of 250", "exactly-once", "Rows travel as"):
        expect(view.locator(".facts")).to_contain_text(fact)
    expect(view.locator("svg.chart .mark.resumed title")).to_contain_text("Attempt 2 resumed at 1,000 rows")
    attempts = view.locator("section", has=view.get_by_role("heading", name="Attempts")).locator("tbody tr")
    expect(attempts).to_have_count(2)
    expect(attempts.nth(0)).to_contain_text("completed")
    expect(attempts.nth(0)).to_contain_text("2,000")
    expect(attempts.nth(1)).to_contain_text("interrupted")
    screenshot(page, "task-light")


def test_reload_makes_the_next_attempt_start_over(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    load = held(prepare_load)
    page = open_page(tab(load), theme="dark")
    frame(page).get_by_role("button", name="Reload on next attempt").click()
    screenshot(page, "dialog-dark")
    frame(page).locator("dialog[open]").get_by_role("button", name="Back").click()
    assert load.history() == ["started"]
    confirm(page, "Reload on next attempt", "Request reload", reason="the source was wrong")
    expect(frame(page).get_by_role("status")).to_contain_text("loads from the beginning")
    expect(frame(page).locator(".badge.requested")).to_have_text("reload requested")
    expect(frame(page).locator(".outlook")).to_contain_text("Requested by admin")
    expect(frame(page).locator(".outlook")).to_contain_text("the source was wrong")
    load.kill()
    load.gate.open()
    load.wait_for_success(2)
    load.assert_reloaded(2, because="A reload was requested")
    expect(frame(page).locator(".badge.requested")).to_have_count(0)
    expect(frame(page).locator(".summary .badge")).to_have_text("completed")


def test_resume_holds_even_after_a_clear(open_page: Open, prepare_load: StartLoad) -> None:
    load = held(prepare_load, "copy_orders_once")
    load.kill()
    load.airflow.api.wait_for_task(load.key, "failed")
    page = open_page(tab(load), user="editor")
    expect(frame(page).locator(".summary .badge")).to_have_text("interrupted")
    confirm(page, "Resume on next attempt", "Request resume")
    expect(frame(page).locator(".badge.requested")).to_have_text("resume requested")
    load.gate.open()
    load.clear()
    load.wait_for_success(2)
    load.assert_resumed(2, after_rows=1_000)
    asked = next(event for event in events(load.destination, load.key) if event["kind"] == "resume_requested")
    assert asked["who"] == "editor"


def test_resume_now_needs_one_confirmation(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    load = held(prepare_load, "copy_orders_once")
    load.kill()
    load.airflow.api.wait_for_task(load.key, "failed")
    load.airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    load.gate.open()
    page = open_page(tab(load), user="editor")
    frame(page).get_by_role("button", name="Resume now").click()
    dialog = frame(page).locator("dialog[open]")
    expect(dialog.locator(".ahead")).to_contain_text("1,000 rows are kept, about 2,000 to go")
    expect(dialog.locator(".cleared")).to_have_text("Airflow clears 1 task instance: copy.")
    screenshot(page, "now-light")
    dialog.get_by_role("button", name="Resume now").dblclick()
    expect(dialog).to_have_count(0)
    load.wait_for_success(2)
    load.assert_resumed(2, after_rows=1_000)
    assert load.history().count("resume_requested") == 1
    # Until the page is fetched again, the request has a badge, too.
    expect(frame(page).locator(".summary .badge").first).to_have_text("completed")


def test_a_cancelled_request_is_as_none(open_page: Open, prepare_load: StartLoad) -> None:
    load = held(prepare_load)
    page = open_page(tab(load))
    expect(frame(page).get_by_role("button", name="Cancel request")).to_have_count(0)
    confirm(page, "Reload on next attempt", "Request reload")
    confirm(page, "Cancel request", "Cancel request")
    expect(frame(page).locator(".badge.requested")).to_have_count(0)
    load.kill()
    load.gate.open()
    load.wait_for_success(2)
    load.assert_resumed(2, after_rows=1_000)


def test_delete_forgets_the_load_and_keeps_its_history(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(1)
    page = open_page(tab(load))
    confirm(page, "Delete", "Delete checkpoint")
    expect(frame(page).locator(".outlook")).to_contain_text(
        "There is no checkpoint any more: admin deleted it"
    )
    expect(frame(page).locator("tbody").last).to_contain_text("completed")
    load.clear()
    load.wait_for_success(2)
    assert any(line.startswith("No checkpoint found") for line in load.log(2))
    load.assert_complete()
    expect(frame(page).locator(".summary .badge")).to_have_text("completed", timeout=30_000)


def test_a_refusal_is_told_in_the_dialog(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(1)
    page = open_page(tab(load))
    expect(frame(page).get_by_role("button", name="Delete")).to_be_visible()
    page.route(
        "**/checkpoint/checkpoint", lambda route: route.fulfill(status=200, json={"message": "not really"})
    )
    confirm(page, "Delete", "Delete checkpoint")
    page.unroute("**/checkpoint/checkpoint")
    page.route("**/checkpoint/checkpoint", lambda route: route.abort())
    frame(page).get_by_role("button", name="Delete").click()
    dialog = frame(page).locator("dialog[open]")
    dialog.get_by_role("button", name="Delete checkpoint").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    assert load.checkpoint().status == "completed"


def test_the_keyboard_is_enough(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(1)
    page = open_page(tab(load))
    button = frame(page).get_by_role("button", name="Reload on next attempt")
    button.focus()
    page.keyboard.press("Enter")
    dialog = frame(page).locator("dialog[open]")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("by hand")
    page.keyboard.press("Enter")
    expect(frame(page).locator(".outlook")).to_contain_text("by hand")


def test_who_may_only_look_has_no_buttons(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(1)
    page = open_page(tab(load), "onlooker")
    expect(frame(page).locator(".facts")).to_contain_text("3,000")
    expect(frame(page).locator("button:not(.copy)")).to_have_count(0)


def test_the_theme_follows_airflow(open_page: Open, prepare_load: StartLoad, screenshot: Screenshot) -> None:
    load = held(prepare_load)
    page = open_page(tab(load), theme="dark")
    expect(frame(page).locator(".facts")).to_contain_text("1,000")
    assert brightness(frame(page)) < 0.2
    screenshot(page, "task-dark")
    # As Airflow's own theme switch does.
    page.evaluate(
        "() => { const c = document.documentElement.classList; c.remove('dark'); c.add('light');"
        " document.documentElement.style.colorScheme = 'light' }"
    )
    page.wait_for_function(
        "() => document.querySelector('iframe').contentDocument.documentElement.dataset.theme === 'light'"
    )
    assert brightness(frame(page)) > 0.8


def brightness(view: FrameLocator) -> float:
    colour = view.locator("body").evaluate(
        "body => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = getComputedStyle(body)"
        ".backgroundColor; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data] }"
    )
    return sum(colour[:3]) / 3 / 255


def test_a_task_has_its_runs_and_a_way_back(
    open_page: Open, prepare_load: StartLoad, screenshot: Screenshot
) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(1)
    page = open_page("dags/copy_orders/tasks/copy/plugin/checkpoint-runs")
    view = frame(page)
    view.get_by_role("link", name=load.key.run_id).click()
    expect(view.locator(".facts")).to_contain_text("3,000")
    screenshot(page, "runs")


def test_from_the_list_to_the_task_instance_and_back(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(1)
    page = open_page("plugin/checkpoints")
    view = frame(page)
    view.get_by_role("searchbox").fill(load.key.run_id)
    view.get_by_role("button", name="Search").click()
    expect(view.locator(".list > tbody tr")).to_have_count(1)
    view.locator(".list > tbody tr", has_text=load.key.run_id).first.get_by_role("link").click()
    expect(view.locator(".facts")).to_contain_text("3,000")
    expect(view.get_by_role("button", name="Copy the run id")).to_have_attribute("data-copy", load.key.run_id)
    view.get_by_role("button", name="Copy the run id").click()
    expect(view.get_by_role("status")).to_be_visible()
    view.get_by_role("link", name="All checkpoints").click()
    expect(view.get_by_role("searchbox")).to_have_value(load.key.run_id)
    expect(view.get_by_role("heading", name="Checkpoints", exact=True)).to_be_visible()
    view.locator(".list > tbody tr", has_text=load.key.run_id).first.get_by_role("link").click()
    view.get_by_role("link", name="task instance in Airflow").click()
    page.wait_for_url(f"**/dags/copy_orders/runs/{load.key.run_id}/tasks/copy**")


def test_mapped_tasks_have_one_each(
    open_page: Open, airflow: LiveAirflow, home: Path, prepare_load: StartLoad
) -> None:
    load = prepare_load("mapped_regions")
    (home / "gates" / f"{load.table}.json").write_text(json.dumps(orders.REGIONS))
    load.start()
    for index in range(len(orders.REGIONS)):
        airflow.api.wait_for_task(TaskKey("mapped_regions", load.key.run_id, "copy", index), "success")
    page = open_page(tab(load, 2))
    expect(frame(page).locator(".facts")).to_contain_text("750")


def test_a_task_without_checkpoints_says_so(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_with_neighbour")
    load.start()
    load.wait_for_success(1)
    path = f"dags/copy_orders_with_neighbour/runs/{load.key.run_id}/tasks/neighbour/plugin/checkpoint"
    expect(frame(open_page(path)).get_by_text("No checkpoint yet")).to_be_visible()
