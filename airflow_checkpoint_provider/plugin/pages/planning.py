"""What the next attempt of a task would do, found out on request from its rendered arguments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.admin.plan_words import sections
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, one_line
from airflow_checkpoint_provider.hooks.airflow_internals.rendering import RenderedInstance, rendered_instance
from airflow_checkpoint_provider.hooks.airflow_internals.tables import serialized_dag
from airflow_checkpoint_provider.hooks.serialized import given_to, operator_of
from airflow_checkpoint_provider.hooks.task_reads import has_secret, is_cut
from airflow_checkpoint_provider.operators.arguments import STORED, TEMPLATED
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.access import Someone, Viewer
from airflow_checkpoint_provider.plugin.actions import Target
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.errands import StillAtWorkError
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.rendering import render
from airflow_checkpoint_provider.plugin.services import discovery, errands, reader

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.transfer.planning.load_plan import LoadPlan

_SECONDS = 1.0  # for each statement
_IN_THE_SHELL = "`airflow checkpoint plan` in a shell reads the DAG itself."
_NOTE = (
    "Made from the arguments that the last attempt has rendered, as Airflow has stored them. lookback, rows_processor "
    f"and the parameters of hooks are not among them. {_IN_THE_SHELL}"
)
_STORED_OTHERWISE = (
    "Airflow stores mappings in another order than they were given, and other values than text and numbers as text, so "
    "that {} cannot be compared with the last attempt's here, and are taken as unchanged."
)
_ENDS = ("source_conn_id", "destination_conn_id", "checkpoint_conn_id")

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)


class Chosen(Target):
    """The checkpoint of the page, and whether it is shown in a tab of Airflow's."""

    tab: bool = False


class UnknownPlanError(Exception):
    """A plan cannot be made from what Airflow has stored; the message has the reason."""


@router.get("/plan")
def plan(viewer: Someone, target: Annotated[Chosen, Query()]) -> HTMLResponse:
    """Show what the next attempt would do, and all that would end it; nothing is changed."""
    key = (target.dag_id, target.task_id, target.run_id, target.map_index, target.name)
    place = actions.place_of(target, viewer)
    checkpoint = actions.only(reader().ask([place], lambda hook: hook.get(*key)), place)
    run_id = checkpoint.run_id if checkpoint and target.run_id == ALL_RUNS else target.run_id
    map_index = target.map_index
    if target.name and checkpoint and checkpoint.claimed_map_index is not None:
        map_index = checkpoint.claimed_map_index
    found: LoadPlan | None = None
    unknown, note = "", _NOTE
    try:
        operator = operator_of(serialized_dag(target.dag_id) or {}, target.task_id)
        if operator is None:
            raise UnknownPlanError("Airflow has no such task any more.")
        stored = given_to(operator)
        retries = int(stored.get("retries") or 0)
        rendered = rendered_instance(target.dag_id, target.task_id, run_id, map_index, retries)
        if rendered is None:
            raise UnknownPlanError(
                f"Airflow has no rendered arguments of this task instance. {_IN_THE_SHELL}"
            )
        arguments = _arguments(stored, rendered.fields)
        _refuse_hidden_ends(viewer, arguments, place.team)
        assumed = _not_comparable(arguments)
        if assumed:
            note += f" {_STORED_OTHERWISE.format(' and '.join(assumed.values()))}"
        instance = (*key[:2], run_id, map_index)
        work = partial(_plan, instance, arguments, retries, rendered, place.team, frozenset(assumed))
        found = errands().do(place, work)
    except UnknownPlanError as error:
        unknown = str(error)
    except CheckpointError as error:
        unknown = one_line(error)
    except StillAtWorkError:
        unknown = f"The databases take longer than a page waits. {_IN_THE_SHELL}"
    return render(
        "plan.html",
        chosen={**target.model_dump(exclude={"reason"}), "tab": "1" if target.tab else ""},
        name=discovery().places().called(target.dag_id, target.task_id),
        sections=list(sections(found)) if found else [],
        unknown=unknown,
        note=note if found else "",
        troubles=[],
        refresh="",
    )


def _arguments(stored: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operator's arguments, of those that Airflow has stored."""
    given = {name: fields[name] for name in TEMPLATED if name in fields}
    for name, value in given.items():
        if is_cut(value):
            raise UnknownPlanError(f"Airflow has stored only the beginning of {name}. {_IN_THE_SHELL}")
        if has_secret(value):
            raise UnknownPlanError(f"Airflow shows no secrets, and {name} has one. {_IN_THE_SHELL}")
    given |= {name: stored[name] for name in STORED if name in stored}
    return given


def _not_comparable(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of a fingerprint that stored arguments do not tell, and the arguments."""
    parts = {}
    if isinstance(arguments.get("destination_columns"), Mapping):
        parts["columns"] = "destination_columns"
    if arguments.get("parameters"):
        parts["parameters"] = "parameters"
    return parts


def _refuse_hidden_ends(viewer: Viewer, arguments: Mapping[str, Any], team: str) -> None:
    for name in _ENDS:
        conn_id = arguments.get(name)
        if conn_id and not viewer.may_see_connection(str(conn_id), team or None):
            raise UnknownPlanError("You may not see one of the connections of this task in Airflow.")


def _plan(
    instance: tuple[str, str, str, int],
    arguments: Mapping[str, Any],
    retries: int,
    rendered: RenderedInstance,
    team: str,
    assumed: frozenset[str],
) -> LoadPlan:
    # Here, because only this page needs the engine's transfers.
    from airflow_checkpoint_provider.operators.planning import plan_of
    from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

    dag_id, task_id, run_id, map_index = instance
    numbers = rendered.numbers
    task = CheckpointedTransferOperator(task_id=task_id.rpartition(".")[2], retries=retries, **arguments)
    context: Any = {
        "ti": SimpleNamespace(
            dag_id=dag_id,
            task_id=task_id,
            run_id=run_id,
            map_index=map_index,
            try_number=numbers.try_number,
            max_tries=numbers.max_tries,
        ),
        "dag_run": SimpleNamespace(run_after=rendered.run_after, clear_number=numbers.clear_number),
    }
    return plan_of(task, context, seconds=_SECONDS, team=team or None, assumed=assumed)
