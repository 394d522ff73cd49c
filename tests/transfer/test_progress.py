"""The log lines that report progress."""

from __future__ import annotations

import logging

import pytest

from airflow_checkpoint_provider.engine.model.events.transfer import (
    BatchCommitted,
    Completed,
    Event,
    GuaranteeStated,
    Reconnecting,
    Started,
    StrategyChosen,
)
from airflow_checkpoint_provider.engine.transfer.progress_log import ProgressLog


def batch(number: int, done: float | None = 0.45) -> BatchCommitted:
    return BatchCommitted(
        number=number,
        rows=1000,
        attempt_rows=12_300,
        rows_total=15_300,
        place="order_id = 101765",
        seconds=1.0,
        done=done,
        at_start=0.2,
    )


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            StrategyChosen("key", "by order_id, by checkpoint_column"),
            "Strategy key: by order_id, by checkpoint_column",
        ),
        (
            GuaranteeStated("exactly-once", "each batch commits with its checkpoint"),
            "Delivery is exactly-once: each batch commits with its checkpoint",
        ),
        (
            Started("start", "No checkpoint found: starting from the beginning", "the first row", 1, 0, None),
            "No checkpoint found: starting from the beginning",
        ),
        (
            Started("resume", "Resuming", "order_id > 100765", 2, 3000, 8850),
            "Resuming order_id > 100765 (attempt 2, 3,000 of about 8,850 rows committed)",
        ),
        (
            Started("nothing", "The load was already completed: nothing to do", "", 2, 8850, None),
            "The load was already completed: nothing to do (8,850 rows)",
        ),
        (
            batch(4),
            "Batch 4 committed: 1,000 rows, order_id = 101765, 12,300 rows/s, 45%, about 2 s left",
        ),
        (batch(4, done=None), "Batch 4 committed: 1,000 rows, order_id = 101765, 12,300 rows/s"),
        (
            Reconnecting("server closed the connection", 1, 5, 0.5),
            "Connection lost (server closed the connection): reconnecting in 0.5 s, 1 of at most 5",
        ),
        (
            Completed(5850, 8850, 6, 0.5),
            "Checkpoint completed: 5,850 rows in 6 batches, 0.5 s, 11,700 rows/s (8,850 rows in all)",
        ),
        (
            Completed(20, 20, 1, 0.5),
            "Checkpoint completed: 20 rows in 1 batch, 0.5 s, 40 rows/s (20 rows in all)",
        ),
    ],
)
def test_lines(event: Event, line: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ProgressLog(logging.getLogger("load"))(event)
    assert caplog.messages == [line]


def test_fast_batches_do_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = ProgressLog(logging.getLogger("load"))
    for number in range(1, 1001):
        log(batch(number))
    assert len(caplog.messages) == 5
