"""Why a load stands still, read on request: its process, and the sessions at both ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession, holding_up
from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.hooks.airflow_internals.tables import heartbeat_timeout, signs_of_life
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.instances import instance_of
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.access import Someone, Viewer
from airflow_checkpoint_provider.plugin.actions import Target
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.rendering import render
from airflow_checkpoint_provider.plugin.services import discovery, reader

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)


@dataclass(frozen=True, slots=True)
class End:
    """
    One end of a load.

    :param role: ``Source`` or ``Destination``
    :param sessions: those that may explain a standstill; ``None`` where unknown
    :param unknown: why they are unknown
    """

    role: str
    place: Place
    sessions: Sequence[ServerSession] | None
    unknown: str = ""

    @property
    def waits(self) -> bool:
        """Whether a session waits for a lock there."""
        return any(session.waits_for for session in self.sessions or ())


class Chosen(Target):
    """The checkpoint of the page, and whether it is shown in a tab of Airflow's."""

    tab: bool = False


@router.get("/standstill")
def standstill(viewer: Someone, target: Annotated[Chosen, Query()]) -> HTMLResponse:
    """Show which sessions wait for which at both ends, their statements, and whether the process is alive."""
    key = (target.dag_id, target.task_id, target.run_id, target.map_index, target.name)
    place = actions.place_of(target, viewer)
    checkpoint = actions.only(reader().ask([place], lambda hook: hook.get(*key)), place)
    if checkpoint is None:
        raise actions.unknown(place)
    destination = replace(place, table=DEFAULT_TABLE, conn_id=checkpoint.destination_conn_id)
    ends = {"Destination": destination, "Source": replace(destination, conn_id=checkpoint.source_conn_id)}
    return render(
        "standstill.html",
        chosen={**target.model_dump(exclude={"reason"}), "tab": "1" if target.tab else ""},
        name=discovery().places().called(target.dag_id, target.task_id),
        life=signs_of_life(instance_of(checkpoint)),
        timeout=heartbeat_timeout(),
        owner=checkpoint.owner,
        ends=[_look(viewer, role, where) for role, where in ends.items()],
        troubles=[],
        refresh=5,
    )


def _look(viewer: Viewer, role: str, place: Place) -> End:
    if not viewer.may_see_connection(place.conn_id, place.team or None):
        return End(role, place, None, "You may not see this connection in Airflow.")
    answers = reader().ask([place], CheckpointHook.server_sessions)
    if answers.troubles:
        return End(role, place, None, answers.troubles[0].detail)
    sessions = answers.by_place.get(place)
    if sessions is None:
        return End(role, place, None, "This kind of database is not asked for its sessions.")
    return End(role, place, holding_up(sessions))
