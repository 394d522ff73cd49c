"""Which places a page names, and to whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.plugin import pages
from airflow_checkpoint_provider.plugin.discovery import Places
from airflow_checkpoint_provider.plugin.transfers import Place

THEIRS, FOREIGN, CONFIGURED = Place("theirs"), Place("foreign", "elsewhere"), Place("configured")


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somebody who may see one of two DAGs."""
    tasks = defaultdict(set, {THEIRS: {("seen", "copy"), ("hidden", "copy")}, FOREIGN: {("hidden", "copy")}})
    discovery = Mock(**{"places.return_value": Places(tasks, {CONFIGURED})})
    monkeypatch.setattr(pages, "discovery", lambda: discovery)
    return Mock(**{"readable.return_value": {"seen"}.intersection})


def test_a_place_is_named_to_who_may_see_a_dag_that_uses_it(viewer: Any) -> None:
    assert pages.known_to(viewer, [CONFIGURED, FOREIGN, THEIRS]) == [CONFIGURED, THEIRS]


def test_an_empty_list_tells_nothing_of_foreign_places(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Mock(
        views=[], total=0, counts=Counter(), all=0, dag_ids=[], unreadable=[], troubles=[], moves=False
    )
    monkeypatch.setattr(pages.finding, "find", lambda *_: found)
    shown = bytes(pages.overview(viewer, page=1, q="", sort="").body).decode()
    assert "configured, theirs" in shown
    assert "foreign" not in shown
