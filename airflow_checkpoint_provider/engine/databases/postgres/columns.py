"""What the types of a query's columns mean for the route of their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.values.structures import with_parts
from airflow_checkpoint_provider.engine.databases.postgres.values.types import FIRST_OWN_OID, PostgresType

_WHOLE = ("int2", "int4", "int8", "oid")
# Types whose values are equal in Python exactly where they are equal for the server.
_AS_PYTHON = frozenset(
    (
        *_WHOLE,
        "bool",
        "bytea",
        "float4",
        "float8",
        "numeric",
        "uuid",
        "date",
        "time",
        "timestamp",
        "timestamptz",
    )
)
# Types whose Python value holds all that the server sent.
_EXACT = _AS_PYTHON | {"text", "varchar", "bpchar", "name", "timetz"}
# Types whose Python value loses something, or cannot be written back: months are 30 days, numbers are floats.
_INEXACT = frozenset(("json", "jsonb", "interval", "_json", "_jsonb", "_interval"))
_MOMENTS = frozenset(("date", "time", "timetz", "timestamp", "timestamptz"))
_TEXT = frozenset(("text", "varchar", "name"))
# Types whose Python values are whole numbers, text and bytes.
_PLAIN = frozenset((*_WHOLE, "text", "varchar", "bpchar", "name", "bytea"))
_NO_TEXT = frozenset((*_WHOLE, "bytea", "numeric", "date", "timestamp"))
# Types whose binary form is the same on every server, whatever its settings and its catalog. For others (the number of
# a table in a regclass, the digits of money) that is not known, and they travel as text.
_PORTABLE_BASES = frozenset(
    (
        *_EXACT,
        *("interval", "json", "jsonb", "bit", "varbit", "char", "tsvector", "tsquery", "pg_lsn", "xid8"),
        *("inet", "cidr", "macaddr", "macaddr8", "point", "lseg", "box", "path", "polygon", "line", "circle"),
    )
)
_PORTABLE_RANGES = frozenset(
    f"{of}{kind}" for of in ("int4", "int8", "num", "ts", "tstz", "date") for kind in ("range", "multirange")
)
_PORTABLE = _PORTABLE_BASES | _PORTABLE_RANGES
# Types that the server writes without their XML declaration; by a cast to text it is kept.
_WHOLE_BY_CAST = {"xml": "text", "_xml": "text[]"}
_SHORT = 256  # characters


@dataclass(frozen=True, slots=True)
class PostgresColumn:
    """
    A column of a query.

    :param index: its place in a row
    :param oid: of its type
    :param kind: the type's name in the catalog
    :param type_: the type, as SQL names it
    :param precision: the digits of a ``numeric`` that is declared with some
    :param modifier: the server's form of the declared length or precision, -1 for none or unknown
    :param as_text: its values are read as the server's text
    :param is_short: its values cannot be long, by its type or its declaration
    :param family: the catalog's ``typtype``
    :param made_of: the parts of a type that is not built in, by names
    """

    name: str
    index: int
    oid: int
    kind: str
    type_: str
    precision: int | None
    modifier: int
    as_text: bool
    is_short: bool
    family: str = "b"
    made_of: tuple[Any, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether its type is not built in, so that another server may have a different one, or none."""
        return self.oid >= FIRST_OWN_OID

    @property
    def compares_as_python(self) -> bool:
        """Whether its values are equal in Python exactly where they are for the server, whatever the collation."""
        return self.kind in _AS_PYTHON

    @property
    def is_text(self) -> bool:
        """Whether its values compare as Python's do under a deterministic collation."""
        return self.kind in _TEXT

    @property
    def is_moment(self) -> bool:
        """Whether the range of Python's type is smaller than the server's."""
        return self.kind in _MOMENTS

    @property
    def cast(self) -> str | None:
        """The type to which it is cast, where the server's own text of it leaves something out."""
        return None if self.is_own else _WHOLE_BY_CAST.get(self.kind)

    @property
    def hides_xml(self) -> bool:
        """Whether XML is a part of its type, which the server writes without its declaration."""
        return self.is_own and _has_xml(self.made_of)

    @property
    def is_limited(self) -> bool:
        """Whether Python has no value for some of its values: for a day out of range, or an array with bounds."""
        return self.is_moment or self.kind.startswith("_")

    @property
    def is_exact(self) -> bool:
        """Whether a value is the same in Python, read as binary or as text."""
        return self.kind in _EXACT and not self.is_own

    @property
    def is_portable(self) -> bool:
        """Whether the binary form of its type is the same on every server."""
        return self.kind.removeprefix("_") in _PORTABLE and not self.is_own

    @property
    def holds_text(self) -> bool:
        """Whether its plain values are text that is not that of a number, a date or a timestamp."""
        return self.is_own or self.kind not in _NO_TEXT

    @property
    def is_plain(self) -> bool:
        """Whether its Python values are whole numbers, text or bytes."""
        return self.as_text or (self.kind in _PLAIN and not self.is_own)


def why_not_whole(columns: Iterable[PostgresColumn]) -> str | None:
    """Return why the values of a query would not arrive as a whole, if so."""
    name = next((column.name for column in columns if column.hides_xml), None)
    return name and (
        f"XML is a part of the type of {name}, and Postgres writes that without its XML declaration. Have the query "
        f"return the parts as columns, such as ({name}).part AS part."
    )


def _has_xml(parts: tuple[Any, ...]) -> bool:
    return any(kind in _WHOLE_BY_CAST or _has_xml(made_of) for kind, _, _, made_of in parts)


def describe_columns(raw: Any, description: Sequence[Any], *, exact: bool) -> dict[str, PostgresColumn]:
    """
    Read the types of a query's columns from the catalog.

    :param raw: the psycopg connection
    :param description: the cursor's
    :param exact: read values that Python's types may change as the server's text
    """
    with raw.cursor() as cursor:
        cursor.execute(
            "SELECT oid, format_type(oid, -1), typname, typnamespace = 'pg_catalog'::regnamespace, typtype::text"
            " FROM pg_type WHERE oid = ANY(%s)",
            [list({column.type_code for column in description})],
        )
        types = {oid: rest for oid, *rest in cursor.fetchall()}
    own = [PostgresType(oid, "", "", -1, "") for oid in types if oid >= FIRST_OWN_OID]
    made_of = {type_.oid: type_.made_of for type_ in with_parts(raw, own)}
    columns = {}
    for index, column in enumerate(description):
        type_, kind, builtin, family = types[column.type_code]
        as_text = kind in _INEXACT or (exact and not (builtin and kind in _EXACT))
        modifier = getattr(column, "_fmod", -1)
        columns[column.name] = PostgresColumn(
            column.name,
            index,
            column.type_code,
            kind,
            type_,
            column.precision,
            modifier,
            as_text,
            bool(column.internal_size) or kind == "numeric" or 0 <= modifier <= _SHORT,
            family,
            made_of.get(column.type_code, ()),
        )
    return columns
