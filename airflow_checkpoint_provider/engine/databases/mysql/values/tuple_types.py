"""What the written columns read in a tuple of an INSERT."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.mysql.values.number_values import INTEGERS
from airflow_checkpoint_provider.engine.databases.mysql.values.text_values import BLOBS, MAX_BYTES
from airflow_checkpoint_provider.engine.databases.rows.tuples import TupleKind, TupleType

_MOST_BYTES = 4  # of a character, in any character set


def tuple_type(facts: ColumnFacts, *, in_key: bool) -> TupleType | None:
    """
    Return what a column reads, or ``None`` where the server could change the value.

    :param in_key: the column is part of the conflict key
    """
    kind = facts.kind
    needed = in_key or facts.takes_no_null
    if kind in ("double", "real", "float") and facts.scale is not None:  # the server rounds to it
        return None
    if kind in ("decimal", "numeric"):
        return TupleType(TupleKind.NUMBER, facts.scale or 0, needed=needed)
    if kind in ("varchar", "char"):
        known = TupleKind.PADDED if kind == "char" else TupleKind.TEXT
        return TupleType(known, facts.length, needed=needed)
    if kind in MAX_BYTES:
        return TupleType(TupleKind.TEXT, MAX_BYTES[kind] // _MOST_BYTES, needed=needed)
    if kind in ("datetime", "timestamp", "time"):
        known = TupleKind.TIME if kind == "time" else TupleKind.MOMENT
        return TupleType(known, facts.fraction, needed=needed)
    if kind == "binary":
        return TupleType(TupleKind.BYTES, least=facts.length or 1, needed=needed)
    if kind == "enum":
        return TupleType(TupleKind.LISTED, listed=tuple(facts.listed), needed=needed)
    return TupleType(_KINDS[kind], needed=needed) if kind in _KINDS else None


_KINDS = {
    **dict.fromkeys(INTEGERS, TupleKind.WHOLE),
    **dict.fromkeys(BLOBS, TupleKind.BYTES),
    "bit": TupleKind.BITS,
    "double": TupleKind.DOUBLE,
    "real": TupleKind.DOUBLE,
    "float": TupleKind.SINGLE,
    "longtext": TupleKind.TEXT,
    "date": TupleKind.DAY,
    "year": TupleKind.YEAR,
    "uuid": TupleKind.UUID,
}
