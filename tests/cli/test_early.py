"""``airflow checkpoint list`` names failures that have no checkpoint."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_checkpoint_provider.cli import early
from airflow_checkpoint_provider.hooks.airflow_internals.failures import FailedInstance
from airflow_checkpoint_provider.hooks.discovery import Places
from tests.cli.conftest import Airflow, know
from tests.cli.test_cli import load, two
from tests.support.loads import Load

__all__ = ["load", "two"]
DESTINATIONS = ("sqlite",)


@pytest.fixture(autouse=True)
def failures(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three task instances have failed, two of them with an error in Airflow that no checkpoint has."""
    known = Places(transfers={("a", "load"), ("b", "load")})
    know(monkeypatch, known)
    failed = [
        FailedInstance(("a", "load", "r1", -1), "failed", 2, 2, datetime.now(UTC)),
        FailedInstance(("a", "load", "r0", -1), "failed", 2, 2, datetime.now(UTC)),
        FailedInstance(("b", "load", "r2", 7), "up_for_retry", 1, 3, datetime.now(UTC)),
    ]
    monkeypatch.setattr(
        early,
        "failed_instances",
        lambda tasks, since, limit, among: [
            one for one in failed if one.instance[:2] in tasks and among.run_id in (None, one.instance[2])
        ],
    )
    errors = {
        ("a", "load", "r1", -1): "ArgumentError: no\ntable",
        ("b", "load", "r2", 7): "SourceError: gone",
    }
    monkeypatch.setattr(
        early, "early_errors", lambda found: {one: errors[one] for one in found if one in errors}
    )


A = "a.load, run r1: failed, try 2 of 2: ArgumentError: no\\ntable\n"
B = "b.load [7], run r2: up for retry, try 1 of 3: SourceError: gone\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), A + B),
        (("--dag-id", "b"), B),
        (("--run-id", "r1"), A),
        (("--status", "failed"), A + B),
        (("--status", "completed"), ""),
        (("--request", "reload"), ""),
        (("--name", "x"), ""),
        (("--task-id", "other"), ""),
    ],
)
def test_failures_without_a_checkpoint_are_named(
    airflow: Airflow, two: Load, options: tuple[str, ...], told: str
) -> None:
    ended = airflow("list", "-o", "json", *options)
    assert ended.err == (f"Failed before the load began, within 7 days:\n{told}" if told else "")
    assert isinstance(ended.json(), list)


def test_failures_without_an_error_hide_none(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FailedInstance(("a", "load", "r0", -1), "failed", 2, 2, datetime.now(UTC))
    theirs = early.failed_instances
    monkeypatch.setattr(
        early,
        "failed_instances",
        lambda tasks, since, limit, among: [*[other] * 60, *theirs(tasks, since, limit, among)][:limit],
    )
    assert airflow("list", "-o", "json").err.endswith(A + B)
