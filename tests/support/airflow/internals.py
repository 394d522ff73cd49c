"""Reads Airflow's own tables through the package, in a process of a live Airflow, and prints the results."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select, text

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def read(dag_id: str, run_id: str, task_id: str) -> dict[str, object]:
    import airflow.models

    from airflow_checkpoint_provider.hooks.airflow_internals import failures, group_runs, rendered
    from airflow_checkpoint_provider.hooks.airflow_internals import tables as internals
    from airflow_checkpoint_provider.hooks.task_reads import has_hook_params

    airflow.models.import_all_models()
    version, written = internals.current_dags()[dag_id]
    known = (dag_id, task_id, run_id, -1)
    internals.add_to_audit_log(
        "checkpoint_test", dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=-1, user="me", extra="{}"
    )
    return {
        "written": written.isoformat(),
        "dags": [found for found, dag in internals.serialized_dags([version], "checkpoint_table") if dag],
        "dags with something else": [
            found for found, _ in internals.serialized_dags([version], "no such text")
        ],
        "dag": (internals.serialized_dag(dag_id) or {})["dag"]["dag_id"],
        "no dag": internals.serialized_dag("no such DAG"),
        "rendered": [
            (*task, fields["destination_table"])
            for task, fields in rendered.rendered_fields([(dag_id, task_id)])
        ],
        "rendered of one": (rendered.rendered_of(known) or {}).get("destination_table"),
        "rendered of none": rendered.rendered_of((dag_id, task_id, "no such run", -1)),
        "has hook params": has_hook_params(internals.serialized_dag(dag_id) or {}, task_id),
        "failed": len(
            failures.failed_instances(
                [(dag_id, task_id)], LONG_AGO, 10, failures.Among(run_id, -1, "no such text")
            )
        ),
        "last rendered": _last_rendered(known),
        "states": [sorted(states) for states in internals.states_of([known]).values()],
        "no states": len(internals.states_of([(dag_id, task_id, "no such run", -1)])),
        "states in the run": internals.states_in_run(dag_id, task_id, run_id),
        "newest run": group_runs.newest_runs([dag_id, "no such DAG"])[dag_id].run_id,
        "run": [
            (one.run_id, one.state)
            for one in (group_runs.run_of(dag_id, run_id), group_runs.run_of(dag_id, "no such run"))
            if one
        ],
        "is among the last runs": run_id in [one.run_id for one in group_runs.last_runs(dag_id, 100)],
        "counted": dict(group_runs.states_in_runs([(dag_id, run_id)])[dag_id, run_id][task_id]),
        "failed in the run": group_runs.failed_in_run(dag_id, run_id, [task_id], 10),
        "life": [
            (state, bool(heard), bool(host)) for state, heard, host, _ in internals.signs_of_life(known)
        ],
        "timeout": internals.heartbeat_timeout(),
        "paused": [internals.is_paused(name) for name in (dag_id, "no such DAG")],
        "known": dag_id in internals.known_dags(),
        "team": internals.team_of(dag_id),
        "no retry": internals.next_retry(known),
        "retry after": _seconds_to_a_retry(internals, known),
    }


def _last_rendered(instance: tuple[str, str, str, int]) -> list[object]:
    from airflow_checkpoint_provider.hooks.airflow_internals.rendering import rendered_instance

    assert rendered_instance(*instance[:2], "no such run", -1, 5) is None
    found = rendered_instance(*instance, 5)
    assert found
    assert found.run_after
    numbers = found.numbers
    return [found.fields["destination_table"], numbers.try_number, numbers.max_tries, numbers.clear_number]


def _seconds_to_a_retry(internals: Any, instance: Any) -> float | None:
    """Set a task instance to wait for a retry briefly; return the seconds from its end to the retry, if it ended."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    model: Any = TaskInstance
    dag_id, task_id, run_id, _ = instance
    its = select(model).filter_by(dag_id=dag_id, task_id=task_id, run_id=run_id)
    with create_session() as session:
        found = session.scalar(its)
        state, ended, found.state = found.state, found.end_date, "up_for_retry"
    retry = internals.next_retry(instance)
    with create_session() as session:
        session.scalar(its).state = state
    return float((retry - ended).total_seconds()) if ended else None


def keep_as_before_airflow_3_4(dag_id: str, run_id: str, task_id: str) -> None:
    """Move the rendered fields of a task instance to the place where an upgrade leaves those of earlier versions."""
    import airflow.models
    from airflow.models import renderedtifields
    from airflow.utils.session import create_session

    airflow.models.import_all_models()
    legacy = getattr(renderedtifields, "LegacyRenderedTaskInstanceFields", None)
    if legacy is None:
        return
    from airflow.models.taskinstance import LegacyTaskDataOwner, TaskInstance

    kept = renderedtifields.RenderedTaskInstanceFields
    key = {"dag_id": dag_id, "task_id": task_id, "run_id": run_id, "map_index": -1}
    with create_session() as session:
        its_id = session.scalar(
            select(TaskInstance.id).filter_by(dag_id=dag_id, task_id=task_id, run_id=run_id)
        )
        fields = session.scalar(select(kept.rendered_fields).where(kept.task_instance_id == its_id))
        session.execute(insert(LegacyTaskDataOwner).values(**key, task_instance_id=its_id))
        session.execute(insert(legacy).values(**key, rendered_fields=fields))
        session.execute(text("DELETE FROM rtif_v2 WHERE task_instance_id = :id"), {"id": its_id.hex})


def read_teams(dag_id: str, *_: str) -> dict[str, object]:
    """Assign the bundle of a DAG to a team with a connection during the reads."""
    import airflow.models
    from airflow.models.connection import Connection
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.team import Team
    from airflow.utils.session import create_session

    from airflow_checkpoint_provider.hooks.airflow_internals import tables as internals

    airflow.models.import_all_models()
    without = internals.teams_of([dag_id])
    os.environ["AIRFLOW__CORE__MULTI_TEAM"] = "True"
    with create_session() as session:
        session.add(Team(name="east"))
        session.flush()
        session.add(Connection(conn_id="of_east", conn_type="sqlite", host="/tmp/east.db", team_name="east"))
        bundle = session.scalar(select(DagModel.bundle_name).where(DagModel.dag_id == dag_id))
        row = session.get(DagBundleModel, bundle)
        row.teams.append(session.get(Team, "east"))
    try:
        return {
            "without": without,
            "teams": internals.teams_of([dag_id, "no such DAG"]),
            "host": internals.connection_of_team("of_east", "east").host,
            "has": internals.has_teams(),
        }
    finally:
        with create_session() as session:
            row = session.get(DagBundleModel, bundle)
            row.teams.clear()
            session.flush()
            session.execute(delete(Connection).where(Connection.conn_id == "of_east"))
            session.execute(delete(Team).where(Team.name == "east"))


if __name__ == "__main__":
    action, *names = sys.argv[1:]
    print(json.dumps({"read": read, "keep": keep_as_before_airflow_3_4, "teams": read_teams}[action](*names)))
