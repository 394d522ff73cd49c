"""The page of all tables, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import StartLoad
from tests.ui.conftest import Open
from tests.ui.test_list import frame


def test_a_table_its_last_load_and_its_tasks(
    open_page: Open, prepare_load: StartLoad, screenshot: Callable[[Page, str], None]
) -> None:
    load = prepare_load("copy_orders_with_neighbour")
    load.start()
    load.wait_for_success(1)
    page = open_page("plugin/checkpoints")
    view = frame(page)
    view.locator("#to-tables").click()
    expect(view.get_by_role("heading", name="Tables", exact=True)).to_be_visible()
    view.locator("#text").fill("with_neighbour")
    view.locator("#text").press("Enter")
    expect(view.locator("#only-all")).to_have_attribute(
        "href", re.compile("q=")
    )  # the page that was asked for
    line = view.locator(".tables > tbody > tr", has_text="copy_orders_with_neighbour").first
    expect(line).to_contain_text("3,000")
    expect(line).to_contain_text("ago")
    screenshot(page, "tables")
    line.locator("[id^=last-]").click()
    expect(view.locator("h1")).to_contain_text("completed")


def test_who_may_not_see_a_dag_sees_no_table_of_it(open_page: Open, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_once")
    load.start()
    load.wait_for_success(1)
    view = frame(open_page("plugin/checkpoints", "onlooker"))
    view.locator("#to-tables").click()
    expect(view.get_by_role("heading", name="Tables", exact=True)).to_be_visible()
    expect(view.locator("body")).not_to_contain_text("copy_orders_once")
