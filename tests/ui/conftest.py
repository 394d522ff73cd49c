"""A real browser on a real Airflow."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.acceptance.conftest import airflow, home, prepare_load
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.config import REPOSITORY

__all__ = ["airflow", "home", "prepare_load"]

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", REPOSITORY / ".screenshots"))

Open = Callable[..., Page]

expect.set_options(timeout=30_000)  # test machines are busy


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, so that nothing is downloaded."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "The tests in tests/ui need Chromium; `make test-ui` installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, airflow: LiveAirflow) -> Iterator[Open]:
    """Open a page of Airflow as a user; errors in the browser's console fail the test."""
    contexts, faults = [], []

    def open_page(path: str, user: str = "admin", theme: str = "light", width: int = 1360) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=theme)  # type: ignore[arg-type]
        contexts.append(context)
        context.add_cookies([{"name": "_token", "value": airflow.token(user), "url": airflow.url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: faults.append(message.text) if _is_ours(message) else None)
        page.on(
            "pageerror", lambda error: faults.append(str(error)) if "page.js" in (error.stack or "") else None
        )
        page.goto(f"{airflow.url}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def _is_ours(message: ConsoleMessage) -> bool:
    # An expected refusal is no fault; a script or a style blocked by the browser is.
    return (
        message.type == "error"
        and "/checkpoint" in message.location.get("url", "")
        and not message.text.startswith("Failed to load resource")
    )


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Save a screenshot of a page."""
    SCREENSHOTS.mkdir(exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return take
