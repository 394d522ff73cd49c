"""Completed staged loads are distinguished from published ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.store.history_entry import is_staged
from airflow_checkpoint_provider.engine.transfer.staging.publication import Publication
from airflow_checkpoint_provider.engine.transfer.staging.publish_parts import PublishedTable
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.plugin_events import told
from tests.support.staging import staged_load

WHO = Identity("a_dag", "a_task", "run_1")


@pytest.fixture
def load(hook: CheckpointHook, make_db: MakeDb) -> Load:
    destination = make_db(str(hook.get_connection("target").conn_type), "destination")
    return staged_load(make_db("sqlite", "source"), destination, 6)


def publish(load: Load) -> None:
    attempt: Any = load.transfer()._attempt
    Publication(
        load.destination.database("dst"),
        [PublishedTable("target", WHO, 1)],
        "airflow_checkpoint",
        attempt,
        observe=lambda _: None,
    ).run()


def staged(hook: CheckpointHook) -> list[bool]:
    """Return whether the load is staged, according to the hook and to the list."""
    (stored,) = hook.list()
    (listed,) = hook.find(Search()).rows
    return [WHO in hook.staged([stored]), listed.staged]


def test_until_it_is_published(hook: CheckpointHook, load: Load) -> None:
    assert load.attempt_batches(1, publish=False)
    assert staged(hook) == [False, False]
    load.attempt(publish=False)
    assert staged(hook) == [True, True]
    publish(load)
    assert staged(hook) == [False, False]
    load.clear()
    load.attempt(publish=False)
    assert staged(hook) == [True, True]


def test_what_a_task_publishes_itself_is_not(hook: CheckpointHook, load: Load) -> None:
    load.attempt()
    assert staged(hook) == [False, False]
    load.clear()
    load.attempt(write_mode="replace", on_source_change="reload")
    assert staged(hook) == [False, False]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], False),
        (["started", "completed"], False),
        (["started", "opened", "completed"], True),
        (["started", "opened", "failed"], False),
        (["started", "opened", "completed", "published"], False),
        (["started", "opened", "completed", "published", "started", "opened", "completed"], True),
    ],
)
def test_by_the_history(kinds: list[str], expected: bool) -> None:
    facts = LoadFacts(write_mode="replace_atomic", batch_size=1, scope="run", publishes=False).as_text()
    assert json.loads(facts)["publishes"] is False
    entries = told(
        *((kind, n, 0, 1, "x", facts if kind == "opened" else None) for n, kind in enumerate(kinds))
    )
    assert is_staged(entries) is expected
