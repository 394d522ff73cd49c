"""When a wait condition is met, and when it can no longer be met."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_checkpoint_provider.engine.admin.wait_condition import WaitCondition, as_text
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, LoadFailedError, LoadStalledError
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.model.status import Status
from tests.model.test_decisions import DONE, NOW, STORED

RUNNING = replace(STORED, status=Status.RUNNING)
SPANNING = replace(DONE, identity=Identity("d", "t", ALL_RUNS))


def at(*key: Any, stored: Checkpoint = RUNNING) -> Checkpoint:
    columns = tuple("abc"[: len(key)]) or stored.key_columns
    return replace(stored, position=Position(key or None, 50), key_columns=columns)


def met(checkpoint: Checkpoint | None, value: Any = None, *, seconds: float = 0, **awaited: Any) -> bool:
    return WaitCondition(value=as_text(value), **awaited).is_met(checkpoint, NOW + timedelta(seconds=seconds))


def test_completion_is_waited_for() -> None:
    assert [met(one) for one in (None, RUNNING, DONE)] == [False, False, True]


def test_rows_are_waited_for() -> None:
    assert [met(RUNNING, min_rows=rows) for rows in (49, 50, 51)] == [True, True, False]
    assert met(DONE, min_rows=50)
    with pytest.raises(
        LoadFailedError, match=r"complete \(id = 5, 50 rows committed\).*come to 51 rows \(min_rows\)"
    ):
        met(DONE, min_rows=51)
    # The next run may add rows to a load across runs.
    assert not met(SPANNING, min_rows=51)


@pytest.mark.parametrize(
    ("here", "before", "same", "behind"),
    [
        (5, 4, "5", Decimal("5.01")),
        (2**70, 2**70 - 1, 2**70, str(2**70 + 1)),
        (Decimal("1.10"), "1.1", Decimal("1.100"), 1.11),
        (0.1, Decimal("0.1"), 0.1, 0.2),
        (date(2026, 2, 1), "2026-01-31", date(2026, 2, 1), "2026-02-02"),
        (date(2026, 2, 1), "2026-01-31T23:59:59", datetime(2026, 2, 1), "2026-02-01 00:00:01"),
        (datetime(2026, 2, 1, 12), "2026-02-01", "2026-02-01 12:00", datetime(2026, 2, 1, 12, 0, 0, 1)),
        (
            datetime(2026, 2, 1, 12, tzinfo=UTC),
            "2026-02-01T11:59:59Z",
            datetime(2026, 2, 1, 13, tzinfo=timezone(timedelta(hours=1))),
            "2026-02-01 12:00:01+00:00",
        ),
        ("2026-02-01 12:00:00", "2026-02-01", "2026-02-01T12:00:00", "2026-02-01 12:00:00.000001"),
    ],
)
def test_a_position_is_waited_for(here: Any, before: Any, same: Any, behind: Any) -> None:
    assert [met(at(here), value) for value in (before, same, behind)] == [True, True, False]


def test_a_composite_position() -> None:
    here = at(2, date(2026, 2, 1))
    assert met(here, [2, "2026-02-01"])
    assert met(here, [1, "2027-01-01"])
    assert not met(here, [2, "2026-02-02"])
    assert not met(here, [3, "2026-01-01"])
    with pytest.raises(ArgumentError, match="value: 1 given, but the key is a, b"):
        met(here, 2)


def test_rows_and_position_together() -> None:
    assert met(RUNNING, 5, min_rows=50)
    assert not met(RUNNING, 6, min_rows=50)
    assert not met(RUNNING, 5, min_rows=51)
    assert not met(replace(RUNNING, position=BEGINNING), 5)
    with pytest.raises(LoadFailedError, match=r"come to 51 rows \(min_rows\) and id = 6 \(value\)"):
        met(DONE, 6, min_rows=51)


@pytest.mark.parametrize(
    ("here", "value"),
    [
        ("abc", "abd"),
        (UUID(int=5), str(UUID(int=4))),
        (5, "five"),
        (5, "nan"),
        (datetime(2026, 2, 1, tzinfo=UTC), "2026-02-01"),
        (datetime(2026, 2, 1), "2026-02-01T00:00:00Z"),
        (date(2026, 2, 1), 5),
        (True, 1),
        (b"x", "x"),
    ],
)
def test_what_cannot_be_compared_is_refused(here: Any, value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"value: '.*' cannot be compared with a = .*min_rows"):
        met(at(here), value)


def test_a_load_without_a_key_has_no_value() -> None:
    with pytest.raises(ArgumentError, match=r"value: the load of d\.t, run r goes by the number of rows"):
        met(replace(RUNNING, key_columns=(), position=Position(rows=7)), 5)


@pytest.mark.parametrize("value", [True, b"x", "", object(), [1, None]])
def test_values_of_no_use(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"value: .* is neither a number nor a time"):
        as_text(value)


def test_a_failed_load() -> None:
    failed = replace(STORED, last_error="no space left")
    with pytest.raises(
        LoadFailedError,
        match=r"failed in attempt 1 \(id = 5, 50 rows committed\): no space left.*on_failed='wait'",
    ):
        met(failed)
    assert not met(failed, on_failed="wait")
    assert met(failed, min_rows=50)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.FAILED])
def test_a_stalled_load(status: Status) -> None:
    stuck = replace(STORED, status=status)
    assert not met(stuck, seconds=600, stalled_after=600, on_failed="wait")
    with pytest.raises(
        LoadStalledError, match=r"nothing committed for 10 min \(stalled_after=600 seconds; id = 5"
    ):
        met(stuck, seconds=601, stalled_after=600, on_failed="wait")
    assert not met(stuck, seconds=10**6, on_failed="wait")
    assert met(DONE, seconds=601, stalled_after=600)


def test_a_load_that_is_about_to_start_over_has_not_come_anywhere() -> None:
    assert not met(replace(RUNNING, restarting=True), min_rows=50)
    assert not met(replace(RUNNING, restarting=True), 5)


def test_the_run_that_is_waited_for() -> None:
    assert met(SPANNING, run_id="r")
    assert not met(SPANNING, run_id="r2")
