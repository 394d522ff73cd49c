"""The places that a page names, by reader."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.engine.admin.search import Listed
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.model.status import FILTERS, Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import access
from airflow_checkpoint_provider.plugin.known import known_to
from airflow_checkpoint_provider.plugin.models import View
from airflow_checkpoint_provider.plugin.pages import listing, load
from airflow_checkpoint_provider.plugin.reading import Trouble
from airflow_checkpoint_provider.plugin.tasks.finding import Result, Subject
from tests.support.airflow.clients.view_client import know
from tests.support.plugin_events import after, checkpoint, told

THEIRS, FOREIGN, CONFIGURED = Place("theirs"), Place("foreign", "elsewhere"), Place("configured")


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A user who may see one of two DAGs."""
    tasks = defaultdict(set, {THEIRS: {("seen", "copy"), ("hidden", "copy")}, FOREIGN: {("hidden", "copy")}})
    know(monkeypatch, Places(tasks, {CONFIGURED}))
    return Mock(**{"readable.return_value": {"seen"}.intersection})


def test_a_place_is_named_to_who_may_see_a_dag_that_uses_it(viewer: Any) -> None:
    assert known_to(viewer, [CONFIGURED, FOREIGN, THEIRS]) == [CONFIGURED, THEIRS]


def test_an_empty_list_tells_nothing_of_foreign_places(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Result([], 0, dict.fromkeys(FILTERS, 0), [], [], [])
    monkeypatch.setattr(listing.finding, "find", lambda *_: found)
    shown = bytes(listing.overview(viewer, page=1, q="", sort="").body).decode()
    assert "configured, theirs" in shown
    assert "foreign" not in shown


def test_what_was_not_counted_to_its_end_is_said(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {**dict.fromkeys(FILTERS, 0), "completed": 1000, "failed": 3}
    found = Result([], 1003, counts, [], [], [], frozenset({"completed"}), 2000, more=True)
    monkeypatch.setattr(listing.finding, "find", lambda *_: found)
    shown = " ".join(bytes(listing.overview(viewer, page=21, q="x", sort="").body).decode().split())
    assert "All <b>1,003+</b>" in shown
    assert "Completed <b>1,000+</b>" in shown
    assert "Failed <b>3</b>" in shown
    assert "Searched among the newest 2,000 checkpoints; choose a DAG" in shown
    assert "1,001 to 1,050</span>" in shown
    assert "page=22" in shown


def shown_of(page: Any) -> str:
    return " ".join(bytes(page.body).decode().split())


@pytest.mark.parametrize(
    ("troubles", "said"),
    [
        ([], "No checkpoints yet"),
        ([Trouble(THEIRS, "refused")], "is not known while a database does not answer"),
    ],
)
def test_an_empty_list_claims_nothing_of_a_place_that_does_not_answer(
    viewer: Any, monkeypatch: pytest.MonkeyPatch, troubles: list[Trouble], said: str
) -> None:
    found = Result([], 0, dict.fromkeys(FILTERS, 0), [], [], troubles)
    monkeypatch.setattr(listing.finding, "find", lambda *_: found)
    shown = shown_of(listing.overview(viewer, page=1, q="", sort=""))
    assert [text in shown for text in ("No checkpoints yet", said)] == [not troubles, True]


@pytest.mark.parametrize(
    ("troubles", "said"),
    [
        ([], "There is no checkpoint."),
        ([Trouble(THEIRS, "refused")], "Whether there is a checkpoint is unknown."),
    ],
)
def test_nor_does_the_page_of_one(viewer: Any, troubles: list[Trouble], said: str) -> None:
    shown = shown_of(load.load_page(viewer, Subject(None, (), troubles), "seen", "copy", tab=True))
    assert said in shown


def one(stored: Checkpoint, *entries: HistoryEntry, viewer: Any) -> str:
    """Return the page of a checkpoint, as text."""
    view = View.of(THEIRS, Listed(stored, None, None), None, timedelta(minutes=5), after(10))
    return shown_of(load.load_page(viewer, Subject(view, entries, []), "seen", "copy", tab=True))


def test_the_page_of_one_tells_what_is_loaded_and_how(viewer: Any) -> None:
    facts = LoadFacts(
        source_table="erp.sales",
        columns="id, name",
        where="id < 9",
        write_mode="upsert",
        batch_size=20_000,
        scope="run",
        guarantee="exactly-once",
        guarantee_reason="one <transaction>",
        route="binary COPY",
        route_reason="same types",
    )
    entries = told(("started", 0, 0, 1), ("opened", 1, 0, 1, "host pid 1", facts.as_text()))
    shown = one(checkpoint(), *entries, viewer=viewer)
    for said in (
        '<dt>From</dt><dd class="id">erp.sales <span class="muted">in src</span>',
        '<dt>Range</dt><dd class="id">id up to 1000 <button',
        '<dt>Write mode</dt><dd>upsert <span class="muted">in batches of 20,000</span>',
        "<dt>Scope</dt><dd>run</dd>",
        '<dt>Columns</dt><dd class="id">id, name</dd>',
        '<dt>Where</dt><dd><code class="query">id &lt; 9</code></dd>',
        '<dt>Delivery</dt><dd title="one &lt;transaction&gt;">exactly-once</dd>',
        '<dt>Rows travel as</dt><dd title="same types">binary COPY</dd>',
    ):
        assert said in shown
    assert "<td>opened</td>" not in shown
    assert "write_mode&#34;" not in shown
    query = LoadFacts(query="SELECT 1 < 2", write_mode="append", batch_size=1, scope="task")
    later = told(("opened", 9, 0, 2, "host pid 2", query.as_text()))
    shown = one(checkpoint(), *entries, *later, viewer=viewer)
    assert '<code class="query">SELECT 1 &lt; 2</code>' in shown
    assert "erp.sales" not in shown


def test_the_page_of_one_has_the_step_behind_the_last_batch(viewer: Any) -> None:
    line = "Building the primary key (n) of target: scanning table, 40% (12 s)"
    events = told(("started", 0, 0, 1), ("key_building", 5, 9, 1, "host pid 1", line))
    running = checkpoint(status=Status.RUNNING, committed_at=after(9))
    assert f'<dd id="step">{line}</dd>' in one(running, *events, viewer=viewer)
    ended = told(("failed", 6, 9, 1))
    assert 'id="step"' not in one(running, *events, *ended, viewer=viewer)
    assert 'id="step"' not in one(checkpoint(status=Status.COMPLETED), *events, viewer=viewer)


def test_of_an_attempt_that_told_nothing_the_page_tells_what_the_checkpoint_has(viewer: Any) -> None:
    shown = one(checkpoint(upper=None), *told(("started", 0, 0, 1)), viewer=viewer)
    assert '<dt>From</dt><dd class="id">src</dd>' in shown
    assert "<dt>Range</dt>" not in shown
    assert "<dt>Write mode</dt>" not in shown


@pytest.mark.parametrize(
    ("try_number", "retry_at", "said"),
    [
        (1, datetime(2026, 1, 2, tzinfo=UTC), "The next retry comes at <time"),
        (1, None, "An automatic retry resumes the load"),
        (2, None, "No retry is left, because try 2 was the last one"),
    ],
)
def test_a_failed_load_says_whether_a_retry_comes(
    viewer: Any, monkeypatch: pytest.MonkeyPatch, try_number: int, retry_at: datetime | None, said: str
) -> None:
    monkeypatch.setattr(load, "retry_of", lambda _: retry_at)
    stored = checkpoint(status="failed", try_number=try_number, max_tries=1)
    view = View.of(THEIRS, Listed(stored, None, None), None, timedelta(minutes=5), after(10))
    shown = shown_of(load.load_page(viewer, Subject(view, (), []), "seen", "copy", tab=True))
    assert said in shown
    assert f"<dt>Try</dt><dd>{try_number} of 2</dd>" in shown


def test_times_in_texts_are_shown_by_the_clock_of_the_page(viewer: Any) -> None:
    error = "The <checkpoint> was deleted by ann at 2026-01-02 03:04:05 UTC, while"
    entries = told(("started", 0, 0, 1), ("failed", 9, 0, 1, "host pid 1", error))
    shown = one(checkpoint(status="failed", last_error=error), *entries, viewer=viewer)
    marked = (
        "The &lt;checkpoint&gt; was deleted by ann at "
        '<time datetime="2026-01-02T03:04:05+00:00">2026-01-02 03:04:05 UTC</time>, while'
    )
    assert shown.count(marked) == 3  # the banner, the attempt and the history
    seen = re.sub(r'data-copy="[^"]*"', "", shown)
    assert seen.count("UTC") == seen.count("UTC</time>")


def test_a_stalled_load_is_called_so_everywhere(viewer: Any) -> None:
    stored = checkpoint(committed_at=after(0))
    view = View.of(THEIRS, Listed(stored, None, None), None, timedelta(minutes=5), after(1000))
    entries = told(("started", 0, 0, 1))
    shown = shown_of(load.load_page(viewer, Subject(view, entries, []), "seen", "copy", tab=True))
    assert shown.count('<span class="badge stalled">stalled</span>') == 2
    assert '<span class="badge running">' not in shown


def test_the_time_at_work_stands_beside_the_time_it_took(viewer: Any) -> None:
    entries = told(
        ("started", 0, 0, 1), ("failed", 10, 100, 1), ("resumed", 610, 100, 2), ("completed", 630, 1000, 2)
    )
    stored = checkpoint(status="completed", rows=1000, completed_at=after(630), updated_at=after(630))
    shown = one(stored, *entries, viewer=viewer)
    assert '<dt>Took</dt><dd>10 min 30 s <span class="muted">30 s at work</span></dd>' in shown
    assert "<dt>Rows/s of the last attempt</dt><dd>45</dd>" in shown
    assert (
        '<dt>Rows/s of the load</dt><dd>2 <span class="muted">with the time between attempts</span>' in shown
    )


def test_an_attempt_without_a_sign_of_life_took_nobody_knows_how_long(viewer: Any) -> None:
    entries = told(
        ("started", 0, 0, 1), ("resumed", 60, 250, 2), ("opened", 62, 250, 2), ("resumed", 90, 250, 3)
    )
    shown = one(checkpoint(status="failed"), *entries, viewer=viewer)
    assert '<td class="nowrap">unknown</td>' in shown
    assert '<td class="nowrap">at least 2 s</td>' in shown
    assert "its last sign of life: <time" in shown


@pytest.mark.parametrize(
    ("number", "at_least", "said"),
    [
        (1, (), "Show the one checkpoint"),
        (3, (), "Show all 3 checkpoints"),
        (1000, ("failed",), "Show all 1,000+ checkpoints"),
    ],
)
def test_all_of_them_are_counted_in_words(
    viewer: Any, monkeypatch: pytest.MonkeyPatch, number: int, at_least: tuple[str, ...], said: str
) -> None:
    counts = {**dict.fromkeys(FILTERS, 0), "failed": number}
    found = Result([], 0, counts, [], [], [], frozenset(at_least))
    monkeypatch.setattr(listing.finding, "find", lambda *_: found)
    assert said in shown_of(listing.overview(viewer, page=1, q="", sort="", state="running"))


def test_the_list_counts_tries_as_the_tab_does(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    view = View.of(
        THEIRS, Listed(checkpoint(try_number=2), None, None), None, timedelta(minutes=5), after(10)
    )
    found = Result([view], 1, dict.fromkeys(FILTERS, 0), [], [], [])
    monkeypatch.setattr(listing.finding, "find", lambda *_: found)
    shown = shown_of(listing.overview(viewer, page=1, q="", sort=""))
    assert '<th scope="col" class="right">Try</th>' in shown
    assert '<td class="right nowrap">2 of 4</td>' in shown
    assert '<time class="ago" datetime="2026-03-01T12:00:10+00:00">now</time>' in shown


def test_what_is_staged_and_not_published_is_a_state_of_its_own(
    viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = checkpoint(status="completed", completed_at=after(9), fingerprint={"stage": "beside"})
    view = View.of(THEIRS, Listed(stored, None, None, staged=True), None, timedelta(minutes=5), after(10))
    shown = shown_of(load.load_page(viewer, Subject(view, (), []), "seen", "copy", tab=True))
    assert '<span class="badge staged">staged, not yet published</span>' in shown
    assert (
        "All rows are staged, and target has its old ones until the task that publishes them has run."
        in shown
    )
    found = Result([view], 1, dict.fromkeys(FILTERS, 0), [], [], [])
    monkeypatch.setattr(listing.finding, "find", lambda *_: found)
    listed = shown_of(listing.overview(viewer, page=1, q="", sort=""))
    assert '<span class="badge staged">staged, not yet published</span>' in listed


def test_long_errors_are_cut_to_two_lines_and_can_be_copied(viewer: Any) -> None:
    error = "it <broke> " * 30
    shown = one(checkpoint(status="failed", last_error=error), viewer=viewer)
    assert '<details class="long" id="error"><summary><span>it &lt;broke&gt; it' in shown
    assert 'data-copy="it &lt;broke&gt; it' in shown
    short = one(checkpoint(status="failed", last_error="it broke"), viewer=viewer)
    assert '<details class="long"' not in short
    assert re.search('<div class="banner failed"> ?it broke ?<button type="button" class="copy"', short)


def test_what_is_left_the_run_and_the_position_can_be_copied(viewer: Any) -> None:
    shown = one(checkpoint(), viewer=viewer)
    for text in ("id = 500", "WHERE id &gt; 500 AND id &lt;= 1000", "run_1"):
        assert f'data-copy="{text}"' in shown
    assert '<span class="run" title="run_1">run_1</span>' in shown
    assert 'data-copy-link="task?dag_id=a_dag' in shown


def test_when_it_will_be_done(viewer: Any) -> None:
    moving = checkpoint(position=Position((1,), 500))
    sample = told(("started", 0, 0, 1))[0]
    view = View.of(THEIRS, Listed(moving, None, sample), None, timedelta(minutes=5), after(10))
    shown = shown_of(load.load_page(viewer, Subject(view, (), []), "seen", "copy", tab=True))
    assert view.pace.left == pytest.approx(9990)
    assert 'done about <time class="clock" datetime="2026-03-01T14:46:40+00:00">14:46 UTC</time>' in shown


def test_airflow_is_asked_once_what_a_user_may_see(monkeypatch: pytest.MonkeyPatch) -> None:
    auth_manager = Mock(**{"get_authorized_dag_ids.return_value": {"seen"}})
    monkeypatch.setattr(access, "get_auth_manager", lambda: auth_manager)
    monkeypatch.setattr(access, "known_dags", lambda: {"seen", "hidden"})
    viewer = access.Viewer(Mock())
    assert [viewer.readable()({"seen", "hidden"}) for _ in range(2)] == [{"seen"}, {"seen"}]
    assert auth_manager.get_authorized_dag_ids.call_count == 1
