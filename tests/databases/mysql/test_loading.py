"""LOAD DATA LOCAL reads tuples where server, connection and table allow it; elsewhere INSERT does, and the log has the reason."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.mysql.rows import loading
from airflow_checkpoint_provider.engine.databases.mysql.rows.load_files import in_memory, through_fifo
from airflow_checkpoint_provider.engine.databases.mysql.rows.loading import Loading
from airflow_checkpoint_provider.engine.databases.rows.tuples import LOADED, LOADED_TEXT, TUPLES
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting, RouteChosen
from airflow_checkpoint_provider.hooks.databases import open_database
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS
from tests.support.loads import Load

pytestmark = pytest.mark.server

Pair = tuple[Db, Db]


@pytest.fixture(params=DRIVERS)
def two(request: pytest.FixtureRequest, mysql_source: str, mysql_destination: str) -> Pair:
    source = Db("mysql", mysql_source, request.param)
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v varchar(20))")
    source.insert("t", [(n, f"v{n}") for n in range(10)])
    return source, Db("mysql", f"{mysql_destination}&local_infile=1", request.param)


def route(load: Load) -> tuple[str, str]:
    chosen = load.told(RouteChosen)[0]
    return chosen.path, chosen.reason


@contextmanager
def globally(db: Db, name: str, value: int) -> Iterator[None]:
    before = db.one(f"SELECT @@GLOBAL.{name}")
    db.execute(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        db.execute(f"SET GLOBAL {name} = {before}")


def test_the_server_reads_a_file(two: Pair) -> None:
    source, destination = two
    destination.execute("CREATE TABLE target (n integer, v varchar(20))")
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    before = loads(destination)
    assert load.attempt().rows == 10
    assert route(load) == (LOADED, "the source writes each row as LOAD DATA reads it")
    assert loads(destination) - before == 4  # an empty file, and one for each batch
    assert destination.rows("SELECT * FROM target ORDER BY n") == source.rows("SELECT * FROM t ORDER BY n")


def loads(db: Db) -> int:
    return int(db.rows("SHOW GLOBAL STATUS LIKE 'Com_load'")[0][1])


def test_the_hook_allows_it(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute("CREATE TABLE target (n integer, v varchar(20))")
    plain = Db("mysql", destination.place.replace("&local_infile=1", ""), destination.driver)
    monkeypatch.setenv("AIRFLOW_CONN_DST", plain.uri)
    allowing = open_database("dst", "destination_conn_id", {"local_infile": True})
    load = Load(source, plain, {"source_table": "t"})
    assert load.transfer(destination=allowing).run().rows == 10
    assert route(load)[0] == LOADED


VIEW = "CREATE VIEW target AS SELECT n, v FROM behind"
TRIGGER = "CREATE TRIGGER audit BEFORE INSERT ON target FOR EACH ROW SET NEW.v = NEW.v"
TABLE = "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20))"


@pytest.mark.parametrize("two", DRIVERS[:1], indirect=True)
@pytest.mark.parametrize(("made", "arguments", "reason"), [
    ([TABLE], {"write_mode": "upsert", "conflict_columns": ["n"]}, "INSERT reads it"),
    ([TABLE, TRIGGER], {}, "INSERT reads it (not LOAD DATA LOCAL: it hides errors of the trigger audit)"),
    (["CREATE TABLE behind (n integer, v varchar(20))", VIEW], {}, "INSERT reads it (not LOAD DATA LOCAL: the table is a view)"),
    ([f"{TABLE} ENGINE = MyISAM"], {"allow_duplicates": True}, "INSERT reads it (not LOAD DATA LOCAL: a refused file could not be taken back)"),
])  # fmt: skip
def test_a_table_that_takes_no_file(
    two: Pair, made: list[str], arguments: dict[str, object], reason: str
) -> None:
    source, destination = two
    destination.execute(*made)
    load = Load(source, destination, {"source_table": "t", **arguments})
    assert load.attempt().rows == 10
    assert route(load) == (TUPLES, f"the source writes each row as {reason}")


def test_a_server_that_takes_no_file(two: Pair) -> None:
    source, destination = two
    destination.execute(TABLE)
    load = Load(source, destination, {"source_table": "t"})
    with globally(destination, "local_infile", 0):
        assert load.attempt().rows == 10
    path, reason = route(load)
    assert path == TUPLES
    assert "not LOAD DATA LOCAL: " in reason
    assert "local" in reason.partition("LOCAL: ")[2].lower()


def test_a_connection_that_gives_no_file(two: Pair) -> None:
    source, destination = two
    destination.execute(TABLE)
    forbids = Db("mysql", destination.place.replace("local_infile=1", "local_infile=0"), destination.driver)
    load = Load(source, forbids, {"source_table": "t"})
    assert load.attempt().rows == 10
    path, reason = route(load)
    assert path == TUPLES
    assert "not LOAD DATA LOCAL: " in reason


@pytest.mark.parametrize(
    ("right", "path", "why_not"),
    [("", TUPLES, "which this user may not see without GRANT TRIGGER"), (", TRIGGER", LOADED, "")],
)
def test_the_right_to_see_triggers(two: Pair, right: str, path: str, why_not: str) -> None:
    source, destination = two
    destination.execute(TABLE)
    load = Load(source, destination, {"source_table": "t", "write_mode": "replace"})
    load.attempt()  # creates the metadata tables
    load.next_run()
    own = destination.one("SELECT DATABASE()")
    destination.execute(
        "CREATE USER IF NOT EXISTS weak IDENTIFIED BY 'a password'",
        f"GRANT SELECT, INSERT, UPDATE, DELETE{right} ON {own}.target TO weak",
        *(f"GRANT ALL ON {own}.airflow_checkpoint{end} TO weak" for end in ("", "_event", "_reject")),
    )
    tail = destination.place.rpartition("@")[2]
    weak = Db("mysql", f"mysql://weak:a%20password@{tail}", destination.driver)
    try:
        assert load.transfer(destination=weak.database("dst")).run().rows == 10
        chosen = load.told(RouteChosen)[-1]
        assert chosen.path == path
        assert why_not in chosen.reason
    finally:
        destination.execute("DROP USER weak")


@pytest.mark.parametrize("two", DRIVERS[:1], indirect=True)
def test_a_cluster_that_commits_parts_of_a_file(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute(TABLE)
    monkeypatch.setattr(loading, "_SPLITTING", "autocommit")  # in place of the variable of a cluster
    load = Load(source, destination, {"source_table": "t"})
    assert load.attempt().rows == 10
    assert route(load)[1].endswith("(not LOAD DATA LOCAL: autocommit commits parts of a file)")


@pytest.mark.parametrize("two", DRIVERS[:1], indirect=True)
def test_an_engine_of_which_nothing_is_known(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute(TABLE)
    monkeypatch.setattr(loading, "_ENGINES", frozenset())  # in place of a table of MyRocks
    load = Load(source, destination, {"source_table": "t"})
    assert load.attempt().rows == 10
    assert route(load)[1].endswith(
        "(not LOAD DATA LOCAL: it is not known how InnoDB counts the rows of a file, and takes them back)"
    )


@pytest.mark.parametrize("files", [0, 1, 2])
@pytest.mark.parametrize("why", [errno.EMFILE, errno.ENOSPC])
def test_a_file_that_cannot_be_made(two: Pair, monkeypatch: pytest.MonkeyPatch, files: int, why: int) -> None:
    source, destination = two
    destination.execute(TABLE)
    made = []

    def fail(*_: object) -> None:
        made.append(1)
        if len(made) > files:
            raise OSError(why, os.strerror(why))

    for name in ("memfd_create", "mkfifo"):
        make = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, make=make: fail() or make(*given))
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    assert load.attempt().rows == 10
    path, reason = route(load)
    assert path == (LOADED if files else TUPLES)
    assert files or f"(not LOAD DATA LOCAL: [Errno {why}] {os.strerror(why)})" in reason
    assert len(made) == files + 1
    assert destination.rows("SELECT * FROM target ORDER BY n") == source.rows("SELECT * FROM t ORDER BY n")


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize("left", range(5))
@pytest.mark.parametrize("make", [in_memory, through_fifo])
def test_descriptors_that_are_used_up(
    make: Callable[[bytes], AbstractContextManager[str]], left: int
) -> None:
    threading.Thread(target=int).start()  # whatever the first thread needs is open
    data = b"x" * 200_000
    before = descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, before)) + 10, hard))
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(left):
            os.close(taken.pop())
        with suppress(OSError), make(data) as path:
            assert Path(path).read_bytes() == data
            taken.append(None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        worked = None in taken
        for descriptor in filter(None, taken):
            os.close(descriptor)
    assert worked == (left > (1 if make is in_memory else 2))
    assert descriptors() == before


def test_a_fifo_that_nobody_reads() -> None:
    before = descriptors()
    with through_fifo(b"x" * 200_000):
        pass
    assert descriptors() == before


def test_a_file_that_the_driver_cannot_open(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute(TABLE)
    run, sent = Loading._run, []
    refused: list[str] = []

    def unreadable(self: Loading, cursor: Any, texts: Sequence[bytes], **form: bool) -> int:
        sent.append(len(texts))
        if len(sent) != 2:
            return run(self, cursor, texts, **form)
        # The driver has asked the server before it finds that there is no such file.
        try:
            cursor.execute(f"LOAD DATA LOCAL INFILE '/nowhere' {self._into[LOADED]}")
        except self._error as error:
            refused.append(str(error))
            raise
        return int(cursor.rowcount)

    monkeypatch.setattr(Loading, "_run", unreadable)
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    assert load.attempt().rows_total == 10
    assert sent[1] == 4
    assert "/nowhere" in refused[0]
    # MySQL's own driver leaves the server's answer unread, so that its connection is opened again.
    assert len(load.told(Reconnecting)) == (destination.driver == "mysql.connector")
    assert destination.rows("SELECT * FROM target ORDER BY n") == source.rows("SELECT * FROM t ORDER BY n")


@pytest.mark.parametrize("two", DRIVERS[:1], indirect=True)
def test_a_machine_without_files_in_memory(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute(TABLE)
    monkeypatch.delattr(os, "memfd_create")
    load = Load(source, destination, {"source_table": "t"})
    assert load.attempt().rows == 10
    assert route(load)[1].endswith("(not LOAD DATA LOCAL: only Linux has files in memory)")


@pytest.mark.parametrize(("declared", "value", "message"), [
    ("v varchar(20), PRIMARY KEY (n)", "n = 4, v = 'x'", "Duplicate entry '4'"),
    ("v varchar(20), FOREIGN KEY (n) REFERENCES parents (n)", None, "foreign key"),
    ("v varchar(20), CHECK (v <> 'v7')", None, "(?i)constraint"),
    ("v varchar(1)", None, "Data too long"),
    ("v varchar(20), PRIMARY KEY (n)) PARTITION BY RANGE (n) (PARTITION p VALUES LESS THAN (7)", None, "partition"),
])  # fmt: skip
@pytest.mark.parametrize("two", DRIVERS[:1], indirect=True)
@pytest.mark.parametrize("max_error_count", [0, 64])
def test_what_would_be_a_warning_is_an_error(
    two: Pair, declared: str, value: str | None, message: str, max_error_count: int
) -> None:
    source, destination = two
    destination.execute(
        "CREATE TABLE parents (n integer PRIMARY KEY) AS SELECT 1 AS n",
        f"CREATE TABLE target (n integer, {declared})",
        *([f"INSERT INTO target SET {value}"] if value else []),
    )
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    with (
        globally(destination, "max_error_count", max_error_count),
        pytest.raises(CheckpointError, match=message),
    ):
        load.attempt()
    assert route(load)[0] == LOADED
    kept = [n for (n,) in destination.rows("SELECT n FROM target ORDER BY n")]
    assert kept in ([], [0, 1, 2, 3], [0, 1, 2, 3, 4])  # whole batches, and the row inserted before


@pytest.mark.parametrize("two", DRIVERS[:1], indirect=True)
def test_columns_that_the_load_does_not_write(two: Pair) -> None:
    source, destination = two
    others = (
        "id integer AUTO_INCREMENT PRIMARY KEY, made timestamp DEFAULT CURRENT_TIMESTAMP, w varchar(9) DEFAULT 'x',"
        " doubled varchar(40) AS (CONCAT(v, '!')) STORED, e varchar(9) DEFAULT (CONCAT('a', 'b')), z varchar(9)"
    )
    destination.execute(f"CREATE TABLE target ({others}, n integer, v varchar(20))")
    load = Load(source, destination, {"source_table": "t"})
    assert load.attempt().rows == 10
    assert route(load)[0] == LOADED
    found = destination.rows("SELECT id, made > '2020-01-01', w, doubled, e, z FROM target ORDER BY n")
    assert found == [(n + 1, 1, "x", f"v{n}!", "ab", None) for n in range(10)]


def test_a_file_that_the_server_reads_in_part(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    source.execute("CREATE TABLE long_rows (n integer PRIMARY KEY, v longtext)")
    source.execute(*(f"INSERT INTO long_rows VALUES ({n}, REPEAT('x', 300000))" for n in range(3)))
    destination.execute("CREATE TABLE target (n integer, v longtext)")
    run = Loading._run

    def broken(self: Loading, cursor: object, texts: Sequence[bytes], **form: bool) -> int:
        return run(self, cursor, [*texts[:1], b"(9,NULL)", *texts[1:]] if texts else texts, **form)

    load = Load(source, destination, {"source_table": "long_rows"})
    monkeypatch.setattr(Loading, "_run", broken)
    assert load.attempt().rows == 3
    assert route(load)[0] == LOADED
    assert destination.rows("SELECT n, LENGTH(v) FROM target ORDER BY n") == [(n, 300_000) for n in range(3)]


def test_a_file_that_was_warned_of_is_the_last(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute(TABLE)
    sent: list[int] = []
    run = Loading._run

    def warned(self: Loading, cursor: object, texts: Sequence[bytes], **form: bool) -> int:
        sent.append(len(texts))
        return run(self, cursor, texts, **form) - (len(texts) > 0)  # as if the server had left a row out

    monkeypatch.setattr(Loading, "_run", warned)
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    assert load.attempt().rows == 10
    assert sent == [0, 4]
    assert destination.rows("SELECT * FROM target ORDER BY n") == source.rows("SELECT * FROM t ORDER BY n")


def test_a_session_that_ends_while_a_file_is_read(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = two
    destination.execute(TABLE)
    run, ended = Loading._run, []

    def killed(self: Loading, cursor: object, texts: Sequence[bytes], **form: bool) -> int:
        if texts and not ended:
            ended.append(True)
            with closing(destination.connect()) as other:
                number = connection_id(self)
                other.cursor().execute(f"KILL {number}")
        return run(self, cursor, texts, **form)

    def connection_id(one: Loading) -> int:
        with closing(one._raw.cursor()) as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            return int(cursor.fetchone()[0])

    monkeypatch.setattr(Loading, "_run", killed)
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    assert load.attempt().rows_total == 10
    assert ended
    assert destination.rows("SELECT * FROM target ORDER BY n") == source.rows("SELECT * FROM t ORDER BY n")


LINES = [
    "x", "", "NULL", r"\N", r"\\N", "\\", "\\\\f", "\\f\f", "\v\\v", "\b\t\n\r\x1a", "a\x0b\\\x0c", "'\"", "\U0001f600\u00e4",
]  # fmt: skip


@pytest.fixture(params=DRIVERS)
def from_postgres(request: pytest.FixtureRequest, postgres_source: str, mysql_destination: str) -> Pair:
    source = Db("postgres", postgres_source)
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v text)")
    source.insert("t", list(enumerate(LINES)))
    return source, Db("mysql", f"{mysql_destination}&local_infile=1", request.param)


@pytest.mark.parametrize("batch_size", [3, 100])
def test_lines_of_copy(from_postgres: Pair, batch_size: int) -> None:
    source, destination = from_postgres
    destination.execute("CREATE TABLE target (n integer, v varchar(20))")
    load = Load(source, destination, {"source_table": "t", "batch_size": batch_size, "verify": "digest"})
    load.attempt_batches(1)
    load.attempt()
    assert route(load) == (LOADED_TEXT, "the source writes each row as LOAD DATA reads it")
    assert destination.rows("SELECT n, v FROM target ORDER BY n") == list(enumerate(LINES))


@pytest.mark.parametrize(("declared", "message"), [
    ("v varchar(20), PRIMARY KEY (n)", "Duplicate entry '4'"),
    ("v varchar(20), CHECK (v <> 'x')", "(?i)constraint"),
    ("v varchar(1)", "Data too long"),
    ("v varchar(20) NOT NULL", "cannot be null"),
])  # fmt: skip
def test_lines_that_are_not_taken(from_postgres: Pair, declared: str, message: str) -> None:
    source, destination = from_postgres
    source.insert("t", [(90, None)])
    destination.execute(f"CREATE TABLE target (n integer, {declared})", "INSERT INTO target VALUES (4, 'y')")
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    with pytest.raises(CheckpointError, match=message):
        load.attempt()
    assert [chosen.path for chosen in load.told(RouteChosen)] == [LOADED_TEXT, "rows"]
    assert destination.one("SELECT COUNT(*) % 4 FROM target WHERE v <> 'y' OR n <> 4") == 0


def test_a_row_without_a_line_is_named(from_postgres: Pair) -> None:
    source, destination = from_postgres
    source.execute("CREATE TABLE padded (n integer PRIMARY KEY, v text)")
    source.insert("padded", [(1, "x"), (5, "x ")])
    destination.execute("CREATE TABLE target (n integer, v varchar(1))")
    load = Load(source, destination, {"source_table": "padded"})
    with suppress(CheckpointError):  # of the value, which does not fit either
        load.attempt()
    assert load.told(RouteChosen)[-1].reason == "the source cannot write the row with key 5 as a line"


def test_a_file_of_lines_that_cannot_be_made(from_postgres: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = from_postgres
    destination.execute("CREATE TABLE target (n integer, v varchar(20))")
    made = []
    for name in ("memfd_create", "mkfifo"):
        make = getattr(os, name)

        def fail(*given: object, make: Callable[..., object] = make) -> object:
            made.append(1)
            if len(made) > 2:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return make(*given)

        monkeypatch.setattr(os, name, fail)
    load = Load(source, destination, {"source_table": "t", "batch_size": 4})
    assert load.attempt().rows_total == len(LINES)
    assert [chosen.path for chosen in load.told(RouteChosen)] == [LOADED_TEXT, "rows"]
    assert destination.rows("SELECT n, v FROM target ORDER BY n") == list(enumerate(LINES))


@pytest.mark.parametrize("from_postgres", DRIVERS[:1], indirect=True)
@pytest.mark.parametrize("key", ["timestamptz", "numeric(9, 1)", "text", "date", "uuid"])
def test_keys_of_lines(from_postgres: Pair, key: str) -> None:
    source, destination = from_postgres
    values = {
        "timestamptz": "'2026-01-01 00:00:00.5+05:30'::timestamptz + n * interval '1 day'",
        "numeric(9, 1)": "n + 0.5",
        "text": "'k\t' || chr(100 + n)",
        "date": "'2026-01-01'::date + n",
        "uuid": "lpad(n::text, 32, '0')::uuid",
    }
    kinds = {
        "timestamptz": "datetime(6)",
        "text": "varchar(9)",
        "uuid": "char(36)",
        "numeric(9, 1)": "decimal(9, 1)",
    }
    source.execute(
        f'CREATE TABLE k (k {key} PRIMARY KEY, "a %s" integer)',
        f"INSERT INTO k SELECT {values[key]}, n FROM generate_series(1, 9) n",
    )
    destination.execute(f"CREATE TABLE target (k {kinds.get(key, key)}, `a %s` integer)")
    load = Load(source, destination, {"source_table": "k", "batch_size": 4, "verify": "digest"})
    assert load.attempt_batches(1)
    assert load.attempt().rows_total == 9
    assert route(load)[0] == (TUPLES if key == "timestamptz" else LOADED_TEXT)
    assert destination.one("SELECT COUNT(DISTINCT k) FROM target") == 9
