"""Reading the catalog while other sessions change it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.mysql.dialect import MysqlDialect


class Inspector:
    """An inspector whose server refuses a query with a given error number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def has_table(self, table: str, schema: str | None = None) -> bool:
        raise sa.exc.OperationalError("DESCRIBE", None, Exception(self._number, "refused"))


def test_a_table_that_another_session_is_creating_is_there() -> None:
    assert MysqlDialect().has_table(Inspector(1684), "t", None)  # type: ignore[arg-type]


def test_no_name_is_not_there() -> None:
    assert not MysqlDialect().has_table(Inspector(1103), "t ", None)  # type: ignore[arg-type]


def test_another_error_is_raised() -> None:
    with pytest.raises(sa.exc.OperationalError):
        MysqlDialect().has_table(Inspector(1142), "t", None)  # type: ignore[arg-type]
