"""The marker in the task state store: left once in an attempt, and recorded in the checkpoint."""

from __future__ import annotations

from dataclasses import replace

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.task_state import MARKER, TaskState
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext


def leave_marker(context: AttemptContext, checkpoint: Checkpoint, decision: Decision) -> AttemptContext:
    """
    Leave the marker once the checkpoint is claimed, and record that it is there.

    :return: the context of the rest of the attempt, for which the earlier state of the marker no longer matters
    """
    leave = context.attempt.leave
    if not leave or not context.store.fence:
        return context
    left = leave(context.store.fence)
    # After a lost connection it is not left again: a clear may have removed it meanwhile.
    attempt = replace(context.attempt, state=TaskState.UNKNOWN, leave=None, has_marker=left)
    # A load that begins has its whole fingerprint written.
    if left and decision.action is Action.RESUME and MARKER not in checkpoint.fingerprint:
        context.store.note_marker(attempt.marked(checkpoint.fingerprint))
    return replace(context, attempt=attempt, load=context.load.marked_by(attempt))
