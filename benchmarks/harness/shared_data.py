"""Tables that Postgres and MariaDB both have: the same rows, whichever server generates them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.harness.mariadb import MariaDB
    from benchmarks.harness.server import Server


@dataclass(frozen=True)
class Column:
    """
    A column on both sides.

    :param types: in Postgres and in MariaDB
    :param values: an expression of the row's number ``i``, in Postgres and in MariaDB
    :param texts: its text for comparison, which both servers write alike
    """

    name: str
    types: tuple[str, str]
    values: tuple[str, str]
    texts: tuple[str, str]


@dataclass(frozen=True)
class SharedTable:
    """A table of such columns; the first is the key."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """The column that orders the rows."""
        return self.columns[0].name

    @property
    def names(self) -> str:
        """The columns, as a list in SQL."""
        return ", ".join(column.name for column in self.columns)

    def create(self, side: int, name: str, *, key: bool = False) -> str:
        """
        Return the statement that creates an empty table.

        :param side: 0 for Postgres, 1 for MariaDB
        :param key: with a primary key
        """
        columns = ", ".join(f"{column.name} {column.types[side]}" for column in self.columns)
        return f"CREATE TABLE {name} ({columns}{f', PRIMARY KEY ({self.key})' if key else ''})"

    def fill(self, side: int, name: str, rows: int) -> str:
        """Return the statement that fills it."""
        values = ", ".join(column.values[side] for column in self.columns)
        numbers = (
            f"generate_series(1, {rows}) AS i" if side == 0 else f"(SELECT seq AS i FROM seq_1_to_{rows}) n"
        )
        return f"INSERT INTO {name} SELECT {values} FROM {numbers}"

    def digest(self, side: int, name: str) -> str:
        """Return the query for the number of rows and a sum over all of them, in no order."""
        texts = ", ".join(f"coalesce({column.texts[side]}, '-')" for column in self.columns)
        row = f"left(md5(concat_ws('|', {texts})), 8)"
        number = f"('x' || {row})::bit(32)::bigint" if side == 0 else f"CAST(conv({row}, 16, 10) AS UNSIGNED)"
        return f"SELECT count(*), sum({number}) FROM {name}"


def _same(name: str, types: str | tuple[str, str], value: str | tuple[str, str]) -> Column:
    both = (types, types) if isinstance(types, str) else types
    values = (value, value) if isinstance(value, str) else value
    return Column(name, both, values, (f"{name}::text", name))


def _moment(name: str, types: tuple[str, str], value: tuple[str, str]) -> Column:
    texts = (f"to_char({name}, 'YYYY-MM-DD HH24:MI:SS.US')", f"date_format({name}, '%Y-%m-%d %H:%i:%s.%f')")
    return Column(name, types, value, texts)


_CREATED_AT = _moment(
    "created_at",
    ("timestamp", "datetime(6)"),
    (
        "timestamp '2026-01-01' + i * interval '1 second'",
        "timestamp('2026-01-01') + INTERVAL i SECOND",
    ),
)
NARROW = SharedTable(
    "narrow",
    (
        _same("id", "integer NOT NULL", "i"),
        _same("customer_id", "integer", ("i * 7919::bigint % 100003", "i * 7919 % 100003")),
        _same(
            "amount",
            "numeric(12, 2)",
            ("(i * 104729::bigint % 1000000) / 100.0", "(i * 104729 % 1000000) / 100"),
        ),
        _same(
            "note",
            "varchar(40)",
            ("'order ' || left(md5(i::text), 16)", "concat('order ', left(md5(i), 16))"),
        ),
        _CREATED_AT,
    ),
)
WIDE = SharedTable(
    "wide",
    (
        _same("id", "bigint NOT NULL", "i"),
        _same("quantity", "integer", ("i * 7919::bigint % 100003", "i * 7919 % 100003")),
        _same("priority", "smallint", "i % 10"),
        _same("stock", "bigint", ("i * 1000003::bigint", "i * 1000003")),
        _same(
            "price",
            "numeric(14, 4)",
            ("(i * 104729::bigint % 100000000) / 10000.0", "(i * 104729 % 100000000) / 10000"),
        ),
        _same("discount", "numeric(5, 2)", ("(i % 9999) / 100.0", "(i % 9999) / 100")),
        _same("score", ("double precision", "double"), ("i / 8.0", "i / 8e0")),
        _same("active", "smallint", "i % 3"),
        _same("code", "char(8)", ("left(md5(i::text), 8)", "left(md5(i), 8)")),
        _same("name", "varchar(60)", ("'customer number ' || i", "concat('customer number ', i)")),
        _same(
            "comment",
            "text",
            (
                "CASE WHEN i % 3 > 0 THEN repeat(md5(i::text), 2) END",
                "CASE WHEN i % 3 > 0 THEN repeat(md5(i), 2) END",
            ),
        ),
        _same("day", "date", ("date '2020-01-01' + i % 3000", "date '2020-01-01' + INTERVAL (i % 3000) DAY")),
        _CREATED_AT,
        _moment(
            "updated_at",
            ("timestamp", "datetime(6)"),
            (
                "timestamp '2020-01-01' + i * interval '1 second' + i % 1000000 * interval '1 microsecond'",
                "timestamp('2020-01-01') + INTERVAL i SECOND + INTERVAL (i % 1000000) MICROSECOND",
            ),
        ),
        _same("seconds", "integer", "i % 86400"),
        _same(
            "reference",
            "char(36)",
            (
                "md5(i::text)::uuid::text",
                "insert(insert(insert(insert(md5(i), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')",
            ),
        ),
        _same(
            "payload",
            "text",
            ("'{\"n\": ' || i || ', \"ok\": true}'", "concat('{\"n\": ', i, ', \"ok\": true}')"),
        ),
        Column(
            "raw",
            ("bytea", "varbinary(16)"),
            ("decode(md5(i::text), 'hex')", "unhex(md5(i))"),
            ("encode(raw, 'hex')", "lower(hex(raw))"),
        ),
        _same(
            "address",
            "varchar(45)",
            ("'10.0.' || i % 250 || '.' || i % 200", "concat('10.0.', i % 250, '.', i % 200)"),
        ),
        _same(
            "email",
            "text",
            (
                "'user' || i || E'@example.com\\t' || chr(228)",
                "concat('user', i, '@example.com\\t', _utf8mb4 0xC3A4)",
            ),
        ),
    ),
)


def create_shared(server: Server, mariadb: MariaDB, table: SharedTable, name: str, rows: int) -> None:
    """Create a filled table with its primary key in the database ``source`` of both servers."""
    server.execute(
        "source",
        table.create(0, name),
        table.fill(0, name, rows),
        f"ALTER TABLE {name} ADD PRIMARY KEY ({table.key})",
        f"VACUUM (FREEZE, ANALYZE) {name}",
    )
    mariadb.execute(
        "source", table.create(1, name, key=True), table.fill(1, name, rows), f"ANALYZE TABLE {name}"
    )
