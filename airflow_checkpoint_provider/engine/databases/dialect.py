"""Which errors of a database are about what is in a row: another row in its place would be taken."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.mysql.dialect import _MYSQL
from airflow_checkpoint_provider.engine.databases.mysql.drivers import error_number
from airflow_checkpoint_provider.engine.databases.oracle.dialect import _ORACLE
from airflow_checkpoint_provider.engine.databases.oracle.driver import error_code
from airflow_checkpoint_provider.engine.databases.postgres.dialect import _POSTGRES, _POSTGRES_CLASSES


def blames_rows(dialect: str, error: BaseException) -> bool:
    """
    Tell whether a database, or its driver, refuses rows for what is in them.

    :param dialect: SQLAlchemy's name of the database
    """
    if isinstance(error, (UnicodeError, OverflowError)):
        return True
    kind = type(error).__name__
    if dialect == "postgresql":
        state = getattr(error, "sqlstate", None)
        if state is None:  # the driver's own: text with a NUL, a type that it has no form for
            return kind in ("DataError", "ProgrammingError")
        return state[:2] in _POSTGRES_CLASSES or state in _POSTGRES
    if dialect == "mysql":
        return error_number(error) in _MYSQL
    if dialect == "oracle":
        return error_code(error) in _ORACLE
    return kind in ("IntegrityError", "DataError")
