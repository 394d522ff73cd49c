"""What is particular to MySQL and MariaDB, with each driver that is installed."""

from __future__ import annotations

import random
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    CheckpointLockedError,
)
from airflow_checkpoint_provider.engine.model.events.transfer import GuaranteeStated, Reconnecting
from airflow_checkpoint_provider.hooks.databases import open_database
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS
from tests.support.loads import Load, loaded
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server

MAKE_TARGET = "CREATE TABLE target (n integer PRIMARY KEY, a varchar(20))"


@pytest.fixture(params=DRIVERS)
def load(request: pytest.FixtureRequest, mysql_source: str, mysql_destination: str) -> Load:
    source, destination = (Db("mysql", dsn, request.param) for dsn in (mysql_source, mysql_destination))
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar(20))")
    source.insert("t", [(n, f"a{n}") for n in range(20)])
    destination.execute(MAKE_TARGET)
    return Load(source, destination, {"source_table": "t", "batch_size": 4})


@pytest.mark.parametrize(
    "by",
    [{"source_table": "t"}, {"source_table": None, "sql": "SELECT * FROM t WHERE a LIKE 'a%' ORDER BY n"}],
)
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
def test_goes_on_after_the_last_batch(load: Load, write_mode: str, by: dict[str, Any]) -> None:
    assert load.attempt_batches(2, write_mode=write_mode, **by)
    assert load.attempt(write_mode=write_mode, **by).rows == 12
    assert loaded(load) == list(range(20))


