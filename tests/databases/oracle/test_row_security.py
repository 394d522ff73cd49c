"""Policies that hide rows or mask values from the user, of which the server says nothing by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError, WouldDuplicateError
from tests.support.databases.db import Db
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Fault, Faults

pytestmark = pytest.mark.server

OF_ROWS = "INSERT INTO all_policies VALUES ('SCOTT', '{}', 'P', 'YES', 'YES', 'YES', 'YES')"
ON_T = OF_ROWS.format("T")
SEES_ALL_ROWS = "INSERT INTO session_privs VALUES ('EXEMPT ACCESS POLICY')"
SEES_ALL_VALUES = "INSERT INTO session_privs VALUES ('EXEMPT REDACTION POLICY')"
NO_DICTIONARY = "DELETE FROM session_privs WHERE privilege = 'SELECT ANY DICTIONARY'"
MASKED = (
    "INSERT INTO redaction_policies VALUES ('SCOTT', 'T', 'R', 'YES')",
    "INSERT INTO redaction_columns VALUES ('SCOTT', 'T', 'V')",
)


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Load:
    source, destination = stood_in
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, v varchar2(9))",
        "CREATE TABLE other (n integer PRIMARY KEY, v varchar2(9))",
        "CREATE VIEW v1 AS SELECT * FROM t",
        "CREATE VIEW v2 AS SELECT * FROM v1",
        "INSERT INTO all_synonyms VALUES ('PUBLIC', 'S', 'SCOTT', 'V2', NULL)",
    )
    source.insert("t", [(n, "v") for n in range(9)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, v varchar2(9))")
    return Load(source, destination, {"checkpoint_column": "n"})


READS: list[dict[str, Any]] = [
    {"source_table": "t"},
    {"source_table": "v2"},
    {"sql": "SELECT n, v FROM t"},
    {"sql": "SELECT a.n, a.v FROM other o RIGHT JOIN scott.v2 a ON a.n = o.n"},
    {"sql": 'SELECT n, v FROM "T"'},
]


@pytest.mark.parametrize("read", READS)
def test_rows_that_a_policy_may_hide_are_not_left_out(load: Load, read: dict[str, Any]) -> None:
    load.source.execute(ON_T)
    with pytest.raises(
        SourceError, match=r"row level security \(P\) may hide rows of SCOTT.T.*EXEMPT ACCESS POLICY.*extra"
    ):
        load.attempt(**read)
    assert loaded(load) == []
    load.source.execute(SEES_ALL_ROWS)
    assert load.attempt(**read).rows == 9


def test_a_synonym_leads_to_its_table(load: Load) -> None:
    load.source.execute(ON_T)
    with pytest.raises(SourceError, match=r"may hide rows of SCOTT\.T"):
        load.attempt(sql="SELECT n, v FROM t, (SELECT 1 AS one FROM dual) s")


@pytest.mark.parametrize(
    ("policy", "sql"),
    [
        (
            "INSERT INTO all_policies VALUES ('SCOTT', 'T', 'P', 'YES', 'YES', 'YES', 'NO')",
            "SELECT n, v FROM t",
        ),
        (
            "INSERT INTO all_policies VALUES ('SCOTT', 'T', 'P', 'NO', 'YES', 'YES', 'YES')",
            "SELECT n, v FROM t",
        ),
        (
            "INSERT INTO all_policies VALUES ('HR', 'T', 'P', 'YES', 'YES', 'YES', 'YES')",
            "SELECT n, v FROM t",
        ),
        (OF_ROWS.format("OTHER"), "SELECT n, v FROM t -- and not other"),
        (OF_ROWS.format("OTHER"), "SELECT n, 'other' AS v FROM v2"),
    ],
)
def test_other_policies_are_not_concerned(load: Load, policy: str, sql: str) -> None:
    load.source.execute(policy)
    result = load.attempt(sql=sql)
    assert (result.rows, result.warnings) == (9, ())


def test_a_label_policy(load: Load) -> None:
    load.source.execute(
        "CREATE TABLE all_sa_table_policies (schema_name varchar2(9), table_name varchar2(9), policy_name varchar2(9),"
        " status varchar2(9))",
        "INSERT INTO all_sa_table_policies VALUES ('SCOTT', 'T', 'SECRETS', 'ENABLED')",
    )
    with pytest.raises(SourceError, match=r"\(SECRETS\) may hide rows of SCOTT.T"):
        load.attempt(source_table="t")
    load.source.execute("UPDATE all_sa_table_policies SET status = 'DISABLED'")
    assert load.attempt(source_table="t").rows == 9


@pytest.mark.parametrize("read", READS)
def test_values_that_a_policy_may_mask_do_not_arrive(load: Load, read: dict[str, Any]) -> None:
    load.source.execute(*MASKED)
    with pytest.raises(
        SourceError, match=r"Data Redaction may mask V of SCOTT.T.*GRANT EXEMPT REDACTION POLICY"
    ):
        load.attempt(**read)
    load.source.execute(SEES_ALL_VALUES)
    assert load.attempt(**read).rows == 9


def test_a_column_that_is_left_out_may_be_masked(load: Load) -> None:
    load.source.execute(*MASKED)
    assert load.attempt(source_table="t", columns=["n"]).rows == 9


@pytest.fixture
def asking(load: Load) -> Callable[..., Any]:
    """Run an attempt with an extra of the source's connection."""

    def attempt(extra: dict[str, Any], **changes: Any) -> Any:
        source: Database = replace(load.source.database("src"), extra=lambda: extra)
        return load.transfer(source=source, **changes).run()

    return attempt


