"""The errors that a retry policy of the package retries, and when."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow import sdk

from airflow_checkpoint_provider.engine.model import errors
from airflow_checkpoint_provider.policies.retry import CheckpointRetryPolicy
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db

HAS_POLICIES = hasattr(sdk, "RetryPolicy")
"""From Airflow 3.3 on."""
PERMANENT = {
    errors.ArgumentError,
    errors.SourceMismatchError,
    errors.DestinationMismatchError,
    errors.BadRowsError,
    errors.TooManyBadRowsError,
    errors.UnsupportedDatabaseError,
    errors.InvalidCheckpointError,
    errors.MomentGoneError,
    errors.SourceChangedError,
    errors.WouldDuplicateError,
    errors.StaleRunError,
    errors.VerificationError,
}


def decide(error: BaseException, context: Any = None) -> tuple[str, timedelta | None]:
    decision = CheckpointRetryPolicy().evaluate(error, 1, 3, context)
    return decision.action.value, decision.retry_delay


def test_these_errors_are_permanent_and_no_others() -> None:
    classes = {value for value in vars(errors).values() if isinstance(value, type)}
    permanent = {one for one in classes if issubclass(one, errors.PermanentError)}
    assert permanent - {errors.PermanentError} == PERMANENT


if HAS_POLICIES:

    @pytest.mark.parametrize("kind", sorted(PERMANENT, key=lambda one: one.__name__))
    def test_a_permanent_error_fails_the_task_at_once(kind: type[errors.CheckpointError]) -> None:
        assert decide(kind("no")) == ("fail", None)
        reason = CheckpointRetryPolicy().evaluate(kind("no"), 1, 3).reason
        assert reason == f"{kind.__name__}: a retry does not cure it"

    def test_a_lost_connection_is_retried_soon() -> None:
        lost = errors.ConnectionLostError("lost")
        assert decide(lost) == ("retry", timedelta(seconds=10))
        policy = CheckpointRetryPolicy(reconnect_delay=timedelta(minutes=2))
        assert policy.evaluate(lost, 1, 3).retry_delay == timedelta(minutes=2)

    def test_a_locked_checkpoint_is_retried_after_the_lock_timeout_of_the_task() -> None:
        locked = errors.CheckpointLockedError("held")
        assert decide(locked, {"task": operator(lock_timeout=7)}) == ("retry", timedelta(seconds=7))
        assert decide(locked, {"task": SimpleNamespace()}) == ("retry", timedelta(seconds=60))
        assert decide(locked) == ("retry", timedelta(seconds=60))

    @pytest.mark.parametrize(
        "error",
        [
            errors.CannotConnectError("no answer"),
            errors.SourceError("statement timeout"),
            errors.DestinationError("disk full"),
            errors.MomentGoneAgainError("a newer moment"),
            errors.NewerFormatError("newer"),
            OSError("no space left"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_any_other_error_is_left_to_the_task(error: Exception) -> None:
        assert decide(error) == ("default", None)

else:

    def test_an_airflow_without_retry_policies_is_named() -> None:
        with pytest.raises(RuntimeError, match="needs Airflow 3.3 or later"):
            CheckpointRetryPolicy()


@pytest.mark.parametrize(
    "changes",
    [
        {"checkpoint_column": "missing"},
        {"source_table": "missing"},
        {"destination_table": "missing"},
        {
            "destination_columns": ["id", "missing"],
            "sql": "SELECT id, region FROM orders",
            "source_table": None,
        },
        {"batch_size": 0},
    ],
    ids=["key", "source", "destination", "column", "value"],
)
def test_a_wrong_argument_is_a_permanent_error(databases: tuple[Db, Db], changes: dict[str, Any]) -> None:
    with pytest.raises(errors.PermanentError):
        execute(operator(**changes))
