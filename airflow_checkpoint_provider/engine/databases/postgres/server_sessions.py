"""The sessions of a Postgres server."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.questions.server_sessions import (
    LONGEST_STATEMENT,
    MOST_SESSIONS,
    ServerSession,
)

# A user without pg_read_all_stats sees only that other users' sessions exist.
_SESSIONS = sa.text(
    """
    SELECT pid, coalesce(usename, ''), coalesce(host(client_addr), 'local'), coalesce(usename = current_user, false),
           concat_ws(', ', state, 'waits for ' || wait_event_type || ' ' || wait_event),
           extract(epoch FROM clock_timestamp() - CASE WHEN state = 'active' THEN query_start ELSE state_change END),
           left(coalesce(query, ''), :longest),
           pg_blocking_pids(pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS DISTINCT FROM 'idle'
    ORDER BY pid LIMIT :most
    """
)


def server_sessions(connection: sa.Connection) -> list[ServerSession]:
    """Return the sessions of this database that are at work, or in a transaction."""
    found = connection.execute(_SESSIONS, {"longest": LONGEST_STATEMENT, "most": MOST_SESSIONS})
    return [
        ServerSession(
            id=str(pid),
            who=f"{user} from {address}",
            own=own,
            state=state,
            seconds=None if seconds is None else float(seconds),
            statement=statement,
            waits_for=tuple(map(str, blockers or ())),
        )
        for pid, user, address, own, state, seconds, statement, blockers in found
    ]
