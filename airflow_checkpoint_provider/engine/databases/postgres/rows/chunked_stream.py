"""Rows as Python values that the server sends without a request for each block, and so while others are written."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.rows.text_values import Fetch, ValueForm
from airflow_checkpoint_provider.engine.databases.sockets import PATIENCE_S, cut


def can_send_ahead() -> bool:
    """Return whether libpq can return a result in parts, as it can from version 17 on."""
    from psycopg import capabilities

    return capabilities.has_stream_chunked()


@contextmanager
def sent_ahead(raw: Any, statement: tuple[str, Any], form: ValueForm, at_once: int) -> Iterator[Fetch]:
    """
    Run a statement, and yield the function that fetches its next rows.

    Until the end psycopg keeps the connection locked: any other statement on it waits for ever.

    :param raw: the psycopg connection
    :param at_once: rows that libpq holds at a time
    """
    text, values = statement
    with (
        form.set_up(raw.cursor()) as cursor,
        _ended_soon(cursor.stream(text, values, size=at_once), raw) as rows,
        not_waited_for(raw),
    ):
        yield lambda size: list(islice(rows, size))


@contextmanager
def _ended_soon(rows: Generator[Any], raw: Any) -> Iterator[Generator[Any]]:
    """Cancel the statement if rows are left, and cut the connection if that does not end it."""
    try:
        yield rows
    finally:
        impatient = threading.Timer(PATIENCE_S, cut, [raw])
        impatient.start()
        rows.close()
        impatient.cancel()


@contextmanager
def not_waited_for(raw: Any) -> Iterator[None]:
    """Close the connection when the attempt is stopped: psycopg would wait for the end of the statement."""
    try:
        yield
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        raw.close()
        raise
