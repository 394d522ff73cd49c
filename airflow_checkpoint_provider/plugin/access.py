"""The logged-in user, and their rights in Airflow. A mounted app is open to all unless it checks them itself."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    ConnectionDetails,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.providers.common.compat.sdk import conf
from fastapi import Depends, HTTPException, Request, status

from airflow_checkpoint_provider.hooks.airflow_internals.tables import known_dags, team_of

Method = Literal["GET", "PUT"]


class Viewer:
    """
    A logged-in user.

    :param user: the user object of Airflow's auth manager
    """

    def __init__(self, user: Any) -> None:
        self._user = user
        self.name: str = user.get_name()
        self._allowed: tuple[Collection[str], Collection[str]] | None = None

    def may(self, method: Method, dag_id: str | None) -> bool:
        """
        Return whether they may see (GET) or act on (PUT) a DAG's task instances.

        :param dag_id: ``None`` checks the right without a DAG, where the DAGs are chosen elsewhere
        """
        team = team_of(dag_id) if dag_id else None
        return get_auth_manager().is_authorized_dag(
            method=method,
            access_entity=DagAccessEntity.TASK_INSTANCE,
            details=DagDetails(id=dag_id, team_name=team),
            user=self._user,
        )

    def may_read_logs(self, dag_id: str) -> bool:
        """Return whether they may read the logs of a DAG's tasks, and so the errors in them."""
        return get_auth_manager().is_authorized_dag(
            method="GET",
            access_entity=DagAccessEntity.TASK_LOGS,
            details=DagDetails(id=dag_id, team_name=team_of(dag_id)),
            user=self._user,
        )

    def require(self, method: Method, dag_id: str | None) -> None:
        """
        Refuse a user without this right.

        :raises HTTPException: 403
        """
        if not self.may(method, dag_id):
            what = "see" if method == "GET" else "change"
            whose = f"DAG {dag_id}" if dag_id else "any DAG"
            raise HTTPException(
                status.HTTP_403_FORBIDDEN,
                f"You may not {what} the task instances of {whose}. Ask an Airflow administrator for the right to.",
            )

    def readable(self) -> Callable[[Collection[str]], set[str]]:
        """Return a function that picks the DAGs they may see."""
        if self._allowed is None:  # once in a request: each is a query
            allowed_ids = get_auth_manager().get_authorized_dag_ids(user=self._user, method="GET")
            self._allowed = allowed_ids, known_dags()
        allowed, known = self._allowed

        def pick(dag_ids: Collection[str]) -> set[str]:
            # The list has no DAGs that Airflow has forgotten: the auth manager is asked for each of them.
            return {
                dag_id
                for dag_id in dag_ids
                if dag_id in allowed or (dag_id not in known and self.may("GET", dag_id))
            }

        return pick

    def may_see_connection(self, conn_id: str, team: str | None = None) -> bool:
        """Return whether they may read a connection's errors, which name hosts and users."""
        return get_auth_manager().is_authorized_connection(
            method="GET", details=ConnectionDetails(conn_id=conn_id, team_name=team), user=self._user
        )


async def logged_in(user: GetUserDep) -> Viewer:
    """Return the user of the request; without a login, Airflow's own dependency answers 401."""
    return Viewer(user)


Someone = Annotated[Viewer, Depends(logged_in)]


async def from_this_site(request: Request, viewer: Someone) -> None:
    """
    Let through only requests with a JSON body that a page of this site has sent.

    A browser names the site that a request comes from; a client that names none is no browser. A missing login is
    answered with 401 first.

    :raises HTTPException: 403 for another site, 415 for another kind of body
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Any client can set a proxy's headers: behind a proxy that changes the host, [api] base_url has the right one.
    hosts = {request.headers.get("host"), _host_of(conf.get("api", "base_url", fallback="") or "")} - {
        None,
        "",
    }
    foreign = site != "same-origin" if site else bool(origin) and _host_of(origin or "") not in hosts
    if foreign:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Only Airflow's own pages can send this request.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "Send a JSON body, as application/json.")


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:  # such as http://[
        return ""
