"""Which places a page names, and to whom."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.engine.model.status import FILTERS
from airflow_checkpoint_provider.plugin import pages
from airflow_checkpoint_provider.plugin.tasks.discovery import Places
from airflow_checkpoint_provider.plugin.tasks.finding import Result
from airflow_checkpoint_provider.plugin.tasks.transfers import Place

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
    found = Result([], 0, dict.fromkeys(FILTERS, 0), [], [], [])
    monkeypatch.setattr(pages.finding, "find", lambda *_: found)
    shown = bytes(pages.overview(viewer, page=1, q="", sort="").body).decode()
    assert "configured, theirs" in shown
    assert "foreign" not in shown


def test_what_was_not_counted_to_its_end_is_said(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {**dict.fromkeys(FILTERS, 0), "completed": 1000, "failed": 3}
    found = Result([], 1003, counts, [], [], [], frozenset({"completed"}), 2000, more=True)
    monkeypatch.setattr(pages.finding, "find", lambda *_: found)
    shown = " ".join(bytes(pages.overview(viewer, page=21, q="x", sort="").body).decode().split())
    assert "All <b>1,003+</b>" in shown
    assert "Completed <b>1,000+</b>" in shown
    assert "Failed <b>3</b>" in shown
    assert "Searched among the newest 2,000 checkpoints; choose a DAG" in shown
    assert "1,001 to 1,050</span>" in shown
    assert "page=22" in shown
