"""The statements that are sent through SQLAlchemy, to count them or to ask a server what they read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


@contextmanager
def statements(*begin: str) -> Iterator[list[tuple[str, Any]]]:
    """
    Record statements, with their parameters.

    :param begin: only those that begin with one of these words
    """
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if not begin or statement.startswith(begin):
            sent.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
