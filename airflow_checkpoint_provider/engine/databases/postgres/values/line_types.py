"""What the written columns read in a line of COPY."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.postgres.values.destination_checks import FROM_TEXT
from airflow_checkpoint_provider.engine.databases.postgres.values.text_checks import CHECKS
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.rows.lines import LineKind, LineType

_KINDS = {
    **dict.fromkeys(("int2", "int4", "int8", "bool"), LineKind.WHOLE),
    "float8": LineKind.DOUBLE,
    "float4": LineKind.SINGLE,
    "bytea": LineKind.BYTES,
    "date": LineKind.DAY,
    "timestamp": LineKind.MOMENT,
    "timestamptz": LineKind.INSTANT,
    "time": LineKind.TIME,
}
_MOMENTS = frozenset(("timestamp", "timestamptz", "time"))
_ALL_DIGITS = 6  # of a second


def line_type(type_: PostgresType) -> LineType | None:
    """Return what a column reads, or ``None`` where the server could change the value."""
    kind = type_.kind
    if kind == "bpchar":
        return LineType(LineKind.PADDED)
    if kind in ("text", "varchar"):
        return LineType(LineKind.TEXT, type_.length)
    if kind == "numeric":
        if type_.modifier != -1 and (type_.scale is None or type_.scale < 0):
            return None
        return LineType(LineKind.NUMBER, type_.scale)
    if kind in _MOMENTS and type_.fraction < _ALL_DIGITS:
        return None
    if kind in _KINDS:
        return LineType(_KINDS[kind])
    whole = kind in FROM_TEXT and kind != "interval" and kind not in CHECKS
    return LineType(LineKind.TEXT) if whole or type_.family == "e" else None
