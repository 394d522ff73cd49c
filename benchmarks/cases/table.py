"""The table of cases: each with its peer and its goal."""

from __future__ import annotations

from benchmarks.cases import copying, mariadb, memory, resuming
from benchmarks.cases.mariadb import MARIADB, POSTGRES
from benchmarks.harness import shared_data
from benchmarks.harness.contest import Case, Goal, at_least, at_most
from benchmarks.harness.data import NARROW, WIDE

PIPE = "psql COPY piped into psql COPY"
GENERIC = "GenericTransfer, fastest settings"
CLIENT, DUMP = "mariadb piped into psql COPY", "mariadb-dump piped into mariadb"
LOAD_DATA = "psql COPY piped into LOAD DATA LOCAL"
RATE, SECONDS, SIZE = "rows/s", "s", "MB"


def _more_megabytes(limit: int) -> Goal:
    return Goal(lambda ours, peer: ours - peer, limit, most=True, style="{:+.0f} MB")


def _more_percent(limit: int) -> Goal:
    return Goal(lambda ours, peer: (peer / ours - 1) * 100, limit, most=True, style="{:.1f}%")


CASES = (
    Case("wide", "Postgres -> Postgres, wide", PIPE, RATE, at_least(1.2), copying.against_pipe(WIDE)),
    Case("narrow", "Postgres -> Postgres, narrow", PIPE, RATE, at_least(0.95), copying.against_pipe(NARROW)),
    Case(
        "wide-text",
        "the same, wide, as text (integer into double precision)",
        PIPE,
        RATE,
        at_least(1.0),
        copying.against_pipe(WIDE, {"quantity": "double precision"}),
    ),
    Case(
        "narrow-text",
        "the same, narrow, as text (integer into double precision)",
        PIPE,
        RATE,
        at_least(0.8),
        copying.against_pipe(NARROW, {"customer_id": "double precision"}),
    ),
    Case(
        "wide-wider",
        "the same, wide, integer into numeric",
        PIPE,
        RATE,
        at_least(1.0),
        copying.against_pipe(WIDE, {"quantity": "numeric"}),
    ),
    Case(
        "narrow-wider",
        "the same, narrow, integer into numeric",
        PIPE,
        RATE,
        at_least(0.8),
        copying.against_pipe(NARROW, {"customer_id": "numeric"}),
    ),
    Case("generic-wide", "wide", GENERIC, RATE, at_least(12), copying.against_generic(WIDE)),
    Case("generic-narrow", "narrow", GENERIC, RATE, at_least(15), copying.against_generic(NARROW)),
    Case(
        "sqlite-postgres",
        "SQLite -> Postgres, narrow",
        PIPE,
        RATE,
        at_least(0.45),
        copying.against_pipe(NARROW, from_sqlite=True),
    ),
    Case(
        "postgres-sqlite",
        "Postgres -> SQLite, narrow",
        "executemany of rows in memory",
        RATE,
        at_least(0.5),
        copying.to_sqlite(NARROW, from_sqlite=False),
    ),
    Case(
        "sqlite-sqlite",
        "SQLite -> SQLite, narrow",
        "executemany of rows in memory",
        RATE,
        at_least(0.5),
        copying.to_sqlite(NARROW, from_sqlite=True),
    ),
    Case(
        "small-batches",
        "narrow, batches of 1,000 rows",
        "psql: 1,000 rows COPY + UPDATE + COMMIT",
        RATE,
        at_least(0.85),
        copying.in_small_batches(NARROW, 1_000),
    ),
    Case(
        "primary-key",
        "narrow, destination with a primary key",
        PIPE,
        RATE,
        at_least(0.9),
        copying.against_pipe(NARROW, key=True),
    ),
    Case("sling", "narrow", "sling, whole process", RATE, at_least(4), copying.sling(NARROW)),
    Case("dlt", "narrow", "dlt, whole process", RATE, at_least(10), copying.dlt(NARROW)),
    Case(
        "upsert-empty",
        "narrow, upsert into an empty table",
        "psql: COPY + INSERT ON CONFLICT",
        RATE,
        at_least(0.7),
        copying.upserting(NARROW, full=False),
    ),
    Case(
        "upsert-full",
        "narrow, upsert into a full table",
        "psql: COPY + INSERT ON CONFLICT",
        RATE,
        at_least(0.7),
        copying.upserting(NARROW, full=True),
    ),
    Case(
        "checkpoint",
        "cost of the checkpoint, narrow",
        "no checkpoint, one commit",
        RATE,
        _more_percent(8),
        copying.without_checkpoint(NARROW),
    ),
    Case(
        "verify-count",
        "cost of verify='count', narrow",
        "no verification",
        RATE,
        _more_percent(50),
        copying.with_verification(NARROW, "count"),
    ),
    Case(
        "verify-digest",
        "cost of verify='digest', narrow",
        "no verification",
        RATE,
        _more_percent(1_000),
        copying.with_verification(NARROW, "digest"),
    ),
    Case(
        "verify-rows",
        "the same, SQLite -> Postgres",
        "no verification",
        RATE,
        _more_percent(1_000),
        copying.with_verification(NARROW, "digest", from_sqlite=True),
    ),
    Case(
        "resume-key",
        "resume by key in the middle, to the first commit",
        "fresh start, to the first commit",
        SECONDS,
        at_most(1.5),
        resuming.by_key,
    ),
    Case(
        "resume-python",
        "resume by counting, beyond a fresh start",
        "fetching and dropping the rows",
        SECONDS,
        Goal(lambda ours, peer: peer / ours, 10, style="{:.1f}x faster"),
        resuming.by_counting,
    ),
    Case(
        "memory",
        "memory, Postgres -> Postgres",
        "everything imported, nothing moved",
        SIZE,
        _more_megabytes(32),
        memory.more_than_nothing(),
    ),
    Case(
        "memory-rows",
        "memory, SQLite -> Postgres",
        "everything imported, nothing moved",
        SIZE,
        _more_megabytes(64),
        memory.more_than_nothing(from_sqlite=True),
    ),
    Case(
        "memory-flat",
        "memory, ten times the rows",
        "memory, the rows",
        SIZE,
        _more_megabytes(8),
        memory.ten_times_the_rows,
    ),
    *(
        Case(
            f"memory-large-{name}",
            f"memory, values of 1 MB, {title}",
            "everything imported, nothing moved",
            SIZE,
            _more_megabytes(67),
            set_up,
        )
        for name, title, set_up in (
            ("packed", "Postgres -> Postgres", memory.of_large_values(memory.postgres)),
            ("rows", "the same, as values", memory.of_large_values(memory.postgres, on_bad_row="reject")),
            ("sqlite", "Postgres -> SQLite", memory.of_large_values(memory.sqlite)),
            ("mariadb", "Postgres -> MariaDB", memory.of_large_values(memory.mariadb)),
        )
    ),
    Case(
        "start",
        "a whole process with nothing to do",
        "GenericTransfer",
        SECONDS,
        at_most(1.2),
        resuming.whole_process(0),
    ),
    Case(
        "short",
        "the same, with 1,000 rows",
        "GenericTransfer",
        SECONDS,
        at_most(1.1),
        resuming.whole_process(1_000),
    ),
    *(
        Case(
            f"mariadb-postgres-{table.name}",
            f"MariaDB -> Postgres, {table.name}",
            CLIENT,
            RATE,
            at_least(1.0),
            mariadb.contest(table, MARIADB, POSTGRES, mariadb.client_into_psql),
        )
        for table in (shared_data.NARROW, shared_data.WIDE)
    ),
    Case(
        "pgloader",
        "MariaDB -> Postgres, narrow",
        "pgloader, whole process",
        RATE,
        at_least(2.5),
        mariadb.contest(
            shared_data.NARROW, MARIADB, POSTGRES, mariadb.pgloader, require=mariadb.require_pgloader
        ),
    ),
    *(
        Case(
            f"postgres-mariadb-{table.name}",
            f"Postgres -> MariaDB, {table.name}",
            LOAD_DATA,
            RATE,
            at_least(0.85),
            mariadb.contest(table, POSTGRES, MARIADB, mariadb.psql_into_load_data),
        )
        for table in (shared_data.NARROW, shared_data.WIDE)
    ),
    Case(
        "mariadb-mariadb",
        "MariaDB -> MariaDB, narrow",
        DUMP,
        RATE,
        at_least(1.0),
        mariadb.contest(shared_data.NARROW, MARIADB, MARIADB, mariadb.dump),
    ),
    Case(
        "mariadb-upsert",
        "Postgres -> MariaDB, narrow, upsert into an empty table",
        "LOAD DATA LOCAL + INSERT ON DUPLICATE KEY",
        RATE,
        at_least(0.7),
        mariadb.contest(
            shared_data.NARROW, POSTGRES, MARIADB, mariadb.load_data_upserted, write_mode="upsert"
        ),
    ),
    *(
        Case(
            f"generic-{name}",
            title,
            GENERIC,
            RATE,
            at_least(goal),
            mariadb.contest(shared_data.NARROW, *ends, mariadb.generic(*ends)),
        )
        for name, title, ends, goal in (
            ("mariadb-postgres", "MariaDB -> Postgres, narrow", (MARIADB, POSTGRES), 8),
            ("postgres-mariadb", "Postgres -> MariaDB, narrow", (POSTGRES, MARIADB), 4.5),
            ("mariadb-mariadb", "MariaDB -> MariaDB, narrow", (MARIADB, MARIADB), 2.5),
        )
    ),
)
