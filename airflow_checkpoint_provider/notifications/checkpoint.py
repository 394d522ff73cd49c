"""Messages about a load for a chat: its task, its progress, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_checkpoint_provider.engine.model.errors import one_line, with_class
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.links.checkpoint import CheckpointLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
    from airflow_checkpoint_provider.engine.model.decision import Request

_LONGEST_ERROR = 300


class CheckpointNotifier(BaseNotifier):
    """
    Report a load to a chat, as ``on_failure_callback``, ``on_retry_callback`` or ``on_success_callback`` of a transfer.

    :param send: called with the message, as plain text of a few lines, to send it to the chat. Airflow logs an error
        that it raises
    :param text: stands in front of the message (templated)
    """

    template_fields: Sequence[str] = ("text",)

    def __init__(self, send: Callable[[str], Any], text: str = "") -> None:
        super().__init__()
        self.send = send
        self.text = text

    def notify(self, context: Context) -> None:
        """
        Send the message.

        :param context: that of the task instance
        """
        self.send("\n".join(filter(None, (self.text, message(context)))))


def message(context: Context) -> str:
    """
    Return the message about a load, a line each: its task, the error, its progress, the next attempt, and a link.

    Nothing is raised: where the database does not answer, the message has a line about that.

    :param context: that of a task instance of a transfer
    """
    ti, error = context["ti"], context.get("exception")
    what = f"{ti.dag_id}.{ti.task_id}"
    what += f" [{ti.map_index}]" if ti.map_index is not None and ti.map_index >= 0 else ""
    try:
        checkpoint, request = _look(context)
    except Exception as fault:  # a callback can report it to the chat only
        lines = [f"{what}, run {ti.run_id}: try {ti.try_number}", _told(error)]
        lines.append(f"Its progress is unknown: {_short(one_line(fault))}")
    else:
        state = _state(checkpoint)
        lines = [f"{what}, run {ti.run_id}: {state}, try {ti.try_number}"]
        lines += [
            _told(error or (checkpoint.last_error if checkpoint else None)),
            *_how_far(checkpoint, request),
        ]
    lines.append(CheckpointLink().get_link(context["task"], ti_key=ti))  # type: ignore[arg-type]
    return "\n".join(filter(None, lines))


def _look(context: Context) -> tuple[Checkpoint | None, Request | None]:
    """
    Return the checkpoint of a task instance, and the request to its next attempt.

    :raises ValueError: when the task is not a transfer, or the place of its checkpoint was not rendered
    """
    from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
    from airflow_checkpoint_provider.hooks.transfers import place_of
    from airflow_checkpoint_provider.operators.identity import identify

    task: Any = context["task"]
    names = ("destination_conn_id", "checkpoint_conn_id", "checkpoint_table")
    place = place_of({name: getattr(task, name, None) for name in names})
    if place is None:
        raise ValueError("the task does not name the connection of its checkpoint")
    who = identify(context, task.scope, task.checkpoint_name)
    hook = CheckpointHook(place.conn_id, place.table)
    checkpoint = hook.get(who.dag_id, who.task_id, who.run_id, who.map_index, who.name)
    return checkpoint, hook.pending_requests([checkpoint]).get(who) if checkpoint else None


def _state(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "no checkpoint"
    # A callback comes after the attempt: one that is stored as running did not record its end.
    return (Status.INTERRUPTED if checkpoint.status is Status.RUNNING else checkpoint.status).value


def _how_far(checkpoint: Checkpoint | None, request: Request | None) -> list[str]:
    from airflow_checkpoint_provider.engine.admin.outlook import outlook, where
    from airflow_checkpoint_provider.engine.model.position import fraction

    now = datetime.now(UTC)
    if checkpoint is None:
        return [outlook(None, request, now)]
    share = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
    done = f", {int(share * 100)}%" if share is not None and checkpoint.status is not Status.COMPLETED else ""
    status = Status.FAILED if checkpoint.status is Status.RUNNING else checkpoint.status
    return [
        f"{checkpoint.source_conn_id} to {checkpoint.destination_table} in {checkpoint.destination_conn_id}: "
        f"{where(checkpoint)}{done}",
        outlook(replace(checkpoint, status=status), request, now),
    ]


def _told(error: Any) -> str:
    if not error:
        return ""
    if isinstance(error, BaseException):
        return _short(with_class(error))
    return _short(str(error))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 3]}..."
