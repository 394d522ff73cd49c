"""A group of tables in a browser: one is at work, one has failed, one waits for it, the others are done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.acceptance.view.test_now import TABLES, change, refuse
from tests.ui.conftest import Open
from tests.ui.test_list import frame

Screenshot = Callable[[Page, str], None]


@pytest.fixture
def group(prepare_load: StartLoad) -> Iterator[Load]:
    """Table ``stock`` has no room for a row, and the first part of table ``lines`` is held."""
    load = prepare_load("grouped_orders")
    for name in TABLES:
        orders.create_table(load.destination, f"{load.table}_{name}")
    refuse(load, "stock")
    held = load.index(0)
    held.gate.close(after_batches=1)
    try:
        load.start()
        for task_id, state in (
            ("archive", "success"),
            ("totals", "success"),
            ("stock", "failed"),
            ("report", "upstream_failed"),
        ):
            load.airflow.api.wait_for_task(load.neighbour(f"shop.{task_id}"), state)
        yield load
    finally:
        held.gate.open()


def facts(page: Page) -> Locator:
    return page.locator(".facts")


def test_a_group_is_one_line_that_opens_to_its_tables(
    open_page: Open, group: Load, screenshot: Screenshot
) -> None:
    page = open_page("plugin/checkpoints")
    view = frame(page)
    view.locator("#to-groups").click()
    expect(view.get_by_role("heading", name="Groups", exact=True)).to_be_visible()
    view.locator("#text").fill(group.key.run_id)
    view.locator("#text").press("Enter")
    expect(view.locator("#only-all")).to_have_attribute("href", re.compile("q="))
    line = view.locator(".list > tbody > tr").first
    for text in ("1 failed", "1 upstream failed", "1 running", "2 completed", "2 of 5 tables done"):
        expect(line).to_contain_text(text)
    inside = view.locator("details.opens table")
    expect(inside).to_be_hidden()
    view.locator("details.opens summary").click()
    expect(inside.locator("tbody > tr:not(.error)")).to_have_count(5)
    old = view.locator("#live").element_handle()
    page.wait_for_function("old => !old.isConnected", arg=old)
    expect(inside).to_be_visible()  # also after a refresh
    screenshot(page, "groups")
    line.locator("[id^=group-]").click()
    expect(view.locator("h1")).to_contain_text("shop")
    view.get_by_role("link", name="stock").click()
    expect(view.locator(".banner.failed")).to_contain_text("there is no room for it")


def test_all_failed_tables_are_resumed_in_one_step(
    open_page: Open, group: Load, screenshot: Screenshot
) -> None:
    address = f"checkpoint/group?dag_id=grouped_orders&group_id=shop&run_id={group.key.run_id}"
    page = open_page(address, "editor")
    expect(page.locator("tr.error")).to_contain_text("there is no room for it")
    change(group, f"DROP TRIGGER full_{group.table}_stock")
    page.locator("#resume-failed").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".ahead")).to_contain_text("1 table: 750 rows are kept, about 2,250 to go")
    expect(dialog.locator(".cleared")).to_contain_text("Airflow clears 2 task instances")
    expect(dialog.locator(".cleared")).to_contain_text("shop.report")
    screenshot(page, "group-resume")
    dialog.get_by_role("button", name="Resume all failed now").dblclick()
    expect(page.locator("#said")).to_contain_text("1 task instance is cleared. The next attempt resumes")
    # Beside the table that is at work, and is left alone.
    expect(page.locator(".summary > p").first).to_contain_text("4 completed")
    expect(page.locator(".summary > p").first).to_contain_text("1 running")
    expect(page.locator("#resume-failed")).to_have_count(0)
    group.index(0).gate.open()
    expect(page.locator(".meter")).to_contain_text("5 of 5 tables done")
    expect(facts(page)).to_contain_text("12,000")
    for name in TABLES:
        copied = orders.rows_of(group.destination, f"{group.table}_{name}")
        assert copied == orders.rows_of(group.source, "orders"), name


def test_it_fits_into_windows_of_any_width(open_page: Open, group: Load, screenshot: Screenshot) -> None:
    for address in ("groups", f"group?dag_id=grouped_orders&group_id=shop&run_id={group.key.run_id}"):
        for width in (700, 1280, 1600):
            for theme in ("light", "dark"):
                page = open_page(f"checkpoint/{address}", theme=theme, width=width)
                expect(page.locator("body")).to_contain_text("2 of 5 tables done")
                if address == "groups":
                    page.locator("details.opens summary").first.click()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                screenshot(page, f"{address.partition('?')[0]}-{width}-{theme}")


def test_an_onlooker_of_another_dag_sees_no_group(open_page: Open, group: Load) -> None:
    page = open_page("checkpoint/groups", "onlooker")
    expect(page.locator("body")).to_contain_text("No groups yet")
    expect(page.locator("body")).not_to_contain_text("grouped_orders")
