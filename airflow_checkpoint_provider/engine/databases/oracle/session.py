"""The state that a session of Oracle has while the engine uses it."""

from __future__ import annotations

from typing import Any


def prepare_session(raw: Any) -> None:
    """Undo what the connection or a logon trigger may have set and the engine cannot work with."""
    raw.autocommit = False
    cursor = raw.cursor()
    try:
        # Another attempt's update is waited for, and then seen.
        cursor.execute("ALTER SESSION SET ISOLATION_LEVEL = READ COMMITTED")
    finally:
        cursor.close()