def test_the_connection_may_ask_for_what_the_policy_shows(load: Load, asking: Callable[..., Any]) -> None:
    load.source.execute(ON_T, *MASKED)
    assert asking({"row_security": "on"}, source_table="t").rows == 9
    load.clear()
    with pytest.raises(SourceError, match=r"row level security"):
        asking({"row_security": "off"}, source_table="t", write_mode="replace")


def test_what_the_dictionary_does_not_show_is_told(
    load: Load, faults: dict[str, Faults], asking: Callable[..., Any]
) -> None:
    load.source.execute(NO_DICTIONARY, "INSERT INTO standin_states VALUES ('T', 'NOT GRANTED')")
    faults["source"].plan(Fault(942, ".*redaction_columns"))
    result = load.attempt(source_table="v2")
    assert result.rows == 9
    masks, rows = result.warnings
    assert "Data Redaction masks values is not known (GRANT SELECT ON SYS.REDACTION_POLICIES" in masks
    assert "whether a policy hides rows of SCOTT.T is not known (GRANT SELECT ANY DICTIONARY" in rows
    load.clear()
    assert asking({"row_security": "on"}, source_table="v2", write_mode="replace").warnings == ()
    load.clear()
    load.source.execute(SEES_ALL_ROWS)
    assert load.attempt(source_table="v2", write_mode="replace").warnings == ()


def test_what_is_behind_a_link_is_told(load: Load) -> None:
    load.source.execute("INSERT INTO standin_states VALUES ('V1', 'ERP')")
    (warning,) = load.attempt(source_table="v2").warnings
    assert (
        "policies of the database behind a link, which may hide rows or mask values, are not known" in warning
    )


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic", "upsert"])
@pytest.mark.parametrize("table", ["target", "shown"])
def test_a_table_is_not_emptied_of_what_is_seen_of_it(load: Load, write_mode: str, table: str) -> None:
    load.destination.execute(
        "INSERT INTO target VALUES (100, 'old')",
        "CREATE VIEW shown AS SELECT * FROM target",
        OF_ROWS.format("TARGET"),
    )
    arguments = {"source_table": "t", "destination_table": table, "conflict_columns": ["n"]}
    with pytest.raises(
        ArgumentError,
        match=rf"write_mode='{write_mode}' cannot write {table}: row level security \(P\) hides rows.*EXEMPT ACCESS",
    ):
        load.attempt(write_mode=write_mode, **arguments)
    assert loaded(load) == [100]
    load.destination.execute(SEES_ALL_ROWS)
    assert load.attempt(write_mode=write_mode, **arguments).rows_total == 9


def test_rows_may_be_appended_to_a_table_with_a_policy(load: Load) -> None:
    load.destination.execute(OF_ROWS.format("TARGET"))
    assert load.attempt(source_table="t").rows == 9


def test_rows_that_a_policy_hides_are_not_appended_again(load: Load, faults: dict[str, Faults]) -> None:
    load.destination.execute("CREATE TABLE heap (n integer, v varchar2(9))", OF_ROWS.format("HEAP"))
    load.arguments |= {"source_table": "t", "destination_table": "heap", "batch_size": 2}
    assert load.attempt_batches(2)
    faults["destination"].hidden.add("HEAP")
    assert load.attempt().rows_total == 9
    load.clear()
    with pytest.raises(WouldDuplicateError, match="9 rows of this load are already committed in heap"):
        load.attempt()
    faults["destination"].hidden.clear()
    assert loaded(load, table="heap") == list(range(9))
