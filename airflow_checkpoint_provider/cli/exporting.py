"""``airflow checkpoint export-mapping``: loaded only when it is called."""

from __future__ import annotations

import re
import sys
from typing import Any

from airflow_checkpoint_provider.cli.running import command
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, written_out
from airflow_checkpoint_provider.hooks.airflow_internals.rendering import parsed_dag
from airflow_checkpoint_provider.operators.declaration.accepted import unknown
from airflow_checkpoint_provider.operators.declaration.exported.declaration import Exporter
from airflow_checkpoint_provider.operators.declaration.exported.groups import groups_of
from airflow_checkpoint_provider.operators.declaration.written import write
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup


@command
def checkpoint_export_mapping(args: Any) -> None:
    """Write the transfers of a DAG, or of a group of its tasks, as a declaration."""
    dag = parsed_dag(args.dag_id)
    group = _chosen(dag, args)
    exporter = Exporter(dag)
    name = re.sub(r"[^\w-]", "_", args.dag_id) if group.is_root else str(group.label)
    written = write(exporter.declare(name, group.children.values()), CheckpointedTransferGroup)
    print(written.text, end="")
    for line in (*exporter.told, *written.left_out, *_about_ids(group)):
        print(written_out(line), file=sys.stderr)
    if written.left_out or not exporter.is_complete:
        raise SystemExit(1)


def _chosen(dag: Any, args: Any) -> Any:
    groups: dict[Any, Any] = {one.group_id: one for one in groups_of(dag)}
    if args.group is not None:
        if args.group not in groups:
            raise ArgumentError(
                f"--group: {unknown(args.group, [one for one in groups if one], 'group of transfers')}"
            )
        return groups[args.group]
    if not groups:
        raise ArgumentError(f"{args.dag_id} has no transfer.")
    if len(groups) > 1 and None not in groups:
        raise ArgumentError(
            f"--group: {args.dag_id} has several groups of transfers; name one of {', '.join(groups)}."
        )
    return next(iter(groups.values()))


def _about_ids(group: Any) -> list[str]:
    """Return what to mind so that the tasks keep their ids, and with them their checkpoints."""
    if group.is_root or not group.prefix_group_id:
        return [
            "The tasks have no group in their ids; "
            "from_yaml(path, prefix_group_id=False) keeps these, and so the checkpoints."
        ]
    outside = group.parent_group
    if outside is not None and not outside.is_root:
        return [
            f"The group is in {outside.group_id}; declared there, the tasks keep their ids, and so the checkpoints."
        ]
    return []
