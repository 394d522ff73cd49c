"""Variables of the server and the connection that would leave rows out, cut or change them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import import_module
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import BadRowsError, CannotConnectError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Reconnecting
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS, connect_mysql
from tests.support.loads import Load
from tests.support.network.networks import behind, reach
from tests.support.network.proxy import MysqlFramer, Proxy
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server

SetGlobal = Callable[[str], None]
THREE = [(1, "a"), (2, ""), (3, "c")]


@pytest.fixture(params=DRIVERS)
def mysql_pair(request: pytest.FixtureRequest, mysql_source: str, mysql_destination: str) -> tuple[Db, Db]:
    source, destination = (Db("mysql", dsn, request.param) for dsn in (mysql_source, mysql_destination))
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a char(5))")
    source.insert("t", THREE)
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, a varchar(400))")
    return source, destination


@pytest.fixture
def set_global(mysql_pair: tuple[Db, Db]) -> Iterator[SetGlobal]:
    """Set a variable for all new sessions, and restore it at the end."""
    source, _ = mysql_pair
    with closing(source.connect()) as connection:  # opened before the change: keeps the old settings
        cursor = connection.cursor()
        before: dict[str, Any] = {}

        def change(setting: str) -> None:
            name = setting.partition("=")[0].strip()
            if name != "system_versioning_asof":
                cursor.execute(f"SELECT @@GLOBAL.{name}")
                before[name] = repr(cursor.fetchone()[0])
            else:
                before[name] = "DEFAULT"
            cursor.execute(f"SET GLOBAL {setting}")

        yield change
        for name, value in before.items():
            cursor.execute(f"SET GLOBAL {name} = {value}")


@pytest.mark.parametrize(
    "setting",
    [
        "sql_select_limit = 2",
        "sql_mode = 'EMPTY_STRING_IS_NULL'",
        "sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
        "sql_mode = 'NO_BACKSLASH_ESCAPES'",
        "sql_safe_updates = 1",
        "completion_type = 'RELEASE'",
        "completion_type = 'CHAIN'",
        "max_sort_length = 64",
        "idle_transaction_timeout = 1",
        "sql_quote_show_create = 0",
    ],
)
@pytest.mark.parametrize("by", [{"checkpoint_column": "n"}, {"sql": "SELECT * FROM t ORDER BY n"}])
def test_a_global_variable_changes_no_row(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal, setting: str, by: dict[str, Any]
) -> None:
    source, destination = mysql_pair
    destination.insert("target", [(0, "old")])
    source.insert("t", [(4, "\\'")])
    set_global(setting)
    load = Load(source, destination, {"batch_size": 1, "write_mode": "replace", **by})
    if "sql" not in by:
        load.arguments["source_table"] = "t"
    result = load.attempt()
    assert (result.rows, result.status, result.reconnects) == (4, "completed", 0)
    all_rows = "SET SESSION sql_select_limit = 99, sql_mode = ''"
    assert destination.rows("SELECT n, a FROM target ORDER BY n", all_rows) == [*THREE, (4, "\\'")]


@pytest.mark.parametrize(
    ("setting", "sql", "rows"),
    [
        (
            "max_recursive_iterations = 5",
            "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 50) SELECT n, 'x' AS a FROM c",
            50,
        ),
        ("system_versioning_asof = '2001-01-01 00:00:00'", "SELECT n, a FROM versioned", 2),
    ],
)
def test_a_query_is_not_ended_early(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal, setting: str, sql: str, rows: int
) -> None:
    source, destination = mysql_pair
    if "MariaDB" not in source.one("SELECT version()"):
        pytest.skip("MySQL has no such variable")
    source.execute(
        "CREATE TABLE versioned (n integer PRIMARY KEY, a text) WITH SYSTEM VERSIONING",
        "INSERT INTO versioned VALUES (1, 'a'), (2, 'b')",
    )
    set_global(setting)
    assert Load(source, destination, {"sql": sql, "checkpoint_column": "n"}).attempt().rows == rows
    assert destination.one("SELECT count(*) FROM target") == rows


@pytest.mark.parametrize(
    ("setting", "sql", "rest"),
    [
        ("max_statement_time = 0.3", "SELECT n, a FROM t WHERE SLEEP(0.2) = 0", 0.0),
        ("wait_timeout = 1", "SELECT n, a FROM t", 1.5),
        # More bytes than the buffers between the server and the source hold.
        ("net_write_timeout = 1", "SELECT seq AS n, REPEAT('x', 2000000) AS a FROM seq_1_to_20", 2.5),
    ],
)
def test_a_slow_side_does_not_end_the_session_of_the_other(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal, setting: str, sql: str, rest: float
) -> None:
    source, destination = mysql_pair
    if "MariaDB" not in source.one("SELECT version()"):
        pytest.skip("MySQL has no such variable")

    def slowly(rows: Sequence[Any]) -> list[Any]:
        time.sleep(rests.pop())
        return list(rows)

    rests = [0.0] * 20 + [rest]
    set_global(setting)
    destination.execute("ALTER TABLE target MODIFY a longtext")
    load = Load(source, destination, {"sql": sql, "checkpoint_column": "n", "batch_size": 1})
    result = load.attempt(rows_processor=slowly)
    assert (result.rows, result.reconnects) == (destination.one("SELECT COUNT(*) FROM target"), 0)
    assert result.rows in (3, 20)


INTERACTIVE = {
    "MySQLdb": {"client_flag": 1024},
    "pymysql": {"client_flag": 1024},
    "mysql.connector": {"client_flags": [1024]},
}


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_client_that_calls_itself_interactive_may_be_idle(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal, side: str
) -> None:
    source, destination = mysql_pair
    db = source if side == "source" else destination

    def connect() -> Any:
        driver = import_module(db.driver).connect
        return connect_mysql(db.place, db.driver, lambda **given: driver(**given, **INTERACTIVE[db.driver]))

    set_global("interactive_timeout = 1")
    with closing(connect()) as as_it_comes, closing(as_it_comes.cursor()) as cursor:
        cursor.execute("SELECT @@wait_timeout")
        assert cursor.fetchone()[0] == 1
    with Database(side, connect).open(for_writing=side == "destination") as connection:
        assert connection.exec_driver_sql("SELECT @@wait_timeout").scalar() == 28800


def test_a_statement_that_arrives_in_pieces(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)
    source, destination = mysql_pair
    destination.execute("ALTER TABLE target MODIFY a longtext")
    set_global("net_read_timeout = 1")  # of MySQL; MariaDB waits as long as wait_timeout says
    load = Load(source, destination, {"sql": "SELECT n, a FROM t", "checkpoint_column": "n", "batch_size": 1})
    with Proxy(reach(destination), MysqlFramer) as proxy:

        def flow_again() -> None:
            wait_for(lambda: not proxy.flowing.is_set(), "the middle of a statement")
            time.sleep(2.5)
            proxy.flow()

        threading.Thread(target=flow_again, daemon=True).start()

        def long_texts(rows: Sequence[Any]) -> list[Any]:
            if load.told(BatchCommitted) and not proxy.cuts:
                proxy.stall_at_byte(100_000)
            return [(n, text * 500_000) for n, text in rows]

        database = behind(destination, proxy).database("dst")
        result = load.transfer(destination=database, rows_processor=long_texts).run()
        assert proxy.cuts == 1
    assert result.rows == 3
    assert destination.rows("SELECT n, LENGTH(a) FROM target ORDER BY n") == [
        (1, 500_000),
        (2, 0),
        (3, 500_000),
    ]


def test_a_lock_on_rows_is_waited_for_as_long_as_the_task_says(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal
) -> None:
    source, destination = mysql_pair
    set_global("innodb_lock_wait_timeout = 1")
    with closing(destination.connect()) as holder:
        holder.cursor().execute("INSERT INTO target VALUES (2, 'held')")
        timer = threading.Timer(2.0, holder.rollback)
        timer.start()
        result = Load(source, destination, {"sql": "SELECT n, a FROM t", "checkpoint_column": "n"}).attempt()
        timer.join()
    assert (result.rows, result.reconnects) == (3, 0)


def test_a_lock_on_the_table_is_waited_for_as_long_as_the_server_says(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, destination = mysql_pair
    set_global("lock_wait_timeout = 1")
    with closing(destination.connect()) as holder:
        cursor = holder.cursor()
        cursor.execute("LOCK TABLES target WRITE")

        def let_go(low: float, high: float) -> float:
            cursor.execute("UNLOCK TABLES")
            return 0.0

        monkeypatch.setattr(random, "uniform", let_go)
        load = Load(source, destination, {"sql": "SELECT n, a FROM t", "checkpoint_column": "n"})
        result = load.attempt()
    assert (result.rows, result.reconnects) == (3, 1)
    assert "Lock wait timeout" in load.told(Reconnecting)[0].error


def test_a_list_is_not_cut(mysql_pair: tuple[Db, Db], set_global: SetGlobal) -> None:
    source, destination = mysql_pair
    source.insert("t", [(n, "12345") for n in range(10, 40)])
    set_global("group_concat_max_len = 20")
    Load(
        source,
        destination,
        {"sql": "SELECT 1 AS n, GROUP_CONCAT(n ORDER BY n) AS a FROM t", "strategy": "python"},
    ).attempt()
    assert destination.one("SELECT a FROM target") == ",".join(map(str, [1, 2, 3, *range(10, 40)]))


def test_long_keys_are_sorted_to_their_end(mysql_pair: tuple[Db, Db]) -> None:
    source, destination = mysql_pair
    for db in mysql_pair:
        table = "urls" if db is source else "long_target"
        db.execute(
            f"CREATE TABLE {table} (url varchar(700) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL)"
        )
    rows = [("x" * 650 + letter,) for letter in "cab"]
    source.insert("urls", rows)
    load = Load(
        source,
        destination,
        {
            "source_table": "urls",
            "checkpoint_column": "url",
            "destination_table": "long_target",
            "batch_size": 1,
        },
    )
    assert load.attempt().rows == 3
    assert sorted(destination.rows("SELECT url FROM long_target")) == sorted(rows)


def test_constraints_that_are_off_for_all_sessions_are_on(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal
) -> None:
    source, destination = mysql_pair
    destination.execute(
        "CREATE TABLE parent (n integer PRIMARY KEY)",
        "INSERT INTO parent VALUES (1), (2)",
        "ALTER TABLE target ADD FOREIGN KEY (n) REFERENCES parent (n)",
    )
    set_global("foreign_key_checks = 0")
    load = Load(source, destination, {"source_table": "t"})
    with pytest.raises(BadRowsError, match="foreign key"):
        load.attempt()

    def connect() -> Any:
        connection = destination.connect()
        connection.cursor().execute("SET foreign_key_checks = 0")
        return connection

    set_global("foreign_key_checks = 1")
    assert load.transfer(destination=Database("dst", connect)).run().rows_total == 3


def test_constraints_that_the_server_turns_off_at_each_connection_are_on(
    mysql_pair: tuple[Db, Db], set_global: SetGlobal
) -> None:
    source, destination = mysql_pair
    name = destination.one("SELECT DATABASE()")
    destination.execute(
        "CREATE TABLE parent (n integer PRIMARY KEY)",
        "ALTER TABLE target ADD FOREIGN KEY (n) REFERENCES parent (n)",
        "CREATE USER IF NOT EXISTS plain IDENTIFIED BY 'a password'",  # for administrators the server runs nothing
        f"GRANT ALL ON {name}.* TO plain",
    )
    set_global("init_connect = 'SET foreign_key_checks = 0, unique_checks = 0, sql_select_limit = 1'")
    place = f"mysql://plain:a%20password@{destination.place.rpartition('@')[2]}"
    try:
        load = Load(source, Db("mysql", place, destination.driver), {"source_table": "t"})
        with pytest.raises(BadRowsError, match="foreign key"):
            load.attempt()
    finally:
        destination.execute("DROP USER plain")


def test_the_mode_of_another_database_is_refused(mysql_pair: tuple[Db, Db], set_global: SetGlobal) -> None:
    source, destination = mysql_pair
    set_global("sql_mode = 'ORACLE'")
    with pytest.raises(
        CannotConnectError, match=r"'dst' cannot be opened: its sql_mode is ORACLE.*init_command"
    ):
        Load(source, destination, {"source_table": "t"}).attempt()
