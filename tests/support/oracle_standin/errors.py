"""Oracle's errors, as the driver's own exceptions."""

from __future__ import annotations

import psycopg
from oracledb import errors

_TEXTS = {
    1: "unique constraint ({detail}) violated",
    54: "resource busy and acquire with NOWAIT specified or timeout expired",
    60: "deadlock detected while waiting for resource",
    604: "error occurred at recursive SQL level 1",
    900: "invalid SQL statement",
    902: "invalid datatype",
    904: "{detail}: invalid identifier",
    911: "{detail}: invalid character after <identifier>",
    918: "{detail}: column ambiguously specified",
    923: "FROM keyword not found where expected",
    933: "SQL command not properly ended",
    942: "table or view {detail} does not exist",
    955: "name is already used by an existing object",
    1013: "user requested cancel of current operation",
    1031: "insufficient privileges",
    1400: "cannot insert NULL into ({detail})",
    1435: "user does not exist",
    1438: "value {detail} greater than specified precision for this column",
    1446: "cannot select ROWID from, or sample, a view with DISTINCT, GROUP BY, etc.",
    1466: "unable to read data - table definition has changed",
    1461: "The value provided for the column is too long",
    1418: "specified index does not exist",
    1430: "column being added already exists in table",
    2260: "table can have only one primary key",
    2441: "Cannot drop nonexistent primary key",
    1476: "divisor is equal to zero",
    1489: "result of string concatenation is too long",
    1555: 'snapshot too old: rollback segment number 9 with name "_SYSSMU9_1$" too small',
    1722: "unable to convert string value to a number",
    1745: "invalid host/bind variable name",
    1796: "this operator cannot be used with lists",
    1861: "literal does not match format string",
    2014: "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.",
    2393: "exceeded call limit on CPU usage",
    2399: "exceeded maximum connect time, you are being logged off",
    2290: "check constraint ({detail}) violated",
    2291: "integrity constraint ({detail}) violated - parent key not found",
    2292: "integrity constraint ({detail}) violated - child record found",
    3113: "end-of-file on communication channel",
    3114: "not connected to ORACLE",
    3135: "connection lost contact",
    8103: "object no longer exists",
    8180: "no snapshot found based on specified time",
    8181: "specified number is not a valid system change number",
    6550: 'line 1, column 1: PLS-00103: Encountered the symbol "end-of-file"',
    8177: "can't serialize access for this transaction",
    56735: "elapsed time limit exceeded - call aborted",
    12899: "value too large for column {detail}",
    12541: "TNS:no listener",
    2063: "preceding line from LEGACY",
    12535: "TNS:operation timed out",
    12801: "error signaled in parallel query server P001",
    12838: "cannot read/modify an object after modifying it in parallel",
    24816: "Expanded non LONG bind data supplied after actual LONG or LOB column",
    30006: "resource busy; acquire with WAIT timeout expired",
    932: "inconsistent datatypes: {detail}",
    1747: "invalid user.table.column, table.column, or column specification",
}


def ora(code: int, detail: str = "") -> Exception:
    """Return the driver's exception for an error of the server."""
    text = _TEXTS[code].format(detail=detail)
    return _raised(errors._Error(f"ORA-{code:05}: {text}", code=code))


def wrapped(code: int, inner: int) -> Exception:
    """Return the exception of an error with another one as its cause, as parallel queries raise."""
    text = f"ORA-{code:05}: {_TEXTS[code]}\nORA-{inner:05}: {_TEXTS[inner]}"
    return _raised(errors._Error(text, code=code))


def dpy(number: int, **details: object) -> Exception:
    """Return an exception of the driver itself."""
    return _raised(errors._Error(errors._get_error_text(number, **details)))


def _raised(error: errors._Error) -> Exception:
    exception: Exception = error.exc_type(error)
    return exception


def from_postgres(error: psycopg.Error, waits: bool) -> Exception:  # noqa: C901 - a table
    """
    Translate an error of Postgres to Oracle's.

    :param waits: whether the statement waits for a lock for a limited time
    """
    diag = error.diag
    column = ".".join(f'"{part}"' for part in (diag.schema_name, diag.table_name, diag.column_name) if part)
    if "TABLESAMPLE clause can only be applied" in str(error):
        return ora(1446)
    match error.sqlstate:
        case "23505" if (diag.constraint_name or "").startswith("pg_"):  # two create one table at once
            return ora(955)
        case "23505":
            return ora(1, f"{diag.schema_name}.{diag.constraint_name}")
        case "23503":
            parent = str(error).startswith("insert")
            return ora(2291 if parent else 2292, f"{diag.schema_name}.{diag.constraint_name}")
        case "23502":
            return ora(1400, column)
        case "23514" if (diag.constraint_name or "").endswith("$BYTES"):
            return ora(12899, f'"{diag.constraint_name}"')
        case "23514":
            return ora(2290, f"{diag.schema_name}.{diag.constraint_name}")
        case "22001":
            return ora(12899, column)
        case "22003":
            return ora(1438)
        case "22012":
            return ora(1476)
        case "42P01" | "3F000":
            return ora(942, (diag.message_primary or "").split('"')[1].replace('"', ""))
        case "42703":
            return ora(904, (diag.message_primary or "").split(" ")[1])
        case "42883":
            return ora(904, (diag.message_primary or "").partition(" ")[2].partition("(")[0].upper())
        case "42P07" | "42710":  # the table, or its row type where two sessions create it at once
            return ora(955)
        case "42701":
            return ora(1430)
        case "42P16":
            return ora(2260)
        case "42704":
            return ora(1418)
        case "OR441":
            return ora(2441)
        case "OR489":
            return ora(1489)
        case "42501":
            return ora(1031)
        case "42804" | "42846":
            return ora(932, diag.message_primary or "")
        case "22P02":
            return ora(1722)
        case "22007":
            return ora(1861)
        case "55P03":
            return ora(30006 if waits else 54)
        case "40P01":
            return ora(60)
        case "57014":
            return ora(1013)
        case "57P01" | "08006" | "08003" | None:
            return ora(3113)
    # Not a behaviour of Oracle but a gap of this stand-in: fail visibly.
    raise AssertionError(f"Postgres says what has no translation: {error.sqlstate} {error}") from error
