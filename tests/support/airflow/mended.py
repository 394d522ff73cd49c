"""
Mends Airflow 3.4.0b2, whose scheduler ends at the first task without a heartbeat.

That scheduler sends the task's callback in its own session, which is closed after that; so the attempt is not archived,
and its successor violates a unique key. The tests of lost tasks need a scheduler that survives them.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

MENDED = "3.4.0b2"


def mend_in(home: Path) -> None:
    """Make every process of an Airflow of that version call :func:`mend`."""
    if version("apache-airflow-core") == MENDED:
        (home / "config").mkdir()
        (home / "config" / "airflow_local_settings.py").write_text(f"from {__name__} import mend\n\nmend()\n")


def mend() -> None:
    """Keep the scheduler's session open."""
    from airflow import settings
    from airflow.callbacks.database_callback_sink import DatabaseCallbackSink
    from airflow.models.db_callback_request import DbCallbackRequest

    def send(sink: DatabaseCallbackSink, callback: Any) -> None:
        session: Any = settings.Session
        session().add(DbCallbackRequest(callback=callback, priority_weight=1))

    DatabaseCallbackSink.send = send  # type: ignore[method-assign,assignment]
