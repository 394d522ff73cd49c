"""
The first hour with an Oracle server: eleven questions, each with what has to come out.

``python -m tests.oracle_first_hour system/password@host:1521/service`` asks them. The user must be one that may create
users: two are made, CHECKPOINT_SOURCE_ALONE and CHECKPOINT_DESTINATION_ALONE, and their schemas are emptied.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import oracledb

from airflow_checkpoint_provider.engine.databases.registry import open_source
from airflow_checkpoint_provider.engine.databases.rows.lines import LINES, LineKind, LineType
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, SourceError
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import real_schema
from tests.support.loads import Load, loaded

ROWS = 2_000
LENGTHS = (10, 5_000, 50_000)
LONG = ("CLOB", "NCLOB", "BLOB", "CLOB CHECK (k IS JSON)", "XMLTYPE", "JSON")
_SINCE = {"JSON": 21}
_NUMBERS = ("-12345678901234567890123456789012345678", "-.5", "0", ".00000000000000000001", "1.5", "100")
_KINDS = (LineKind.NUMBER, LineKind.WHOLE, LineKind.TEXT, LineKind.MOMENT, LineKind.MOMENT)


class FirstHour:
    """
    The questions, on two empty schemas.

    :param source: where tables are read
    :param destination: where they are written
    """

    def __init__(self, source: Db, destination: Db) -> None:
        self.source = source
        self.destination = destination

    def questions(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "the version, and how long names may be", self.version
        yield "a session is set up", self.session
        yield "a load that is ended after every batch has each row once", self.resumes
        for mode in ("append", "upsert"):
            yield f"long values, by {mode}", lambda mode=mode: self.long_values(mode)  # type: ignore[misc]
        yield "rows replaced in one step", self.replaced
        yield "times and numbers to the last digit", self.exact
        yield "the greatest key, and a range of keys, by index", self.by_index
        yield "a statement is ended from another thread, and the session goes on", self.cancelled
        yield "an attempt that meets another one waits, and says who it is", self.waits
        yield "rows as lines, for a connection that asks for them", self.lines

    def version(self) -> str:
        with closing(self.source.connect()) as connection:
            version, longest = str(connection.version), connection.max_identifier_length
        assert _numbers(version) >= (12, 1), f"{version} can be a source, in thick mode, and no destination"
        return f"{version}, names of {longest} bytes, {'thin' if oracledb.is_thin_mode() else 'thick'} mode"

    def session(self) -> str:
        with self.destination.database("dst").open(for_writing=True) as connection:
            rows = connection.exec_driver_sql(
                "SELECT parameter, value FROM nls_session_parameters"
            ).fetchall()
        found = dict(map(tuple, rows))
        return f"NLS_SORT={found['NLS_SORT']}, NLS_COMP={found['NLS_COMP']}"

    def resumes(self) -> str:
        self._tables("n NUMBER PRIMARY KEY, b VARCHAR2(40)")
        self._fill(ROWS)
        load = self._load(batch_size=ROWS // 4)
        attempts = 1
        while load.attempt_batches(1):
            attempts += 1
        _same(loaded(load), list(range(ROWS)))
        return f"{ROWS:,} rows in {attempts} attempts"

    def long_values(self, mode: str) -> str:
        version = _numbers(self._version())
        taken = [declared for declared in LONG if version >= (_SINCE.get(declared, 12),)]
        for declared in taken:
            self._tables(f"n NUMBER PRIMARY KEY, k {declared}, later VARCHAR2(4000)")
            values = [None, *(_long(declared, length) for length in LENGTHS)]
            for n, value in enumerate(values):
                with closing(self.source.connect()) as connection, connection.cursor() as cursor:
                    _insert(cursor, declared, n, value)
                    connection.commit()
            load = self._load(batch_size=2)
            for run in (1, 2) if mode == "upsert" else (1,):
                load.run = run
                load.attempt(write_mode=mode)
            for side, table in ((self.source, "t"), (self.destination, "target")):
                _same(
                    [_form(declared, v) for v in _read(side, table, declared)],
                    [_form(declared, v) for v in values],
                )
        return ", ".join(taken)

    def replaced(self) -> str:
        self._tables("n NUMBER PRIMARY KEY, b VARCHAR2(40)")
        self._fill(ROWS)
        load = self._load(batch_size=500)
        for run in (1, 2):
            load.run = run
            load.attempt(write_mode="replace_atomic")
        _same(loaded(load), list(range(ROWS)))
        return f"{ROWS:,} rows, twice"

    def exact(self) -> str:
        self._tables("n NUMBER, d DATE, z TIMESTAMP(6) WITH TIME ZONE, y INTERVAL YEAR TO MONTH")
        for at, zone in (
            ("2026-10-25 02:30:00.000001", "+05:30"),
            ("1800-01-01 00:00:00", "Europe/Amsterdam"),
        ):
            moment = f"FROM_TZ(TIMESTAMP '{at}', '{zone}')"
            number = "12345678901234567890123456789.012345678"
            self.source.execute(
                f"INSERT INTO t VALUES ({number}, TIMESTAMP '2026-01-01 01:02:03', {moment}, TO_YMINTERVAL('2-3'))"
            )
        self._load(
            strategy="python", checkpoint_column=None, sql="SELECT * FROM t ORDER BY z", source_table=None
        ).attempt()
        read = "SELECT n, d, TO_CHAR(SYS_EXTRACT_UTC(z), 'YYYY-MM-DD HH24:MI:SS.FF6'), TO_CHAR(y) FROM {} ORDER BY z"
        _same(self.destination.rows(read.format("target")), self.source.rows(read.format("t")))
        return "number, date, times with offsets of minutes and of seconds, interval"

    def by_index(self) -> str:
        self._tables("n NUMBER PRIMARY KEY, b VARCHAR2(40)")
        self._fill(ROWS)
        plans = {
            'SELECT MAX(src."N") AS "N" FROM (SELECT * FROM t) src': "MIN/MAX",
            'SELECT * FROM (SELECT * FROM t) src WHERE src."N" > 1990 AND src."N" <= 1995 ORDER BY src."N"': "RANGE SCAN",
            'SELECT src."N" FROM (SELECT * FROM t) src WHERE (src."N" > 1990) AND ROWNUM = 1': "RANGE SCAN",
        }
        with closing(self.source.connect()) as connection, connection.cursor() as cursor:
            for statement, wanted in plans.items():
                cursor.execute(f"EXPLAIN PLAN FOR {statement}")
                plan = "\n".join(
                    str(row[0]) for row in cursor.execute("SELECT * FROM TABLE(DBMS_XPLAN.DISPLAY)")
                )
                assert wanted in plan, f"{wanted} is not in the plan of {statement}:\n{plan}"
        return ", ".join(sorted(set(plans.values())))

    def cancelled(self) -> str:
        self._tables("n NUMBER PRIMARY KEY, b VARCHAR2(40)")
        self._fill(ROWS)
        slow = "SELECT COUNT(*) AS c FROM t a CROSS JOIN t b CROSS JOIN t d"
        with self.source.database("src").open() as connection:
            reader = open_source(connection, Query.parse(slow), "src", exact=True)
            threading.Timer(1, reader.interrupt).start()
            began = time.monotonic()
            try:
                with reader.stream(reader.whole()):
                    pass
                raise AssertionError("the statement ended by itself")
            except SourceError as error:
                assert "ORA-01013" in str(error), error
            seconds = time.monotonic() - began
            assert seconds < 10, f"after {seconds:.0f} s"
            assert reader.one(("SELECT COUNT(*) FROM t", None)) == (ROWS,)
        return f"after {seconds:.1f} s"

    def waits(self) -> str:
        self._tables("n NUMBER PRIMARY KEY, b VARCHAR2(40)")
        self._fill(9)
        load = self._load(batch_size=2)
        load.attempt_batches(1)
        with closing(self.destination.connect()) as other, other.cursor() as cursor:
            cursor.execute("SELECT status FROM airflow_checkpoint FOR UPDATE")
            try:
                load.attempt(lock_timeout=1)
                raise AssertionError("it did not wait")
            except CheckpointError as error:
                assert "held by another attempt" in str(error), error
        load.attempt()
        _same(loaded(load), list(range(9)))
        return "1 s"

    def lines(self) -> str:
        self._tables("n NUMBER PRIMARY KEY, i NUMBER(9), b VARCHAR2(9), d DATE, s TIMESTAMP(6)")
        for number in _NUMBERS:
            day, moment = "DATE '0999-12-31'", "TIMESTAMP '2026-03-29 02:30:00.000001'"
            self.source.execute(f"INSERT INTO t VALUES ({number}, -7, 'ä ,', {day}, {moment})")
        asking = replace(self.source.database("src"), extra=lambda: {"copy_lines": True})
        with asking.open() as connection:
            reader = open_source(connection, Query.parse("SELECT * FROM t"), "src", exact=True)
            use = RowUse(tuple(reader.columns), ("N",), ("N",))
            route = reader.packed_route(PackedForm(LINES, tuple(map(LineType, _KINDS))), use)
            assert isinstance(route, RowRoute), route
            statement = reader.select(reader.written(route), ' ORDER BY src."N"')
            with reader.stream(statement, route=route) as rows:
                found = b"".join(iter(lambda: rows.read(len(_NUMBERS)).data, b""))  # type: ignore[attr-defined]
        rest = "-7,\x01ä ,\x01,0999-12-31 00:00:00,2026-03-29 02:30:00.000001\n"
        _same(found.decode(), "".join(f"{number},{rest}" for number in _NUMBERS))
        return f"{len(_NUMBERS)} numbers, text, times"

    def _version(self) -> str:
        with closing(self.source.connect()) as connection:
            return str(connection.version)

    def _tables(self, columns: str) -> None:
        for side, table in ((self.source, "t"), (self.destination, "target")):
            for name in {table.upper(), "AIRFLOW_CHECKPOINT"} & set(side.tables()):
                side.execute(f"DROP TABLE {name} PURGE" if name == table.upper() else f"DELETE FROM {name}")
            side.execute(f"CREATE TABLE {table} ({columns})")

    def _fill(self, rows: int) -> None:
        self.source.insert("t", [(n, f"row {n}") for n in range(rows)])

    def _load(self, **arguments: Any) -> Load:
        given = {"source_table": "t", "checkpoint_column": "n", **arguments}
        return Load(self.source, self.destination, {name: v for name, v in given.items() if v is not None})


def ask(hour: FirstHour, tell: Callable[[str], None] = print) -> int:
    """Ask all questions, and return how many have another answer than they should."""
    wrong = 0
    for number, (question, answer) in enumerate(hour.questions(), 1):
        try:
            tell(f"{number:2}. ok     {question}: {answer()}")
        except Exception as error:
            wrong += 1
            tell(f"{number:2}. WRONG  {question}: {type(error).__name__}: {error}")
    return wrong


def _same(found: Any, wanted: Any) -> None:
    assert found == wanted, f"{str(found)[:500]} in place of {str(wanted)[:500]}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _long(declared: str, length: int) -> Any:
    if "JSON" in declared:
        return json.dumps({"b": 1.5, "a": [10] * (length // 4)})
    text = ("ä1" * length)[:length]
    return f"<a>{text}</a>" if declared == "XMLTYPE" else text.encode() if declared == "BLOB" else text


def _insert(cursor: Any, declared: str, n: int, value: Any) -> None:
    forms = {"XMLTYPE": ("DB_TYPE_CLOB", "XMLPARSE(DOCUMENT :2)"), "JSON": ("DB_TYPE_CLOB", "JSON(:2)")}
    word = declared.split()[0]
    type_, form = forms.get(word, (f"DB_TYPE_{word}", ":2"))
    cursor.setinputsizes(None, getattr(oracledb, type_))
    cursor.execute(f"INSERT INTO t VALUES (:1, {form}, 'x')", [n, value])


def _read(side: Db, table: str, declared: str) -> list[Any]:
    """Read with nothing in between that parses JSON."""
    forms = {"JSON": "JSON_SERIALIZE(k RETURNING CLOB)", "XMLTYPE": "XMLSERIALIZE(CONTENT k AS CLOB)"}
    with closing(side.connect()) as connection, connection.cursor() as cursor:
        cursor.outputtypehandler = lambda cursor, column: cursor.var(
            column.type_code, arraysize=cursor.arraysize
        )
        cursor.execute(f"SELECT {forms.get(declared, 'k')} FROM {table} ORDER BY n")
        return [side.able.fetched(value) for (value,) in cursor.fetchall()]


def _form(declared: str, value: Any) -> Any:
    if value is None or declared not in ("JSON", "XMLTYPE"):
        return value
    # Both are written anew by the server, with blanks and line ends of its own.
    return json.loads(value) if declared == "JSON" else value.strip()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    given = sys.argv[1]
    sides = [Db("oracle", real_schema(given, role)) for role in ("source", "destination")]
    sys.exit(ask(FirstHour(*sides)))
