"""Reading without waiting for writers, whatever happens to the connection."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading


def test_a_connection_that_is_lost_meanwhile_ends_with_its_own_error() -> None:
    def lose(connection: sa.Connection) -> None:
        with reading(connection):
            connection.execute(sa.text("SELECT 1"))
            connection.invalidate()
            raise ConnectionError("gone")

    with sa.create_engine("sqlite://").connect() as connection:
        connection.begin()
        with pytest.raises(ConnectionError, match="gone"):
            lose(connection)
        connection.rollback()


def test_is_over_at_the_end() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        with reading(connection):
            assert connection.info["reading"]
        assert "reading" not in connection.info
