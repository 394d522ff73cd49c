"""Digests of rows, the same in every process, for the proof that the source has not shifted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any


def row_digest(row: Sequence[Any], before: str = "") -> str:
    """Digest one row; with ``before``, chained to the digest of all rows before it."""
    state = blake2b(before.encode(), digest_size=16)
    for value in row:
        data = _as_bytes(value)
        # With its length, so that ("ab", "c") and ("a", "bc") differ.
        state.update(f"{type(value).__name__}:{len(data)}:".encode())
        state.update(data)
    return state.hexdigest()


def chain_digest(rows: Iterable[Sequence[Any]], before: str) -> str:
    """Return the running digest of all rows, continued over ``rows``."""
    for row in rows:
        before = row_digest(row, before)
    return before


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, datetime) and value.tzinfo:
        value -= datetime(1970, 1, 1, tzinfo=UTC)  # the zone it is shown in depends on the session
    return repr(value).encode("utf-8", "surrogatepass")
