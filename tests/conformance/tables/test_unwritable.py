"""Views, published tables and triggers that would refuse rows, or keep them, are found at the start."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    DestinationError,
    WouldDuplicateError,
)
from tests.support.databases.fixtures import MakeDb
from tests.support.refusals import OLD, ROWS, TABLE, make_load, refused

pytestmark = pytest.mark.server

VIEWS = {
    "materialized": (
        "postgres",
        ["CREATE MATERIALIZED VIEW target AS SELECT 1 AS n, 'old'::text AS v"],
        ["append", "upsert", "replace", "replace_atomic"],
        "target is a materialized view, which takes no rows",
    ),
    "plain": (
        "postgres",
        ["CREATE TABLE base (n integer PRIMARY KEY, v text)", "CREATE VIEW target AS SELECT n, v FROM base"],
        ["append", "replace"],
        "view without an INSTEAD OF INSERT trigger, which COPY cannot write to",
    ),
    "of a sum": (
        "postgres",
        [
            "CREATE TABLE base (n integer, v text)",
            "CREATE VIEW target AS SELECT n, max(v) AS v FROM base GROUP BY n",
        ],
        ["upsert", "replace_atomic"],
        "is a view that takes no (INSERT|DELETE)",
    ),
    "of SQLite": (
        "sqlite",
        ["CREATE TABLE base (n integer PRIMARY KEY, v text)", "CREATE VIEW target AS SELECT n, v FROM base"],
        ["append", "upsert", "replace", "replace_atomic"],
        "it is a view (without an INSTEAD OF|, for which there is no upsert)",
    ),
    "of MariaDB": (
        "mysql",
        [
            "CREATE TABLE base (n integer, v text)",
            "CREATE VIEW target AS SELECT n, max(v) AS v FROM base GROUP BY n",
        ],
        ["append", "replace", "replace_atomic"],
        "it is a view that takes no",
    ),
    "a sequence": ("mysql", ["CREATE SEQUENCE target"], ["append"], "target is a sequence, not a table"),
}


@pytest.mark.parametrize(
    ("case", "write_mode"), [(case, write_mode) for case, found in VIEWS.items() for write_mode in found[2]]
)
def test_a_view_that_takes_no_rows(make_db: MakeDb, case: str, write_mode: str) -> None:
    kind, statements, _, message = VIEWS[case]
    load = make_load(make_db, kind, *statements, write_mode=write_mode)
    if case == "a sequence":
        load.arguments["destination_columns"] = ["start_value", "increment"]
    refused(load, message, conflict_columns=["n"] if write_mode == "upsert" else None)


@pytest.mark.parametrize("write_mode", ["upsert", "replace", "replace_atomic"])
@pytest.mark.parametrize("published", ["FOR ALL TABLES", "FOR TABLE target", "FOR TABLES IN SCHEMA public"])
def test_a_published_table_without_replica_identity(make_db: MakeDb, write_mode: str, published: str) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE target (n integer UNIQUE, v varchar(20))",
        OLD,
        f"CREATE PUBLICATION out {published}",
        write_mode=write_mode,
    )
    key = {"conflict_columns": ["n"]} if write_mode == "upsert" else {}
    message = "publication out sends each (UPDATE|DELETE) of target, which has no replica identity"
    try:
        refused(load, message, **key)
        assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
        load.destination.execute("ALTER TABLE target REPLICA IDENTITY FULL")
        assert load.attempt(**key).rows == len(ROWS)
    finally:
        load.destination.execute("DROP PUBLICATION out")


KEEPING = {
    "postgres": [
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER kept BEFORE DELETE ON target FOR EACH ROW EXECUTE FUNCTION keep()",
    ],
    "sqlite": ["CREATE TRIGGER kept BEFORE DELETE ON target BEGIN SELECT RAISE(IGNORE); END"],
}


@pytest.mark.parametrize("kind", list(KEEPING))
@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_rows_that_a_trigger_keeps_are_not_doubled(make_db: MakeDb, kind: str, write_mode: str) -> None:
    load = make_load(make_db, kind, TABLE, OLD, *KEEPING[kind], write_mode=write_mode)
    with pytest.raises(DestinationError, match="1 rows of target are still there .* kept by the trigger"):
        load.attempt()
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]


def test_a_rule_instead_of_delete(make_db: MakeDb) -> None:
    rule = "CREATE RULE nothing AS ON DELETE TO target DO INSTEAD NOTHING"
    load = make_load(make_db, "postgres", TABLE, OLD, rule)
    for write_mode in ("replace", "replace_atomic"):
        refused(load, "its rule nothing does something else instead of DELETE", write_mode=write_mode)
    assert load.attempt().rows == len(ROWS)


VIEW = "CREATE VIEW target AS SELECT n, v FROM below"
FILTERED = [
    "CREATE TABLE base (n integer, v varchar(20))",
    "CREATE VIEW below AS SELECT n, v FROM base WHERE n < 2",
    VIEW,
    "INSERT INTO base VALUES (7, 'old')",
]


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_view_that_hides_what_it_takes_is_not_replaced(make_db: MakeDb, kind: str, write_mode: str) -> None:
    load = make_load(make_db, kind, *FILTERED, write_mode=write_mode)
    refused(load, "the view below takes rows that it does not show")
    assert load.destination.rows("SELECT n FROM base") == [(7,)]
    if kind == "postgres" and write_mode == "replace":
        return  # COPY writes to no view
    load.destination.execute("DROP VIEW target", f"{VIEW} WITH CASCADED CHECK OPTION")
    with pytest.raises(BadRowsError, match="(?i)check option"):
        load.attempt()
    load.destination.execute(
        "DROP VIEW target", "CREATE VIEW target AS SELECT n, v FROM base WHERE n < 9 WITH CHECK OPTION"
    )
    load.next_run()
    load.attempt()
    assert load.destination.rows("SELECT n, v FROM base ORDER BY n") == ROWS


INTO_BASE = {
    "postgres": [
        "CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO base VALUES (NEW.n, NEW.v); RETURN NEW; END $$",
        "CREATE TRIGGER pass INSTEAD OF INSERT ON target FOR EACH ROW EXECUTE FUNCTION pass()",
    ],
    "mysql": [],
    "sqlite": [
        "CREATE TRIGGER pass INSTEAD OF INSERT ON target BEGIN INSERT INTO base VALUES (NEW.n, NEW.v); END"
    ],
}


@pytest.mark.parametrize("kind", list(INTO_BASE))
def test_rows_that_a_view_does_not_show_are_not_appended_again(make_db: MakeDb, kind: str) -> None:
    shown = "CREATE VIEW target AS SELECT n, v FROM base WHERE n > 100"
    load = make_load(make_db, kind, FILTERED[0], shown, *INTO_BASE[kind])
    assert load.attempt().rows == len(ROWS)
    load.clear()
    refused(load, "4 rows of this load are already committed in target", WouldDuplicateError, planned=False)
    assert load.destination.rows("SELECT n, v FROM base ORDER BY n") == ROWS


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_row_that_the_check_option_of_a_view_refuses(make_db: MakeDb, kind: str) -> None:
    load = make_load(
        make_db,
        kind,
        "CREATE TABLE base (n integer PRIMARY KEY, v varchar(20))",
        "CREATE VIEW target AS SELECT n, v FROM base WHERE n < 3 WITH CHECK OPTION",
        on_bad_row="reject",
        **({"write_mode": "upsert", "conflict_columns": ["n"]} if kind == "postgres" else {}),
    )
    result = load.attempt()
    assert (result.rows, result.rejected) == (3, 1)
    assert load.destination.rows("SELECT n, v FROM base ORDER BY n") == ROWS[:3]


def test_a_rule_that_copy_does_not_run(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "postgres",
        TABLE,
        OLD,
        "CREATE TABLE noted (n integer)",
        "CREATE RULE note AS ON INSERT TO target DO ALSO INSERT INTO noted VALUES (NEW.n)",
    )
    for write_mode in ("append", "replace"):
        refused(load, "COPY does not run its rule note ON INSERT", write_mode=write_mode)
    assert load.destination.rows("SELECT n FROM target") == [(100,)]
    load.attempt(write_mode="replace_atomic")
    assert load.destination.rows("SELECT n FROM noted ORDER BY n") == [(n,) for n, _ in ROWS]
