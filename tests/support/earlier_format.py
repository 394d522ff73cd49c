"""Metadata tables of the first format, with a checkpoint of every state, written by SQL."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.support.databases.db import Db

TABLES = ("airflow_checkpoint", "airflow_checkpoint_event", "airflow_checkpoint_reject")
SCRIPTS = {kind: kind for kind in ("sqlite", "mysql", "oracle", "generic")} | {"postgres": "postgresql"}
FOLDER = Path(__file__).parent / "format1"

FINGERPRINT = (
    '{"query": "SELECT * FROM t", "parameters": "", "source": "src", "destination": "dst", "table": "target",'
    ' "columns": "n into n", "strategy": "key", "key": "n"}'
)
# status, run, map index, position, upper bound, rows, restarting, last error
STATES = [
    ("running", "run_1", -1, 3, 9, 4, 0, None),
    ("failed", "run_2", -1, 3, 9, 4, 0, "it broke"),
    ("completed", "run_3", -1, 9, 9, 10, 0, None),
    ("running", "run_4", 0, None, 9, 0, 1, None),
    ("completed", "run_4", 1, 9, 9, 10, 0, None),
    ("seeded", "*", -1, 5, None, 0, 0, None),
]
HOURS = {status: hour for hour, status in enumerate(("running", "failed", "completed", "seeded"), 1)}


def statements(kind: str) -> list[str]:
    """Return the statements of the frozen script of a kind of database, or of the general path."""
    text = (FOLDER / f"{SCRIPTS[kind]}.sql").read_text()
    return [part.strip() for part in text.split(";\n") if part.strip()]


def make(db: Db, kind: str | None = None) -> None:
    """
    Create the tables and fill them.

    :param kind: of the script and of the times, if not the database's own
    """
    kind = kind or db.kind
    with closing(db.connect()) as connection:
        cursor = connection.cursor()
        for statement in [*statements(kind), *rows(kind)]:
            cursor.execute(statement)
        connection.commit()


def rows(kind: str) -> list[str]:
    """Return the INSERTs of the checkpoints of every state, each with a history, one with a rejected row."""
    made = []
    for number, (status, run, index, position, upper, count, restarting, error) in enumerate(STATES):
        now = _time(kind, HOURS[status])
        values = {
            **_identity(run, index),
            "status": _text(status),
            "strategy": "'key'",
            "key_columns": """'["n"]'""",
            "position": _key(position),
            "upper_bound": _key(upper),
            "rows_read": count,
            "rows_written": count,
            "batches": 1 if count else 0,
            "nulls_done": 0,
            "fence": 1,
            "restarting": restarting,
            "forced": 0,
            "request_seen": 0,
            "current_run_id": _text("run_9" if run == "*" else run),
            "current_run_after": _time(kind, 0),
            "try_number": 1,
            "max_tries": 3,
            "task_retries": 3,
            "clear_number": 0,
            "owner": "'test, try 1'",
            "fingerprint": _text(FINGERPRINT),
            "source_conn_id": "'src'",
            "destination_conn_id": "'dst'",
            "destination_table": "'target'",
            "created_at": now,
            "started_at": now,
            "updated_at": now,
            "completed_at": now if status == "completed" else "NULL",
            "last_error": _text(error),
            "format_version": 1,
        }
        made.append(_insert(TABLES[0], values))
        event = {**_identity(run, index), "kind": "'started'", "recorded_at": now, "who": "'test'"}
        own = {"id": number + 1} if kind == "generic" else {}
        made.append(_insert(TABLES[1], {**own, **event, "detail": "'No checkpoint: from the beginning'"}))
    reject = {
        **_identity("run_2", -1),
        "current_run_id": "'run_2'",
        "row_no": 2,
        "row_data": """'{"n": 1}'""",
        "error": "'it is odd'",
        "try_number": 1,
        "who": "'test'",
        "recorded_at": _time(kind, 2),
        **({"id": 1} if kind == "generic" else {}),
    }
    return [*made, _insert(TABLES[2], reject)]


def _identity(run: str, index: int) -> dict[str, object]:
    return {"dag_id": "'a_dag'", "task_id": "'a_task'", "run_id": _text(run), "map_index": index}


def _insert(table: str, values: dict[str, object]) -> str:
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(map(str, values.values()))})"


def _key(value: int | None) -> str:
    return "NULL" if value is None else f"""'[["int","{value}"]]'"""


def _text(value: str | None) -> str:
    return "NULL" if value is None else f"'{value}'"


def _time(kind: str, hour: int) -> str:
    if kind == "generic":
        return f"'2026-01-02T{hour:02}:00:00.000000+00:00'"
    written = f"'2026-01-02 {hour:02}:00:00.000000'"
    if kind == "postgres":
        return f"TIMESTAMPTZ '2026-01-02 {hour:02}:00:00+00'"
    return written if kind == "sqlite" else f"TIMESTAMP {written}"
