"""The sessions of a server as they are now: who waits for whom, and which statement runs since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_STATEMENT = 2_000
MOST_SESSIONS = 500


@dataclass(frozen=True, slots=True)
class ServerSession:
    """
    A session that is at work, or in a transaction.

    :param id: as its server names it
    :param who: the user, and where it has connected from
    :param own: whether it belongs to the connection's user
    :param state: what it does, in the server's words
    :param seconds: since its statement, or its state, began
    :param statement: the statement that it runs, or has run last in its transaction; empty where that cannot be seen
    :param waits_for: the ids of the sessions that block it
    """

    id: str
    who: str
    own: bool
    state: str
    seconds: float | None
    statement: str
    waits_for: tuple[str, ...] = ()


def holding_up(sessions: Iterable[ServerSession]) -> list[ServerSession]:
    """
    Return the sessions that may explain a standstill: those that wait, those that block them, then the user's own.

    :param sessions: all that the server reports
    """
    found = list(sessions)
    holders = {one for session in found for one in session.waits_for}
    first = [session for session in found if session.waits_for or session.id in holders]
    rest = [session for session in found if session.own and session not in first]
    oldest_first = sorted(rest, key=lambda session: -(session.seconds or 0.0))
    return [
        *sorted(first, key=lambda session: (not session.waits_for, -(session.seconds or 0.0))),
        *oldest_first,
    ]
