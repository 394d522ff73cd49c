"""The parts of one table: some are done, two are running, and one has failed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.ui.conftest import Open
from tests.ui.test_list import frame

Screenshot = Callable[[Page, str], None]

PARTS = 8
OWN = orders.ROWS // PARTS
SLOWEST, SLOW, REFUSED = 2, 4, 6


@pytest.fixture
def load(prepare_load: StartLoad) -> Iterator[Load]:
    """Two parts are held, after one batch and after three; one has been given up after two."""
    load = prepare_load("partitioned_orders")
    refuse(load, order_id=7 * (REFUSED * OWN + 250))
    held = {SLOWEST: load.index(SLOWEST), SLOW: load.index(SLOW)}
    try:
        held[SLOWEST].gate.close(after_batches=1)
        held[SLOW].gate.close(after_batches=3)
        load.start()
        for index in range(PARTS):
            if index in held:
                held[index].wait_until_held()
            else:
                state = "failed" if index == REFUSED else "success"
                load.airflow.api.wait_for_task(load.index(index).key, state)
        yield load
    finally:
        for part in held.values():
            part.gate.open()


def refuse(load: Load, order_id: int) -> None:
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        connection.execute(
            f"CREATE TRIGGER refuse_{load.table} BEFORE INSERT ON {load.table} WHEN NEW.order_id = {order_id}"
            " BEGIN SELECT RAISE(ABORT, 'there is no room for it'); END"
        )


def pretend_parts(load: Load, number: int) -> None:
    """Set the number of parts of the plan; the parts not loaded here wait."""
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        of_run = (load.key.run_id,)
        stored = connection.execute(
            "SELECT map_index, fingerprint FROM airflow_checkpoint WHERE run_id = ?", of_run
        )
        for index, text in stored.fetchall():
            fingerprint = json.loads(text)
            fingerprint["partition"] = json.dumps({**json.loads(fingerprint["partition"]), "of": number})
            connection.execute(
                "UPDATE airflow_checkpoint SET fingerprint = ? WHERE run_id = ? AND map_index = ?",
                (json.dumps(fingerprint), *of_run, index),
            )


def fact(view: FrameLocator, name: str) -> Locator:
    return view.locator(".parts dl > div").filter(has_text=re.compile(f"^\\s*{name}")).locator("dd")


def test_the_parts_are_told_as_one_load(open_page: Open, load: Load, screenshot: Screenshot) -> None:
    page = open_page(f"dags/{load.key.dag_id}/tasks/copy/plugin/checkpoint-runs")
    view = page.frame_locator("iframe")
    expect(view.get_by_role("heading", name="8 partitions of one table")).to_be_visible()
    expect(view.locator("#parts-title .badge")).to_have_text(["running", "1 failed"])
    # Five of eight, and 0.26, 0.8 and 0.53 of one each.
    expect(view.locator(".parts .meter")).to_have_text(
        re.compile(r"^\s*82\.4%\s*82\.4%, about \d.* left if all partitions go on\s*$")
    )
    expect(fact(view, "Rows committed")).to_have_text("2,475 of about 3,000")
    expect(fact(view, "Done")).to_have_text("5 of 8")
    expect(fact(view, "At work")).to_have_text("2")
    expect(fact(view, "Slowest")).to_have_text(re.compile(f"^partition {SLOWEST}\\s+26.4%, .* left$"))
    expect(fact(view, "Failed or standing still")).to_have_text(f"partition {REFUSED}")
    expect(view.locator(".cell")).to_have_count(PARTS)
    expect(view.locator(f"#cell-{REFUSED}")).to_have_class("cell failed")
    expect(view.locator(".indexes span")).to_have_text([str(index) for index in range(PARTS)])
    screenshot(page, "parts-light")

    load.index(SLOWEST).gate.open()
    load.index(SLOW).gate.open()
    expect(fact(view, "Done")).to_have_text("7 of 8")
    expect(view.locator("#parts-title .badge")).to_have_text(["failed"])
    expect(view.locator(".parts .meter")).to_have_text(re.compile(r"^\s*94\.1%\s*94\.1%\s*$"))
    expect(fact(view, "Slowest")).to_have_text("\N{EN DASH}")
    view.locator(f"#troubled-{REFUSED}").click()
    expect(view.locator(".banner.failed")).to_contain_text("there is no room for it")
    expect(view.locator(".facts")).to_contain_text("Partition 6 of 0 to 7")


@pytest.mark.parametrize("number", [PARTS, 100, 1024])
def test_they_fit_into_a_narrow_window(
    open_page: Open, load: Load, screenshot: Screenshot, number: int
) -> None:
    pretend_parts(load, number)
    for theme in ("light", "dark"):
        page = open_page(
            f"checkpoint/task?dag_id={load.key.dag_id}&task_id=copy&run_id={load.key.run_id}",
            theme=theme,
            width=700,
        )
        expect(page.locator(".cell")).to_have_count(number)
        expect(page.get_by_role("heading", name=f"{number:,} partitions of one table")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 700
        screenshot(page, f"parts-{number}-{theme}")


def test_in_the_list_they_are_one_line_that_opens(
    open_page: Open, load: Load, screenshot: Screenshot
) -> None:
    page = open_page("plugin/checkpoints")
    view = frame(page)
    view.locator("#text").fill(load.key.run_id)
    view.locator("#text").press("Enter")
    expect(view.locator("#state-all")).to_have_attribute(
        "href", re.compile("q=")
    )  # the page that was asked for
    line = view.locator(".list > tbody > tr").first
    expect(line).to_contain_text("1 failed")
    expect(line).to_contain_text("2 running")
    inside = view.locator("#load-1 table")
    expect(inside).to_be_hidden()
    view.locator("#load-1 summary").click()
    expect(inside.locator("tbody > tr:not(.error)")).to_have_count(PARTS)
    old = view.locator("#live").element_handle()
    page.wait_for_function("old => !old.isConnected", arg=old)
    expect(inside).to_be_visible()  # also after a refresh
    screenshot(page, "mapped-load")
    inside.get_by_role("link").first.click()
    expect(view.locator("h1")).to_contain_text("failed")
