"""Names of tables, schemas and columns that look like SQL or parameters: each is taken literally, or is refused."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

KINDS = ("sqlite", "postgres", "mysql", "oracle")
NAMES = {
    "quote": "it's",
    "double quote": 'a"b',
    "double quotes around": '"a"',
    "back quote": "a`b",
    "injection": "x'; DROP TABLE target; --",
    "injection behind a double quote": 'x"; DROP TABLE target; --',
    "newline": "two\nlines",
    "unicode": "größe_日本_😀",
    "right to left": "\u202eabc",
    "percent": "100%",
    "percent s": "a%sb%(c)s",
    "colon": "a:b",
    "colons": "::int",
    "braces": "{{ 7*7 }}{x}",
    "brackets": "a[0](1)",
    "markup": "<script>alert(1)</script>",
    "slashes": "a\\b/c",
    "dot": "a.b",
    "question": "what?",
    "comment": "/* x */ --",
    "reserved": "select",
    "blanks": "a  b",
    "dollar": "$1$$",
    "longest": "long_" * 12,
    "128 characters": "n" * 128,
}
LIMITS = {"postgres": 63, "mysql": 64, "sqlite": 1000, "oracle": 63}  # the stand-in has the limit of Postgres
ROWS = [(n, f"name {n}") for n in range(9)]


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def possible(kind: str, name: str) -> bool:
    """Return whether a database of this kind takes the name at all."""
    if kind == "mysql" and "😀" in name:  # beyond its character set for names
        return False
    if kind == "oracle" and ('"' in name or "\0" in name):  # Oracle has no escape for either in a name
        return False
    return len(name.encode() if kind in ("postgres", "oracle") else name) <= LIMITS[kind]


# The stand-in for Oracle cannot parse a CREATE TABLE with a parenthesis in a name.
CASES = [
    pytest.param(kind, name, id=f"{kind}-{said}")
    for kind in KINDS
    for said, name in NAMES.items()
    if kind != "oracle" or "(" not in name
]
# SQLAlchemy does not read this column name from MySQL's catalog unchanged.
UNREADABLE = {("mysql", "two\nlines")}


def is_parameter(db: Db, name: str) -> bool:
    """Return whether the driver takes a part of the name for a parameter, and has no escape for it."""
    return (db.kind, db.driver) == ("mysql", "mysql.connector") and "%(" in name


def check(source: Db, destination: Db, name: str, **arguments: object) -> None:
    load = Load(source, destination, {"batch_size": 4, **arguments})
    load.attempt_batches(1)
    load.attempt()
    assert destination.one("SELECT count(*) FROM bystander") == 1, name


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_of_tables_and_columns(make_db: MakeDb, kind: str, name: str) -> None:
    source, destination = make_db(kind, "source"), make_db(kind, "destination")
    destination.execute("CREATE TABLE bystander (id integer)", "INSERT INTO bystander VALUES (1)")
    written = quoted(name)
    arguments = {
        "source_table": written,
        "destination_table": written,
        "checkpoint_column": name,
        "conflict_columns": [name],
        "write_mode": "upsert",
        "checkpoint_table": quoted(f"{name}_cp"),
    }
    if not possible(kind, name):
        source.execute("CREATE TABLE orders (id integer)")
        destination.execute("CREATE TABLE target (id integer)")
        good = {"source_table": "orders", "destination_table": "target"}
        for argument in ("source_table", "destination_table", "checkpoint_column", "checkpoint_table"):
            with pytest.raises(CheckpointError, match=f"{argument}|metadata table"):
                Load(source, destination, {**good, argument: arguments[argument]}).attempt()
        return
    columns = f"({written} integer PRIMARY KEY, other varchar(20))"
    for db in (source, destination):
        db.execute(f"CREATE TABLE {written} {columns}")
    doubles = kind == "postgres" or (kind, source.driver) == ("mysql", "MySQLdb")
    source.insert(written.replace("%", "%%") if doubles else written, ROWS)
    if (kind, name) in UNREADABLE:
        with pytest.raises(CheckpointError, match="(?s)destination_columns: .* has no column"):
            Load(source, destination, {"batch_size": 4, **arguments}).attempt()
        return
    if not possible(kind, f"{name}_cp_event") or is_parameter(destination, name):
        with pytest.raises(CheckpointError, match="metadata table|checkpoint_table"):
            Load(source, destination, {"batch_size": 4, **arguments}).attempt()
        arguments["checkpoint_table"] = "airflow_checkpoint"
    check(source, destination, name, **arguments)
    assert sorted(destination.rows(f"SELECT * FROM {written}")) == ROWS


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_of_schemas(make_db: MakeDb, kind: str, name: str) -> None:
    if not possible(kind, name):
        name = name[:40].replace("😀", "")
    source, destination = make_db(kind, "source"), make_db(kind, "destination")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY, name varchar(20))")
    source.insert("orders", ROWS)
    destination.execute("CREATE TABLE bystander (id integer)", "INSERT INTO bystander VALUES (1)")
    schema = quoted(name)
    destination.execute(f"CREATE SCHEMA {schema}")
    try:
        destination.execute(f"CREATE TABLE {schema}.target (id integer, name varchar(20))")
        arguments = {"source_table": "orders", "destination_table": f"{schema}.target"}
        checkpoints = f"{schema}.checkpoints"
        if is_parameter(destination, name):
            with pytest.raises(CheckpointError, match="checkpoint_table: .* takes for a parameter"):
                Load(source, destination, {**arguments, "checkpoint_table": checkpoints}).attempt()
            return
        check(source, destination, name, **arguments, checkpoint_table=checkpoints)
        assert sorted(destination.rows(f"SELECT * FROM {schema}.target")) == ROWS
        assert destination.one(f"SELECT rows_written FROM {schema}.checkpoints") == 9
    finally:
        destination.execute(f"DROP SCHEMA {schema}{'' if kind == 'mysql' else ' CASCADE'}")


@pytest.mark.parametrize(
    "odd", [*NAMES.values(), "manual__2026-01-01T00:00:00+00:00"], ids=[*NAMES, "run id"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_of_dags_tasks_and_runs(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, kind: str, odd: str
) -> None:
    db = make_db(kind, "destination")
    db.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    db.insert("orders", [(n,) for n in range(9)])
    for conn_id in ("src", "dst"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", db.uri)
    hook = CheckpointHook("dst")
    for run_id in (odd, f"{odd}2"):
        execute(operator(), dag_id=odd, task_id=odd, run_id=run_id)
    found = hook.get(odd, odd, odd)
    assert isinstance(found, Checkpoint)
    assert (found.identity, found.rows) == (Identity(odd, odd, odd, -1), 9)
    assert len(hook.list(dag_id=odd, task_id=[odd], run_id=odd)) == 1
    hook.request_reload(odd, odd, odd, who=odd, reason=odd)
    asked = hook.history(odd, odd, odd)[0]
    assert (asked.who, asked.detail) == (odd, odd)
    assert (
        execute(operator(preoperator="DELETE FROM target"), dag_id=odd, task_id=odd, run_id=odd)["rows"] == 9
    )
    assert hook.delete(odd, odd, odd)
    assert [c.identity.run_id for c in hook.list()] == [f"{odd}2"]
