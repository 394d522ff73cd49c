"""The statements that fill the metadata tables with many checkpoints, three events each."""

from __future__ import annotations

_COLUMNS = (
    "dag_id, task_id, run_id, map_index, status, strategy, key_columns, position, lower_bound, upper_bound, "
    "rows_read, rows_written, batches, nulls_done, fence, restarting, forced, request_seen, current_run_id, "
    "try_number, max_tries, task_retries, clear_number, owner, fingerprint, source_conn_id, destination_conn_id, "
    "destination_table, created_at, started_at, updated_at, committed_at, format_version"
)
# A hundred DAGs of five tasks; every hundredth load has failed, and ten are under way, of which half are stalled.
_VALUES = (
    "'dag_' || (n % 100), 'task_' || (n % 5), 'run_' || n, -1, "
    "CASE WHEN n < 10 THEN 'running' WHEN n % 10000 - n % 100 = 700 THEN 'failed' ELSE 'completed' END, "
    "'key', '[\"id\"]', "
    '\'[["int","900"]]\', \'[["int","1"]]\', \'[["int","1000"]]\', 0, n, 9, 0, 1, 0, 0, 0, \'run_\' || n, 1, 3, 3, '
    '0, \'host pid 1\', \'{{"query": "SELECT * FROM sales WHERE sale_date = 20260301", "table": "sales"}}\', \'erp\', '
    "'target', 'dwh.sales_' || (n % 100), {moment}, {moment}, {moment}, {moment}, 2"
)
_EVENT_COLUMNS = "dag_id, task_id, run_id, map_index, kind, recorded_at, who, try_number, rows_written"
_EVENT_VALUES = (
    "'dag_' || (n % 100), 'task_' || (n % 5), 'run_' || n, -1, {kind}, {moment}, 'host pid 1', 1, n"
)
# One request of each thousandth checkpoint that was followed, and five that were not.
_KIND = (
    "CASE WHEN k = 1 AND n % 1000 = 7 THEN 'reload_requested'"
    " ELSE CASE k WHEN 0 THEN 'started' WHEN 1 THEN 'progress' ELSE 'completed' END END"
)
_TIMES = "(SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2) AS times"
_SEEN = (
    "UPDATE airflow_checkpoint SET request_seen = 1000000000 WHERE run_id LIKE '%7' AND rows_written > 5000"
)


def _statements(numbers: str, times: str, moment: str) -> tuple[str, str]:
    checkpoints = _VALUES.replace("{moment}", moment)
    events = _EVENT_VALUES.replace("{moment}", moment).replace("{kind}", _KIND)
    return (
        f"INSERT INTO airflow_checkpoint ({_COLUMNS}) SELECT {checkpoints} FROM {numbers}",
        f"INSERT INTO airflow_checkpoint_event ({_EVENT_COLUMNS}) SELECT {events} FROM {numbers}, {times}",
    )


POSTGRES = (
    "SET synchronous_commit = off",
    *_statements(
        "generate_series(0, {rows} - 1) AS n",
        "generate_series(0, 2) AS k",
        "now() - CASE WHEN n < 5 THEN interval '1 second' ELSE n * interval '7 seconds' + interval '1 hour' END",
    ),
    _SEEN,
    "VACUUM ANALYZE airflow_checkpoint",
    "VACUUM ANALYZE airflow_checkpoint_event",
)
MARIADB = (
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')",
    *_statements(
        "(SELECT seq - 1 AS n FROM seq_1_to_{rows}) AS numbers",
        _TIMES,
        "utc_timestamp(6) - INTERVAL CASE WHEN n < 5 THEN 1 ELSE n * 7 + 3600 END SECOND",
    ),
    _SEEN,
    "ANALYZE TABLE airflow_checkpoint, airflow_checkpoint_event",
)
_COUNT = (
    "(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {rows} - 1) SELECT n FROM c)"
)
SQLITE = (
    "PRAGMA synchronous = OFF",
    "BEGIN",
    *_statements(
        _COUNT,
        _TIMES,
        "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (CASE WHEN n < 5 THEN 1 ELSE n * 7 + 3600 END) || ' seconds')",
    ),
    _SEEN,
    "COMMIT",
)
