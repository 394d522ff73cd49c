"""The places of checkpoints that a user may know of, and those that do not answer."""

from __future__ import annotations

from collections.abc import Collection

from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Viewer
from airflow_checkpoint_provider.plugin.reading import Trouble
from airflow_checkpoint_provider.plugin.services import discovery


def places_for(viewer: Viewer, dag_id: str, task_id: str, asked: Place | None) -> list[Place]:
    """Return the places of a task's checkpoints, or the requested one, as far as the user may know of them."""
    known = discovery().places()
    places = [place for place in known.all() if place == asked] if asked else known.of(dag_id, task_id)
    own = [place for place in places if known.knows(place, dag_id, task_id)]
    return sorted({*own, *known_to(viewer, [place for place in places if place not in own])})


def places_for_tasks(viewer: Viewer, dag_id: str, task_ids: Collection[str]) -> list[Place]:
    """Return the places of the checkpoints of some tasks of a DAG, as far as the user may know of them."""
    known, wanted = discovery().places(), {(dag_id, task_id) for task_id in task_ids}
    own = {place for place, tasks in known.tasks.items() if tasks & wanted}
    told = set().union(*(known.tasks[place] for place in own))
    others = set() if wanted <= told else {place for place in known.all() if place not in own}
    own |= others & known.configured
    return sorted({*own, *known_to(viewer, sorted(others - own))})


def is_unsure(troubles: list[Trouble], dag_id: str | None, task_id: str | None) -> bool:
    """Return whether a checkpoint of the page may be in a place that does not answer."""
    known = discovery().places()
    return any(not task_id or known.knows(trouble.place, dag_id or "", task_id) for trouble in troubles)


def shown_troubles(viewer: Viewer, troubles: list[Trouble]) -> list[tuple[Place, str]]:
    """Return the places that did not answer; the reason names the host, so it needs the right to the connection."""
    known = known_to(viewer, [trouble.place for trouble in troubles])
    return [
        (trouble.place, trouble.detail if _may_see(viewer, trouble.place) else "")
        for trouble in troubles
        if trouble.place in known
    ]


def _may_see(viewer: Viewer, place: Place) -> bool:
    return viewer.may_see_connection(place.conn_id, place.team or None)


def known_to(viewer: Viewer, places: list[Place]) -> list[Place]:
    """Pick the places that the user may know of: the configured ones, and those of DAGs that they may see."""
    if not places:
        return []
    known = discovery().places()
    readable = viewer.readable()
    return [place for place in places if place in known.configured or bool(readable(known.dag_ids(place)))]
