"""Whether the rows of an ended attempt agree with its checkpoint, both read in one snapshot."""

from __future__ import annotations

from typing import Any

import psycopg

from airflow_checkpoint_provider.engine.model.key import decode_key
from tests.chaos.cases import Case
from tests.chaos.tables import DIGEST, STAGES, See, Tables

_CHECKPOINT = (
    "SELECT status, rows_written, rows_read, position FROM airflow_checkpoint "
    "WHERE run_id = %s AND restarting = 0"
)
_REJECTED = "SELECT count(*) FROM airflow_checkpoint_reject WHERE run_id = %s"
_COUNT = "SELECT count(*), count(*) FILTER (WHERE note = 'stale') FROM {}"


def disagreement(tables: Tables, case: Case, run_id: str) -> str | None:
    """Return how the rows contradict the checkpoint, or ``None`` if they agree."""
    try:
        with tables.snapshot() as see:
            return _disagreement(tables, case, run_id, see)
    except psycopg.errors.UndefinedTable:  # a frozen attempt has just published and dropped its stage
        with tables.snapshot() as see:
            return _disagreement(tables, case, run_id, see)


def _disagreement(tables: Tables, case: Case, run_id: str, see: See) -> str | None:
    found = see(_CHECKPOINT, run_id)
    table = "target"
    if case.stages:
        completed = bool(found) and found[0][0] == "completed"
        if see(DIGEST.format(table)) != (tables.new if completed else tables.old):
            is_, rows = ("is", "new") if completed else ("is not", "old")
            return f"the load {is_} completed, and the table has not exactly its {rows} rows"
        if found and not completed:
            stages = see(STAGES)
            if len(stages) != 1:
                return f"{len(stages)} stages are there"
            ((table,),) = stages
    if not found:  # nothing has been emptied or written yet
        return None
    _, written, read, position = found[0]
    ((there, stale),) = see(_COUNT.format(table))
    if case.mode == "replace" and stale:
        return f"{stale} rows are left that replace has deleted"
    if there - stale != written:
        return f"the checkpoint says {written} rows, and {there - stale} are there"
    rejected = see(_REJECTED, run_id)[0][0] if case.rejects else 0
    passed = _rows_up_to(tables, case, read, position)
    if written + rejected != passed:
        return (
            f"{passed} rows are behind the checkpoint, of which {written} are there and {rejected} put aside"
        )
    return None


def _rows_up_to(tables: Tables, case: Case, read: int, position: Any) -> int:
    if not case.columns:
        return read
    return tables.rows_up_to(case.columns, decode_key(position)) if position else 0
