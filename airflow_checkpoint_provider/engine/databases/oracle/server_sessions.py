"""The sessions of an Oracle instance."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.oracle.errors import error_code
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import (
    LONGEST_STATEMENT,
    MOST_SESSIONS,
    ServerSession,
)
from airflow_checkpoint_provider.engine.model.errors import CheckpointError

# A session that waits in its transaction for its client has no statement of its own any more, but a last one.
_SESSIONS = """
SELECT s.sid, s.username, s.machine,
       CASE WHEN s.username = SYS_CONTEXT('USERENV', 'SESSION_USER') THEN 1 ELSE 0 END,
       s.status, s.event, s.last_call_et, q.sql_text, s.blocking_session
FROM v$session s LEFT JOIN v$sqlarea q ON q.sql_id = COALESCE(s.sql_id, s.prev_sql_id)
WHERE s.type = 'USER' AND s.sid <> TO_NUMBER(SYS_CONTEXT('USERENV', 'SID'))
  AND (s.status = 'ACTIVE' OR s.taddr IS NOT NULL)
ORDER BY s.sid
"""
_NOT_SEEN = frozenset((942, 1031))


def server_sessions(connection: sa.Connection) -> list[ServerSession]:
    """
    Return the sessions of users that are at work, or in a transaction.

    :raises CheckpointError: when the user may not read them; names the right
    """
    try:
        found = connection.exec_driver_sql(_SESSIONS).fetchmany(MOST_SESSIONS)
    except sa.exc.DBAPIError as error:
        if error_code(error.orig) not in _NOT_SEEN:
            raise
        raise CheckpointError(
            "The user of this connection may not see the sessions of the instance: GRANT SELECT ON v_$session and on "
            "v_$sqlarea to it."
        ) from error
    return [
        ServerSession(
            id=str(sid),
            who=f"{user} from {machine}",
            own=bool(own),
            state=", ".join(filter(None, (status, event))),
            seconds=None if seconds is None else float(seconds),
            statement=(statement or "")[:LONGEST_STATEMENT],
            waits_for=(str(blocker),) if blocker is not None else (),
        )
        for sid, user, machine, own, status, event, seconds, statement, blocker in found
    ]
