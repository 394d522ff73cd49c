"""The plan of a transfer operator's next attempt, from its arguments and its connections."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow_checkpoint_provider.engine.databases.limits import Limits
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, AS_OF, Attempt, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError, one_line
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import End, LoadPlan, Problem
from airflow_checkpoint_provider.engine.transfer.planning.planner import plan_load
from airflow_checkpoint_provider.hooks.databases import database_for_plan
from airflow_checkpoint_provider.hooks.settings import auto_create
from airflow_checkpoint_provider.operators.arguments import TEMPLATED, is_literal, rendered
from airflow_checkpoint_provider.operators.identity import describe_attempt, identify

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
    from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

COMING = "the run that begins now"


def plan_of(
    operator: CheckpointedTransferOperator,
    context: Context | None,
    *,
    seconds: float | None = None,
    team: str | None = None,
    assumed: frozenset[str] = frozenset(),
) -> LoadPlan:
    """
    Plan the attempt that would begin now.

    :param context: of the task instance, whose templates are rendered; ``None`` for the first attempt of a new run
    :param seconds: how long each database may take for a statement, ``None`` for no limit
    :param team: outside of tasks, the team whose connections they are
    :param assumed: parts of the load's fingerprint that are taken as unchanged since the last attempt
    """
    ends = {"source": operator.source_conn_id, "destination": operator.destination_conn_id}
    try:
        if context is None:
            _refuse_templates(operator)
        spec = rendered(operator, context or {}, auto_create())
        identity, attempt = _who(operator, context, spec)
    except CheckpointError as error:
        found = {name: End(str(conn_id)) for name, conn_id in ends.items()}
        return LoadPlan(**found, problems=(Problem("arguments", one_line(error)),))  # type: ignore[arg-type]
    limits = Limits(connect=seconds, statement=seconds) if seconds else None
    database = partial(database_for_plan, team=team, limits=limits)
    databases = (
        database(operator.source_conn_id, "source_conn_id", operator.source_hook_params),
        database(operator.destination_conn_id, "destination_conn_id", operator.destination_hook_params),
        database(operator.checkpoint_conn_id, "checkpoint_conn_id")
        if spec.separate_checkpoint and operator.checkpoint_conn_id
        else None,
    )
    if operator.as_of_task_id:  # the moment that the load shares with others is known in a run
        assumed |= {AS_OF}
    return plan_load(spec, databases, identity, attempt, assumed=assumed)


def _refuse_templates(operator: CheckpointedTransferOperator) -> None:
    for name in TEMPLATED:
        if not is_literal(getattr(operator, name)):
            raise ArgumentError(
                f"{name}: it is a template or another task's output, which is known in a run. Use `airflow checkpoint "
                "plan`, which renders it, or pass the context of a task instance."
            )


def _who(
    operator: CheckpointedTransferOperator, context: Context | None, spec: TransferSpec
) -> tuple[Identity, Attempt]:
    if context is not None:
        identity = identify(context, spec.scope, spec.checkpoint_name, kept=spec.keeps_checkpoint)
        return identity, describe_attempt(context, operator.retries)
    run_id = ALL_RUNS if spec.scope == "task" else COMING
    dag = operator.get_dag()
    name = spec.checkpoint_name or ""
    retries = operator.retries or 0
    attempt = Attempt(COMING, datetime.now(UTC), 1, retries, retries, 0, "plan")
    return Identity(dag.dag_id if dag else "", operator.task_id, run_id, -1, name), attempt
