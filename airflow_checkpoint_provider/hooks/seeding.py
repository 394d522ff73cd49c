"""Setting the first position of a load, from Airflow connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import MetadataTableError
from airflow_checkpoint_provider.engine.model.status import STORED, Status
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.hooks.settings import auto_create

if TYPE_CHECKING:
    from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook


def seed_checkpoint(
    identity: Identity,
    *,
    checkpoint_conn_id: str,
    team: str | None,
    destination_conn_id: str | None,
    source_conn_id: str,
    hook_params: Sequence[dict[str, Any] | None],
    seed: Mapping[str, Any],
    arguments: Mapping[str, Any],
    has_rows_processor: bool,
) -> Checkpoint:
    """
    Check a position against the source, and store it.

    :param team: the team of the connections; ``None`` for those of no team
    :param hook_params: of the source's hook, and of the destination's
    :param seed: the position, as ``Seed`` has it
    :param arguments: of the task, as ``TransferSpec`` has them
    :param has_rows_processor: whether the task has one, which is not called
    """
    # Here, so that parsing a DAG that only lists checkpoints does not pay for it.
    from airflow_checkpoint_provider.engine.admin.seeding import Seed, plant
    from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec

    spec = TransferSpec(
        **arguments,
        rows_processor=_unchanged if has_rows_processor else None,
        scope="task" if identity.run_id == ALL_RUNS else "run",
        auto_create=auto_create(),
    )
    destination = destination_conn_id or checkpoint_conn_id
    return plant(
        Seed(**seed),
        spec,
        source=open_database(source_conn_id, "source_conn_id", hook_params[0], team),
        destination=open_database(destination, "destination_conn_id", hook_params[1], team),
        keeper=open_database(checkpoint_conn_id, "checkpoint_conn_id", team=team),
        identity=identity,
    )


def other_scope(hook: CheckpointHook, identity: Identity) -> str | None:
    """
    Return why the next attempt may not read a checkpoint that is about to be seeded, or ``None``.

    The reason is the checkpoint that an attempt of the task moved last, if it spans runs where the seed does not, or
    the other way round.
    """
    begun = [status.value for status in STORED if status is not Status.SEEDED]
    try:
        moved = hook.list(
            dag_id=identity.dag_id, task_id=identity.task_id, status=begun, order_by="-updated_at", limit=1
        )
    except MetadataTableError:  # the seed creates the table
        return None
    if not moved or (moved[0].identity.run_id == ALL_RUNS) == (identity.run_id == ALL_RUNS):
        return None
    had, needed = ("run", "task") if identity.run_id == ALL_RUNS else ("task", "run")
    return (
        f"The last attempt of {identity.dag_id}.{identity.task_id} had scope={had!r}, and kept the checkpoint of "
        f"{moved[0].identity}. With that scope, the next one does not read the seed; it needs scope={needed!r}."
    )


def _unchanged(rows: Sequence[Any]) -> Sequence[Any]:
    return rows
