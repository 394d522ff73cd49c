"""Which errors of a database are about what is in a row: another row in its place would be taken."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.mysql import error_number
from airflow_checkpoint_provider.engine.oracle import error_code

# Constraints, values that do not fit, what a trigger refuses, an index entry that is too long. Not what the whole
# table, the session or the server is refused for: rights, locks, columns that are missing.
_POSTGRES_CLASSES = ("22", "23", "44")
_POSTGRES = frozenset(("P0001", "54000"))
_MYSQL = frozenset(
    (
        *(1048, 1062, 1169, 1557, 1586, 3819, 4025),  # NULL, unique, CHECK
        *(1216, 1217, 1451, 1452),  # foreign keys
        *(1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1441, 1690),  # range, cut, no such value
        *(1118, 1416, 1526, 3140, 3141, 3156, 4038),  # too long, no geometry, no partition, no JSON
        *(1242, 1644),  # caught by another unique index than the upsert's; a trigger's SIGNAL
    )
)
_ORACLE = frozenset(
    (
        *(1, 1400, 1407, 2290, 2291, 2292, 1402, 28115),  # constraints, check options
        *(1401, 1438, 1426, 1455, 1457, 1461, 1465, 1722, 12899, 22835),  # too long, too large, no number
        *(6502, 14400, 19011, 31011, 40441, 40479),  # PL/SQL's value error, no partition, no XML, no JSON
        *range(1800, 1900),  # times and intervals
        *range(20000, 21000),  # RAISE_APPLICATION_ERROR of a trigger
    )
)


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
