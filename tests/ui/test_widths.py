"""Each page in a narrow and in a wide window, light and dark: nothing is cut off at the side."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import StartLoad
from tests.ui.conftest import Open
from tests.ui.test_rejects import declare

WIDTHS, THEMES = (700, 1600), ("light", "dark")


def test_pages_fit_into_their_window(
    open_page: Open, prepare_load: StartLoad, screenshot: Callable[[Page, str], None]
) -> None:
    load = prepare_load("copy_good_orders")
    declare(load, ", CHECK (order_id < 20580)")
    load.start()
    load.wait_for_success(1)
    target = f"dag_id=copy_good_orders&task_id=copy&run_id={load.key.run_id}"
    task = open_page(f"checkpoint/task?{target}")
    rejects = task.get_by_role("link", name="All 61 rejected rows").get_attribute("href")
    pages = {
        "list": f"checkpoint/?q={load.key.run_id}",
        "tables": "checkpoint/tables?q=copy_good_orders",
        "task": f"checkpoint/task?{target}",
        "rejects": f"checkpoint/{rejects}",
    }
    for name, path in pages.items():
        for width in WIDTHS:
            for theme in THEMES:
                page = open_page(path, theme=theme, width=width)
                expect(page.get_by_role("heading").first).to_be_visible()
                expect(page.locator("body")).to_contain_text("copy")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, theme)
                screenshot(page, f"{name}-{width}-{theme}")
                page.close()
