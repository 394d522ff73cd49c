"""The sessions of a server of MySQL or MariaDB."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.mysql.drivers import is_mariadb
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import (
    LONGEST_STATEMENT,
    MOST_SESSIONS,
    ServerSession,
)

_SESSIONS = sa.text(
    """
    SELECT p.ID, p.USER, p.HOST, p.USER = SUBSTRING_INDEX(CURRENT_USER(), '@', 1),
           CONCAT_WS(', ', p.COMMAND, NULLIF(p.STATE, '')), p.TIME, LEFT(COALESCE(p.INFO, ''), :longest)
    FROM information_schema.PROCESSLIST p
    WHERE p.ID <> CONNECTION_ID() AND (p.COMMAND <> 'Sleep' OR p.ID IN :holders)
    ORDER BY p.ID LIMIT :most
    """
).bindparams(sa.bindparam("holders", expanding=True))
_WAITS = (
    "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id FROM {waits} w"
    " JOIN information_schema.INNODB_TRX r ON r.trx_id = w.{requesting}"
    " JOIN information_schema.INNODB_TRX b ON b.trx_id = w.{blocking}"
)
_WAITS_OF_MYSQL = _WAITS.format(
    waits="performance_schema.data_lock_waits",
    requesting="REQUESTING_ENGINE_TRANSACTION_ID",
    blocking="BLOCKING_ENGINE_TRANSACTION_ID",
)
_WAITS_OF_MARIADB = _WAITS.format(
    waits="information_schema.INNODB_LOCK_WAITS",
    requesting="requesting_trx_id",
    blocking="blocking_trx_id",
)
_TRANSACTIONS = "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX"


def server_sessions(connection: sa.Connection) -> list[ServerSession]:
    """
    Return the sessions that are at work, or in a transaction; without the right PROCESS, those of the user alone.

    The sessions that block another are known for rows of InnoDB; for a metadata lock, the state shows only the wait.
    """
    waits: dict[int, set[int]] = defaultdict(set)
    holders = [-1]  # MySQL takes no empty IN
    if (transactions := _threads_in_transactions(connection)) is not None:
        statement = _WAITS_OF_MARIADB if is_mariadb(connection) else _WAITS_OF_MYSQL
        for waiting, holding in connection.exec_driver_sql(statement).all():
            waits[waiting].add(holding)
        holders += transactions
    given = {"longest": LONGEST_STATEMENT, "most": MOST_SESSIONS, "holders": holders}
    return [
        ServerSession(
            id=str(thread),
            who=f"{user} from {host}",
            own=bool(own),
            state=state,
            seconds=None if seconds is None else float(seconds),
            statement=statement,
            waits_for=tuple(sorted(map(str, waits.get(thread, ())))),
        )
        for thread, user, host, own, state, seconds, statement in connection.execute(_SESSIONS, given).all()
    ]


def _threads_in_transactions(connection: sa.Connection) -> list[int] | None:
    """Return the threads in a transaction; ``None`` without the right to see them."""
    try:
        return [thread for (thread,) in connection.exec_driver_sql(_TRANSACTIONS).all()]
    except sa.exc.DBAPIError:
        return None
