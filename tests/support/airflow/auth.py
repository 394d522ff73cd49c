"""An auth manager with a user who may read one DAG only; Airflow's simple one has no such user."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

ONLOOKER = "onlooker"
ONLOOKERS_DAG = "copy_orders"
USERS = f"admin:admin,{ONLOOKER}:viewer,editor:user,passer_by:viewer"
"""The passer-by has no rights at all."""


class LimitingAuthManager(SimpleAuthManager):
    """The simple auth manager, with two users of fewer rights."""

    def is_authorized_dag(
        self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None
    ) -> bool:
        if user.username == "passer_by":
            return False
        if user.username == ONLOOKER and details and details.id not in (None, ONLOOKERS_DAG):
            return False
        return super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
