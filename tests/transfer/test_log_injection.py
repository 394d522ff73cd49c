"""Values, ids and errors that would add lines to a log, or send control sequences to a terminal."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from airflow_checkpoint_provider.engine.model.errors import on_one_line
from airflow_checkpoint_provider.engine.model.events.transfer import Event, RowsRejected, Started, Warned
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.partition import Partition, bound
from airflow_checkpoint_provider.engine.transfer.progress_log import ProgressLog
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

FORGED = "a\r\n[2026-01-01] INFO - all is well\x1b[2J\x9b31m\x07\x85\u2028"
FORBIDDEN = {chr(code) for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


@pytest.fixture
def load(make_db: MakeDb) -> Load:
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (k text PRIMARY KEY)")
    source.insert("t", [(f"{FORGED}{n}",) for n in range(5)])
    destination.execute("CREATE TABLE target (k text CHECK (k NOT LIKE '%3'))")
    return Load(source, destination, {"source_table": "t", "batch_size": 2, "on_bad_row": "reject"})


def logged(events: list[Event], caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.set_level(logging.INFO)
    log = ProgressLog(logging.getLogger("load"))
    for event in events:
        log(event)
    return caplog.messages


def test_keys_of_rows(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    assert load.attempt_batches(1)
    assert load.attempt().rejected_total == 1
    lines = logged(load.events, caplog)
    assert any(line.startswith("Resuming k > a\\r\\n[2026") for line in lines)
    assert any("Rejected 1 rows" in line for line in lines)
    assert [line for line in lines if FORBIDDEN & {*line}] == []


@pytest.mark.parametrize(
    "event",
    [
        Warned(FORGED),
        Started("start", FORGED, FORGED, 1, 0, None),
        RowsRejected(rows=1, total=1, table=FORGED, number=1, error=FORGED),
    ],
)
def test_whatever_is_told(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = logged([event], caplog)
    assert on_one_line(FORGED) in line
    assert not FORBIDDEN & {*line}


def test_queries_and_bounds_of_partitions() -> None:
    assert not FORBIDDEN & {*LoadFacts.shown_query(f"SELECT '{FORGED}'")}
    part = Partition(
        plan="p",
        index=0,
        of=1,
        column="k",
        lower=None,
        upper=bound(FORGED),
        nulls=False,
        rows=1,
        rows_in_all=1,
    )
    assert not FORBIDDEN & {*part.as_words()}
    assert not FORBIDDEN & {*replace(part, lower=bound(FORGED)).as_words()}
