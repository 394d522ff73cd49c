"""What Airflow knows of the attempts that checkpoints believe to be running: a killed process cannot tell."""

from __future__ import annotations

from collections.abc import Iterable

from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import and_, or_, select

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status

_AT_WORK = (TaskInstanceState.RUNNING, TaskInstanceState.DEFERRED, TaskInstanceState.RESTARTING)


def interrupted(checkpoints: Iterable[Checkpoint]) -> dict[Identity, str]:
    """Return those whose attempt is over, with the state of the task instance now."""
    running = [checkpoint for checkpoint in checkpoints if checkpoint.status is Status.RUNNING]
    if not running:
        return {}
    model = TaskInstance
    these = or_(
        *(
            and_(
                model.dag_id == checkpoint.identity.dag_id,
                model.task_id == checkpoint.identity.task_id,
                model.run_id == checkpoint.run_id,
                model.map_index == checkpoint.identity.map_index,
            )
            for checkpoint in running
        )
    )
    columns = (model.dag_id, model.task_id, model.run_id, model.map_index, model.state)
    with create_session() as session:
        states = {tuple(row[:4]): row.state for row in session.execute(select(*columns).where(these))}
    found = {}
    for checkpoint in running:
        identity = checkpoint.identity
        key = (identity.dag_id, identity.task_id, checkpoint.run_id, identity.map_index)
        state = states.get(key, TaskInstanceState.REMOVED)
        if state not in _AT_WORK:
            found[identity] = str(state.value if isinstance(state, TaskInstanceState) else state or "none")
    return found
