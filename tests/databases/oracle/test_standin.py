"""The stand-in for Oracle refuses what Oracle and its driver refuse, with their errors."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import oracledb
import pytest

from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in


@pytest.fixture
def connection(stood_in: tuple[Db, Db]) -> Any:
    connection = stand_in.server(stood_in[0].place).connect()
    connection.cursor().execute("CREATE TABLE t (id NUMBER(9) PRIMARY KEY, v VARCHAR2(4), d DATE, c CLOB)")
    return connection


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT id FROM t;", "ORA-00911"),
        ("DELETE FROM t;", "ORA-00933"),
        ("SELECT id FROM t LIMIT 1", "ORA-00933"),
        ("INSERT INTO t (id) VALUES (1) ON CONFLICT DO NOTHING", "ORA-00933"),
        ("INSERT INTO t (id) VALUES (1), (2)", "ORA-00933"),
        ("SELECT NOW() FROM dual", "ORA-00904"),
        ("SELECT IFNULL(id, 1) FROM t", "ORA-00904"),
        ("SELECT id::text FROM t", "ORA-00911"),
        ("SELECT id FROM t WHERE (id, v) > (1, 'a')", "ORA-01796"),
        ("SELECT 1", "ORA-00923"),
        ("SELECT nope FROM t", "ORA-00904"),
        ("SELECT id FROM nope", "ORA-00942"),
        ('SELECT id FROM "t"', "ORA-00942"),
        ("CREATE TABLE t (id NUMBER)", "ORA-00955"),
        ("CREATE TABLE u (id bigint)", "ORA-00902"),
        ("CREATE TABLE IF NOT EXISTS u (id NUMBER)", "ORA-0"),
        ("SELECT * FROM (SELECT id, id FROM t)", "ORA-00918"),
        ("SELECT id FROM t WHERE id = :date", "ORA-01745"),
        ("SELECT id FROM t WHERE id = :_a", "ORA-01745"),
        ("SELECT id FROM t WHERE id = ?", "ORA-00911"),
        ("INSERT INTO t (id, v) VALUES (1, 'ääää')", "ORA-12899"),
        ("INSERT INTO t (v) VALUES ('a')", "ORA-01400"),
        ("INSERT INTO t (id) VALUES (1000000000)", "ORA-01438"),
        ("SELECT RPAD('x', 4000, 'x') || 'y' FROM dual", "ORA-01489"),
        ("SELEC 1", "ORA-0"),
    ],
)
def test_refuses(connection: Any, sql: str, code: str) -> None:
    with pytest.raises(oracledb.Error) as error:
        connection.cursor().execute(sql)
    assert error.value.args[0].full_code.startswith(code)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"a": 1}, "DPY-4010"),
        ({"a": 1, "b": 2, "c": 3}, "DPY-4008"),
        ([1], "DPY-4009"),
        ([1, 2, 3], "DPY-4009"),
        ([float("nan"), 1], "DPY-4004"),
        ([Decimal("1" * 41), 1], "DPY-4003"),
        ([object(), 1], "DPY-3002"),
    ],
)
def test_refuses_binds(connection: Any, values: Any, code: str) -> None:
    with pytest.raises(oracledb.Error) as error:
        connection.cursor().execute("SELECT id FROM t WHERE id > :a AND id < :b", values)
    assert error.value.args[0].full_code == code


def test_the_first_value_fixes_the_type(connection: Any) -> None:
    cursor = connection.cursor()
    insert = "INSERT INTO t (id, v) VALUES (:1, :2)"
    with pytest.raises(
        oracledb.NotSupportedError, match="DPY-3013: unsupported Python type int for database type"
    ):
        cursor.executemany(insert, [(1, None), (2, "a"), (3, 5)])
    cursor.setinputsizes(None, oracledb.DB_TYPE_NUMBER)
    cursor.executemany(insert, [(1, None), (2, 5)])
    with pytest.raises(oracledb.NotSupportedError, match="DPY-3013"):  # they hold for one execution
        cursor.executemany(insert, [(3, "a"), (4, 5)])


def test_names_fold_to_upper_case_and_nothing_is_null(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO T (Id, v) VALUES (1, '')")
    cursor.execute("INSERT INTO t (id, v) VALUES (:1, :2)", [2, ""])
    assert cursor.execute('SELECT "ID", v FROM "T" WHERE v IS NULL ORDER BY id').fetchall() == [
        (1, None),
        (2, None),
    ]
    assert [column[0] for column in cursor.description] == ["ID", "V"]


def test_ddl_commits_and_an_error_undoes_its_statement_only(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t (id) VALUES (1)")
    cursor.execute("CREATE TABLE u (id NUMBER)")
    connection.rollback()
    cursor.execute("INSERT INTO t (id) VALUES (2)")
    with pytest.raises(oracledb.IntegrityError):
        cursor.execute("INSERT INTO t (id) VALUES (2)")
    connection.commit()
    assert cursor.execute("SELECT id FROM t ORDER BY id").fetchall() == [(1,), (2,)]


def test_values_come_as_the_driver_hands_them_out(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.setinputsizes(None, oracledb.DB_TYPE_DATE)
    cursor.execute(
        "INSERT INTO t (id, d, c) VALUES (:1, :2, :3)", [1, datetime(2026, 1, 1, 0, 0, 0, 999999), "x"]
    )
    ((number, day, lob),) = cursor.execute("SELECT id, d, c FROM t").fetchall()
    assert (type(number), day, lob.read()) == (int, datetime(2026, 1, 1), "x")
    assert [column.type_code.name for column in cursor.description] == [
        "DB_TYPE_NUMBER",
        "DB_TYPE_DATE",
        "DB_TYPE_CLOB",
    ]
    (value,) = cursor.execute("SELECT 0.1 + 0.2 AS n FROM dual").fetchone()
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("-0.50", "-.5"),
        ("100.00", "100"),
        ("1E63", "1" + "0" * 63),
        ("1E64", "1E+64"),
        ("-12E124", "-1.2E+125"),
        ("0.00105E-70", "1.05E-73"),
    ],
)
def test_the_shortest_text_of_a_number(connection: Any, number: str, text: str) -> None:
    forms = f"TO_CHAR({number}, 'TM9'), TO_CHAR({number}, 'TM9', 'NLS_NUMERIC_CHARACTERS='',.''')"
    found = connection.cursor().execute(f"SELECT {forms} FROM dual").fetchone()
    assert found == (text, text.replace(".", ","))


def test_texts_are_put_together_without_what_is_null(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE u (c CHAR(3), v VARCHAR2(3))")
    cursor.execute("INSERT INTO u VALUES ('a', NULL)")
    assert cursor.execute("SELECT c || v || 'b', LENGTH(c), v || v, LENGTH(v) FROM u").fetchall() == [
        ("a  b", 3, None, None)
    ]


def test_a_time_before_year_1_is_no_value_of_python(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t (id, d) VALUES (1, DATE '0001-01-01' - 1)")
    with pytest.raises(ValueError, match="year is out of range"):
        cursor.execute("SELECT d FROM t")


def test_a_lost_session_stays_lost(connection: Any) -> None:
    connection.lose()
    with pytest.raises(oracledb.InterfaceError, match="DPY-1001: not connected to database"):
        connection.commit()


def test_a_table_made_from_a_query_has_its_types(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE u AS SELECT id, v, c FROM t WHERE 1 = 0")
    cursor.execute("SELECT id, v, c FROM t")
    described = cursor.description
    cursor.execute("SELECT id, v, c FROM u")
    assert [column[:6] for column in cursor.description] == [column[:6] for column in described]
