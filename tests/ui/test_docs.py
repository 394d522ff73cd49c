"""The site of the user guide in a browser: no element is wider than its column, and none is cut off."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.documents import ROOT

# What is wider than the place that it has: the column itself, the window, and what scrolls inside the column.
TOO_WIDE = """() => [document.documentElement, document.querySelector("article"),
    ...document.querySelectorAll("article pre > code, article .md-typeset__scrollwrap")]
  .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
  .map((one) => `${one.tagName}: ${one.scrollWidth} > ${one.clientWidth}: ${one.textContent.trim().slice(0, 40)}`)"""


@pytest.fixture(scope="session")
def site() -> Path:
    subprocess.run(["make", "docs"], cwd=ROOT, check=True, capture_output=True, timeout=280)
    return ROOT / "site"


@pytest.mark.parametrize("width", [1280, 700])
def test_nothing_is_wider_than_its_column(site: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    found: dict[str, Any] = {}
    for file in site.glob("*.html"):
        page.goto(file.as_uri())
        if file.name != "404.html" and (wide := page.evaluate(TOO_WIDE)):
            found[file.name] = wide
    page.close()
    assert len(list(site.glob("*.html"))) > 30
    assert found == {}
