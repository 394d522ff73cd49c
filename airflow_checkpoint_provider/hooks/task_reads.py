"""What a task reads, from Airflow's own data: its rendered fields, and its serialized DAG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, one_line
from airflow_checkpoint_provider.hooks.serialized import expanded_over, given_to, is_mapped, operator_of

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.lag import TaskReads

FIELDS = (
    "source_conn_id",
    "sql",
    "source_table",
    "columns",
    "where",
    "parameters",
    "checkpoint_column",
)
"""The arguments of a task that decide what it reads."""
_HIDDEN = "***"
_INSTEAD = "Give source_conn_id, and sql or source_table, as the task has them"
_CUT = "Truncated. You can change this behaviour"


def reads_of(checkpoint: Checkpoint) -> TaskReads:
    """
    Return what the task of a checkpoint reads, as Airflow has rendered it for the last attempt.

    :raises ArgumentError: when Airflow does not have that, or not whole, or cannot be asked, as in a task
    """
    from airflow_checkpoint_provider.engine.admin.lag import TaskReads

    identity = checkpoint.identity
    try:
        # Here, so that a task which gives the arguments does not import Airflow's tables.
        from airflow_checkpoint_provider.hooks.airflow_internals.rendered import rendered_of
        from airflow_checkpoint_provider.hooks.instances import instance_of

        fields = rendered_of(instance_of(checkpoint))
    except Exception as error:  # Airflow raises various ones where its tables may not be read
        raise ArgumentError(
            f"What {identity.dag_id}.{identity.task_id} reads cannot be read here ({one_line(error)}). {_INSTEAD}."
        ) from error
    if not fields or not fields.get("source_conn_id"):
        raise ArgumentError(
            f"Airflow does not have what the last attempt of {identity} has read: it keeps the rendered fields of the "
            f"last runs alone ([core] max_num_rendered_ti_fields_per_task). {_INSTEAD}."
        )
    given: dict[str, Any] = {name: fields.get(name) for name in FIELDS}
    for name, value in given.items():
        if is_cut(value):
            raise ArgumentError(
                f"{name}: Airflow keeps only the beginning of it ([core] max_templated_field_length). {_INSTEAD}."
            )
        if has_secret(value):
            raise ArgumentError(
                f"{name}: Airflow has replaced a secret in it, or a word that is also one, by {_HIDDEN}. {_INSTEAD}."
            )
    return TaskReads(**given)


def is_cut(value: Any) -> bool:
    """Return whether Airflow has kept only the beginning of a rendered argument."""
    return any(text.startswith(_CUT) for text in _texts_in(value))


def has_secret(value: Any) -> bool:
    """Return whether Airflow has replaced a secret in a rendered argument."""
    return any(_HIDDEN in text for text in _texts_in(value))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in (*value, *value.values()):
            yield from _texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts_in(each)


def refuse_hook_params(checkpoint: Checkpoint) -> None:
    """
    Refuse a task whose source is opened with parameters that only the task has.

    :raises ArgumentError: when it has some, or that is not known
    """
    from airflow_checkpoint_provider.hooks.airflow_internals.tables import serialized_dag

    identity = checkpoint.identity
    has_some = has_hook_params(serialized_dag(identity.dag_id) or {}, identity.task_id)
    if has_some is not False:
        why = "Whether the task has some is not known" if has_some is None else "The task has some"
        raise ArgumentError(
            f"source_hook_params: {why}, and without them its source may be another one. Give them as the task has "
            "them; {} for none."
        )


def has_hook_params(dag: Mapping[str, Any], task_id: str) -> bool | None:
    """
    Return whether a transfer in a serialized DAG has ``source_hook_params``.

    :return: ``None`` where the DAG has no such task, or its instances may differ
    """
    operator = operator_of(dag, task_id)
    if operator is None or expanded_over(operator, "source_hook_params"):
        return None
    if is_mapped(operator):
        return bool(given_to(operator).get("source_hook_params"))
    known = operator.get("has_source_hook_params")
    return known if isinstance(known, bool) else None