def test_through_the_hook(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    if load.source.driver == "pymysql":
        pytest.skip("MySqlHook does not take PyMySQL")
    pytest.importorskip(
        "airflow.providers.mysql.hooks.mysql", reason="apache-airflow-providers-mysql is not installed"
    )
    monkeypatch.setenv("AIRFLOW_CONN_SRC", load.source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", load.destination.uri)
    source, destination = open_database("src", "source_conn_id"), open_database("dst", "destination_conn_id")
    assert load.transfer(source, destination).run().rows == 20
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("write_mode", ["append", "replace"])
def test_a_table_without_transactions_is_said_and_refused(load: Load, write_mode: str) -> None:
    load.destination.execute("ALTER TABLE target ENGINE = MyISAM")
    message = (
        r"target is a table of MyISAM, whose rows no rollback.*InnoDB.*at-least-once.*allow_duplicates=True"
    )
    with pytest.raises(ArgumentError, match=message):
        load.attempt(write_mode=write_mode)
    assert loaded(load) == []
    assert load.attempt(write_mode="upsert").guarantee == "at-least-once"
    load.next_run()
    load.destination.execute("DELETE FROM target")
    assert load.attempt(write_mode=write_mode, allow_duplicates=True).guarantee == "at-least-once"
    assert loaded(load) == list(range(20))


def test_a_preoperator_may_make_the_table_safe_or_unsafe(load: Load) -> None:
    load.destination.execute("DROP TABLE target")
    made = f"DROP TABLE IF EXISTS target; {MAKE_TARGET} ENGINE = MyISAM"
    with pytest.raises(ArgumentError, match="target is a table of MyISAM"):
        load.attempt(preoperator=made)
    assert loaded(load) == []
    load.destination.execute("DROP TABLE target")
    result = load.attempt(preoperator=made.replace("MyISAM", "InnoDB"))
    assert (result.guarantee, result.rows) == ("exactly-once", 20)
    assert [stated.guarantee for stated in load.told(GuaranteeStated)] == ["exactly-once"] * 2


def test_a_metadata_table_without_transactions(load: Load) -> None:
    load.attempt_batches(1)
    names = ", ".join(f"MODIFY {name} varchar(50) NOT NULL" for name in ("dag_id", "task_id", "run_id"))
    # MyISAM allows only shorter indexes.
    catalog = ", ".join(f"MODIFY destination_{name} varchar(50)" for name in ("database", "schema", "name"))
    load.destination.execute(f"ALTER TABLE airflow_checkpoint {names}, {catalog}, ENGINE = MyISAM")
    with pytest.raises(ArgumentError, match="airflow_checkpoint is a table of MyISAM"):
        load.attempt()


def test_upsert_does_not_update_by_another_index(load: Load) -> None:
    load.destination.execute("CREATE UNIQUE INDEX u ON target (a)", "INSERT INTO target VALUES (100, 'a7')")
    with pytest.raises(
        CheckpointError, match=r"equal to one of target in another unique index than that of n"
    ):
        load.attempt(write_mode="upsert")
    assert loaded(load) == [0, 1, 2, 3, 100]
    load.destination.execute("UPDATE target SET a = 'old' WHERE n = 3", "DELETE FROM target WHERE n = 100")
    load.clear()
    assert load.attempt(write_mode="upsert").rows == 20
    assert load.destination.rows("SELECT * FROM target ORDER BY n") == load.source.rows(
        "SELECT * FROM t ORDER BY n"
    )


def test_an_upsert_beside_a_type_that_sqlalchemy_has_not(load: Load) -> None:
    for db, table in ((load.source, "t"), (load.destination, "target")):
        db.execute(f"ALTER TABLE {table} ADD p point")
    load.source.execute("UPDATE t SET p = POINT(n, 1)")
    shown = "SELECT n, ST_AsText(p) FROM {} ORDER BY n"
    assert load.attempt(write_mode="upsert").rows == 20
    assert load.destination.rows(shown.format("target")) == load.source.rows(shown.format("t"))


@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_table_with_a_period_for_its_versions(load: Load, write_mode: str) -> None:
    if "MariaDB" not in load.source.one("SELECT version()"):
        pytest.skip("MySQL has no such tables")
    for db, table in ((load.source, "t"), (load.destination, "target")):
        db.execute(
            f"ALTER TABLE {table} ADD s timestamp(6) GENERATED ALWAYS AS ROW START,"
            " ADD e timestamp(6) GENERATED ALWAYS AS ROW END, ADD PERIOD FOR SYSTEM_TIME (s, e),"
            " ADD SYSTEM VERSIONING"
        )
    load.source.execute("DELETE FROM t WHERE n = 3")
    assert load.attempt(write_mode=write_mode).rows_total == 19
    shown = "SELECT n, a FROM {} ORDER BY n"
    assert load.destination.rows(shown.format("target")) == load.source.rows(shown.format("t"))


def test_zero_is_not_the_next_number(load: Load) -> None:
    load.destination.execute("ALTER TABLE target MODIFY n integer AUTO_INCREMENT")
    load.attempt()
    assert loaded(load) == list(range(20))


def test_keys_that_only_the_collation_holds_for_equal(load: Load) -> None:
    values = ["ß", "s", "S", "😀", "🎉", "a", "Ä", "a ", "æ", "ae", "", "z"]
    load.source.execute(
        "CREATE TABLE k (n integer, v varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci)"
    )
    load.source.insert("k", [(n, v) for n, v in enumerate(values * 3)])
    arguments = {
        "source_table": "k",
        "checkpoint_column": "v",
        "destination_columns": {"n": "n"},
        "batch_size": 1,
    }
    while load.attempt_batches(1, **arguments):
        pass
    assert loaded(load) == list(range(36))


@pytest.mark.parametrize("declared", ["ENUM('z', 'a')", "SET('z', 'a')"])
def test_a_key_that_is_sorted_and_compared_in_different_ways(load: Load, declared: str) -> None:
    load.source.execute(
        f"CREATE TABLE k (n integer, v {declared})", "INSERT INTO k VALUES (1, 'z'), (2, 'a')"
    )
    arguments = {"destination_columns": {"n": "n"}, "checkpoint_column": "v", "source_table": None}
    with pytest.raises(ArgumentError, match=r"v is an ENUM or a SET.*CAST\(v AS CHAR\)"):
        load.attempt(**arguments, sql="SELECT * FROM k")
    assert load.attempt(**arguments, sql="SELECT n, CAST(v AS CHAR) AS v FROM k").rows == 2


def test_a_reader_that_is_left_early_does_not_read_on(load: Load) -> None:
    load.source.execute("INSERT INTO t SELECT 100 + seq, REPEAT('x', 20) FROM seq_1_to_200000")
    started = datetime.now(UTC)
    assert load.attempt_batches(1)
    assert (datetime.now(UTC) - started).total_seconds() < 5
    others = (
        "SELECT count(*) FROM information_schema.processlist WHERE db LIKE '%_source' AND command <> 'Sleep'"
    )
    # The server notices the closed connection only when it sends more rows.
    wait_for(lambda: load.source.one(others) <= 1, "the query to end", timeout=10)


def test_a_lock_is_waited_for_and_then_named(load: Load) -> None:
    load.attempt_batches(1)
    with closing(load.destination.connect()) as holder:
        holder.cursor().execute("UPDATE airflow_checkpoint SET owner = owner")
        with pytest.raises(CheckpointLockedError, match="held by another attempt .* within 1 seconds"):
            load.attempt(lock_timeout=1)
        holder.rollback()
    assert load.attempt().rows == 16


class Once:
    def __init__(self, happens: Any, at: int) -> None:
        self.happens, self.left = happens, at

    def __call__(self, rows: list) -> list:
        self.left -= 1
        if self.left == 0:
            self.happens()
        return rows


def kill(db: Db) -> None:
    """End all sessions of a database."""
    with closing(db.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        for (number,) in cursor.fetchall():
            cursor.execute(f"KILL {number}")


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("batch", [2, 3])
def test_a_killed_connection_is_opened_again(
    load: Load, monkeypatch: pytest.MonkeyPatch, side: str, batch: int
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)
    # The last rows are slow; the earlier ones are too long for the server's buffer, and so are sent at once.
    for db, table in ((load.source, "t"), (load.destination, "target")):
        db.execute(f"ALTER TABLE {table} MODIFY a longtext")
    load.source.execute("UPDATE t SET a = REPEAT('x', 40000)")
    slow = {"source_table": None, "sql": "SELECT * FROM t WHERE n < 16 OR SLEEP(0.2) = 0 ORDER BY n"}
    result = load.attempt(rows_processor=Once(lambda: kill(getattr(load, side)), batch), **slow)
    assert result.reconnects == len(load.told(Reconnecting)) == 1
    assert (loaded(load), result.rows_total) == (list(range(20)), 20)


def test_a_deadlock_and_a_lock_on_the_rows_are_survived(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(load.destination.connect()) as holder:
        cursor = holder.cursor()
        cursor.execute("INSERT INTO target VALUES (9, 'held')")

        def let_go(low: float, high: float) -> float:
            holder.rollback()
            return 0.0

        monkeypatch.setattr(random, "uniform", let_go)
        assert load.attempt(lock_timeout=1).reconnects == 1
    assert "Lock wait timeout" in load.told(Reconnecting)[0].error
    assert loaded(load) == list(range(20))


def test_values_of_every_type_arrive_as_they_are(load: Load) -> None:
    columns = (
        "n integer PRIMARY KEY, ti tinyint, ub bigint unsigned, dc decimal(65, 30), f float, d double, b bit(12), y year,"
        " da date, dt datetime(6), ts timestamp(6) NULL, tm time(6), c char(5), v varchar(20), tx longtext,"
        " bi binary(4), vb varbinary(9), bl longblob, e enum('x', 'y'), s set('p', 'q'), j json, bo boolean"
    )
    for db, table in ((load.source, "every"), (load.destination, "every")):
        db.execute(f"CREATE TABLE {table} ({columns}) CHARACTER SET utf8mb4")
    moment = "2026-10-25 00:30:00.000001"
    load.source.execute(
        "SET time_zone = '+00:00'",
        f"INSERT INTO every VALUES (1, -128, 18446744073709551615, {'9' * 35}.{'1' * 30}, 16777217, 0.30000000000000004,"
        f" 4095, 2155, '9999-12-31', '{moment}', '{moment}', '-838:59:59.000001', 'a', 'ä😀\\\\''%s', '\\0\\n', X'00FF',"
        " X'FF00', X'', 'y', 'p,q', '{\"a\": 1.10, \"a\": 2}', true)",
        "INSERT INTO every (n, f, d, tm, dt, dc) VALUES (2, 0.1, 2.2250738585072014e-308, '100:00:00', '0001-01-01', -0.5)",
        "INSERT INTO every (n) VALUES (3)",
    )
    for sql in ("SELECT * FROM every", "SELECT * FROM every -- again"):
        load.next_run()
        load.attempt(source_table=None, sql=sql, destination_table="every", write_mode="replace")
        query = "SELECT every.*, f * 1e0, d + 0, b + 0, ts + 0, CAST(tm AS char) FROM every ORDER BY n"
        assert load.destination.rows(query) == load.source.rows(query)
    read: list = []
    load.next_run()
    load.attempt(
        source_table="every",
        destination_table="every",
        write_mode="replace",
        rows_processor=lambda r: (read.extend(r), r)[1],
    )
    row = read[0]
    assert row[3:8] == (Decimal("9" * 35 + "." + "1" * 30), 16777216.0, 0.30000000000000004, 4095, 2155)
    assert row[8:12] == (
        date(9999, 12, 31),
        datetime.fromisoformat(moment),
        datetime.fromisoformat(f"{moment}+00:00"),
        -timedelta(hours=838, minutes=59, seconds=59, microseconds=1),
    )
    assert row[12:] == (
        "a",
        "ä😀\\'%s",
        "\0\n",
        b"\0\xff\0\0",
        b"\xff\0",
        b"",
        "y",
        "p,q",
        '{"a": 1.10, "a": 2}',
        1,
    )


@pytest.mark.parametrize(
    ("declared", "value"),
    [("date", "0000-00-00"), ("datetime", "2026-00-00 00:00:00"), ("timestamp NULL", "0000-00-00 00:00:00")],
)
@pytest.mark.parametrize("by", [{"checkpoint_column": "n"}, {"strategy": "python"}], ids=["key", "python"])
def test_a_day_that_python_does_not_know(load: Load, declared: str, value: str, by: dict[str, Any]) -> None:
    with closing(load.source.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute(f"CREATE TABLE days (n integer, day {declared})")
        cursor.execute(f"INSERT INTO days VALUES (1, '{value}')")
        connection.commit()
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer, day varchar(30))")
    message = (
        rf"Source 'src': the query returns {value}.*CAST\(day AS CHAR\) AS day; or NULL, by NULLIF\(day, 0\)"
    )
    with pytest.raises(CheckpointError, match=message):
        load.attempt(source_table=None, sql="SELECT * FROM days", **by)
    load.next_run()
    load.attempt(source_table=None, sql="SELECT n, CAST(day AS CHAR) AS day FROM days", **by)
    assert load.destination.rows("SELECT * FROM target") == [(1, value)]


def test_digits_that_mysql_does_not_send(load: Load) -> None:
    load.source.execute("CREATE TABLE f (n integer, f float)", "INSERT INTO f VALUES (1, 16777217), (2, 0.1)")
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer, f double)")
    ordered = {"source_table": None, "sql": "SELECT n, f FROM f ORDER BY n"}
    with pytest.raises(CheckpointError, match=r"f is FLOAT, of which MySQL sends six digits.*f \* 1e0 AS f"):
        load.attempt(**ordered)
    assert (
        load.attempt(**ordered, checkpoint_column="f", on_source_change="reload", batch_size=1).batches == 2
    )
    assert load.destination.rows("SELECT f FROM target ORDER BY n") == [(16777216.0,), (0.10000000149011612,)]


@pytest.mark.parametrize(
    ("declared", "values", "message"),
    [
        ("datetime", ["2026-01-01 00:00:00.5"], "would lose fractions of a second.*DATETIME\\(6\\)"),
        ("time(3)", ["10:00:00.0001"], "would lose fractions of a second.*TIME\\(6\\)"),
        ("integer", [1.5], "would round 1.5.*integer"),
        ("integer", ["1.5"], "would round '1.5'"),
        ("decimal(10, 2)", ["1.005"], "would round 1.005 to 2 decimal places"),
        ("decimal(10, 2)", [1.005], "would round 1.005 to 2 decimal places"),
        ("double", [float("inf")], "cannot hold inf"),
        ("varchar(3)", ["abcd"], "Data too long for column 'v'"),
        *(("varchar(3)", [f"abc{end}"], "would lose blanks at the end") for end in " \t\n\v\f\r"),
        ("varchar(3) CHARACTER SET latin1", ["abc\u00a0"], "would lose blanks at the end"),
        ("char(3)", ["abc\n"], "would lose blanks at the end"),
        ("tinytext", [f"{'x' * 255}\n"], "would lose blanks at the end"),
        ("tinytext CHARACTER SET utf16", [f"{'x' * 127} "], "would lose blanks at the end"),
        ("tinytext CHARACTER SET ujis", [f"{'é' * 85} "], "would lose blanks at the end"),
        ("varchar(3) CHARACTER SET latin1", ["😀"], "Incorrect string value"),
        ("varchar(3) CHARACTER SET utf8mb3", ["😀"], "Incorrect string value"),
        ("tinyint", [300], "Out of range"),
        ("bit(64)", [-1], "bits have no sign"),
        ("enum('a')", ["b"], "has no value 'b', to the letter"),
        ("date", ["2026-02-30"], "Incorrect date"),
        ("varchar(9)", [b"\xff"], "is text, and the batch has bytes"),
        ("varchar(9)", [b"a"], "is text, and the batch has bytes"),
        ("float(7, 2)", [1.005], "would round 1.005"),
        ("decimal(5, 2)", ["-0"], "would read something else"),
        ("datetime", ["2024-05-06 10:11:12+02:00"], "not known"),
        ("date", ["24-05-06"], "not known"),
        ("geometry", ["POINT(1 2)"], "not known"),
        ("integer", [b"12"], "not known"),
        ("inet6", ["::0001"], "not known"),
        ("uuid", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"], "not known"),
        ("json", ["{"], "(?i)json|CONSTRAINT"),
    ],
)
def test_what_mysql_would_change_is_refused(
    load: Load, make_db: Any, declared: str, values: list, message: str
) -> None:
    load.source = make_db("sqlite", "source")
    load.source.execute("CREATE TABLE t (n integer, v)")
    load.source.insert("t", list(enumerate(values)))
    load.destination.execute("DROP TABLE target", f"CREATE TABLE target (n integer, v {declared})")
    with pytest.raises(CheckpointError, match=message):
        load.attempt()
    assert loaded(load) == []


def test_large_rows_are_cut_into_statements_that_fit(load: Load) -> None:
    load.source.execute(
        "CREATE TABLE big (n integer PRIMARY KEY, v longblob)",
        "INSERT INTO big SELECT seq, REPEAT('x', 1500000) FROM seq_1_to_9",
    )
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer, v longblob)")
    load.attempt(source_table="big", batch_size=100)
    query = "SELECT n, MD5(v) FROM {} ORDER BY n"
    assert load.destination.rows(query.format("target")) == load.source.rows(query.format("big"))
    load.source.execute("UPDATE big SET v = REPEAT('\\'', 9000000) WHERE n = 9")
    load.next_run()
    with pytest.raises(
        CheckpointError, match=r"a row for target takes 18,001,0\d\d bytes.*Raise max_allowed_packet"
    ):
        load.attempt(source_table="big", batch_size=100)


def test_an_index_can_answer_a_composite_key(load: Load) -> None:
    load.source.execute("CREATE TABLE k (a integer, b integer, c varchar(9), PRIMARY KEY (a, b, c))")
    load.source.insert("k", [(n % 3, n % 5, f"c{n}") for n in range(40)])
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (a integer, b integer, c varchar(9))")
    while load.attempt_batches(1, source_table="k", batch_size=3):
        pass
    query = "SELECT * FROM {} ORDER BY a, b, c"
    assert load.destination.rows(query.format("target")) == load.source.rows(query.format("k"))


@pytest.mark.parametrize(
    ("where", "parameters"),
    [("n >= %s", [2]), ("n >= %(low)s", {"low": 2})],
    ids=["places", "names"],
)
@pytest.mark.parametrize("by", [{"checkpoint_column": "n"}, {"strategy": "python"}], ids=["key", "python"])
def test_percent_signs_mean_the_same_to_every_driver(
    load: Load, where: str, parameters: Any, by: dict[str, Any]
) -> None:
    load.destination.execute("DROP TABLE target", 'CREATE TABLE target (n integer, "%s" varchar(40))')
    sql = rf"SELECT n, '100%% %%s %%(x)s \'' AS `%%s` FROM t WHERE {where} AND a LIKE 'a%%' ORDER BY n"
    assert load.attempt_batches(2, source_table=None, sql=sql, parameters=parameters, **by)
    load.attempt(source_table=None, sql=sql, parameters=parameters, **by)
    assert load.destination.rows("SELECT * FROM target ORDER BY n") == [
        (n, "100% %s %(x)s '") for n in range(2, 20)
    ]


@pytest.mark.parametrize("parameters", [["x"], ["x", "y", "z"], {"other": "x"}])
def test_values_that_do_not_fit_the_query(load: Load, parameters: Any) -> None:
    sql = "SELECT * FROM t WHERE a > %s AND a <> %s"
    if isinstance(parameters, dict):
        sql = "SELECT * FROM t WHERE a > %(a)s"
    with pytest.raises(CheckpointError):
        load.attempt(source_table=None, sql=sql, parameters=parameters, checkpoint_column="n")
    assert loaded(load) == []
