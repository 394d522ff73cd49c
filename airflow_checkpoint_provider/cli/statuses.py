"""The states of checkpoints as they are shown, by the time and Airflow's record of their attempts, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from airflow_checkpoint_provider.engine.admin.outlook import display_status
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import FILTERS, Status
from airflow_checkpoint_provider.hooks.instances import interrupted
from airflow_checkpoint_provider.hooks.settings import stalled_after

MOST_READ = 10_000
"""The newest checkpoints, which are searched for the states that no database can find."""
_UNFINISHED = (Status.RUNNING, Status.STALLED)


def shown_statuses(
    checkpoints: Sequence[Checkpoint], staged: Iterable[Identity], now: datetime
) -> dict[Identity, str]:
    """
    Return the state of each checkpoint, in one word.

    :param staged: the checkpoints whose rows are staged and not yet published
    """
    try:
        state_of = interrupted(checkpoints)
        over = {one.identity for one in checkpoints if state_of(one)}
    except SQLAlchemyError:  # Airflow's metadata database does not answer, or is not there
        over = set()
    shown = {one.identity: display_status(one, now, stalled_after()).value for one in checkpoints}
    shown |= dict.fromkeys(staged, Status.STAGED.value)
    return shown | dict.fromkeys(over, Status.INTERRUPTED.value)


def is_among(status: str, wanted: Iterable[str]) -> bool:
    """Return whether a state is wanted; a staged load is completed, too."""
    return status in wanted or (status == Status.STAGED and Status.COMPLETED in wanted)


def stored_states(wanted: Iterable[str]) -> list[str]:
    """Return the states to query for the wanted ones; none where any row may match."""
    states = set(wanted)
    if Status.UNREADABLE in states:
        return []
    if Status.STAGED in states:
        states.add(Status.COMPLETED)
    # Only Airflow knows which of them were interrupted.
    return [
        state.value
        for state in FILTERS
        if state in states or (states & _KNOWN_TO_AIRFLOW and state in _UNFINISHED)
    ]


def most_read(wanted: Iterable[str], limit: int) -> int | None:
    """
    Return the number of rows to query, of which not all may be wanted.

    :param limit: the most rows that are shown
    :return: ``None`` for all of them
    """
    states = set(wanted)
    if states & {Status.STAGED, Status.UNREADABLE}:
        return max(limit, MOST_READ)
    return None if _KNOWN_TO_AIRFLOW & states else limit  # few are unfinished at a time


_KNOWN_TO_AIRFLOW = frozenset({Status.INTERRUPTED, *_UNFINISHED})
