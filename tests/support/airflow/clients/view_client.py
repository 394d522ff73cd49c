"""The view in this process, with Airflow's metadata tables and a user with all rights."""

from __future__ import annotations

import secrets
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import airflow.models
import pytest
from airflow import settings
from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.base import Base
from sqlalchemy.orm import configure_mappers
from starlette.testclient import TestClient

from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.plugin import access, services
from airflow_checkpoint_provider.plugin.app import create_app

JSON = {"Content-Type": "application/json", "Accept": "text/html"}


class Anybody:
    """The user of a request, without Airflow's auth manager."""

    name = "<b>somebody</b>"

    def may(self, *_: Any) -> bool:
        return True

    def may_read_logs(self, dag_id: str) -> bool:
        return True

    def require(self, *_: Any) -> None: ...

    def readable(self) -> Any:
        return set

    def may_see_connection(self, conn_id: str, team: str | None = None) -> bool:
        return True


def know(monkeypatch: pytest.MonkeyPatch, places: Places) -> None:
    """Let all modules of the view know these places, and no others."""
    discovery = Mock(**{"places.return_value": places})
    for name, module in sys.modules.items():
        if (
            name.startswith(access.__package__ or "")
            and module is not services
            and hasattr(module, "discovery")
        ):
            monkeypatch.setattr(module, "discovery", lambda: discovery)


@contextmanager
def airflow_tables() -> Iterator[None]:
    """Create Airflow's metadata tables, and clear the caches filled from them afterwards."""
    airflow.models.import_all_models()
    with warnings.catch_warnings():  # warnings of Airflow's own models
        warnings.simplefilter("ignore", DeprecationWarning)
        configure_mappers()
    Base.metadata.create_all(settings.engine)
    services.discovery.cache_clear()
    yield
    services.discovery.cache_clear()


@contextmanager
def view() -> Iterator[TestClient]:
    """Open the view; an error inside is a 500 and no exception, as in a server."""
    app = create_app()
    app.dependency_overrides[access.logged_in] = Anybody
    with (
        airflow_tables(),
        TestClient(app, raise_server_exceptions=False, headers=JSON) as client,
    ):
        yield client


@contextmanager
def token_of(role: str) -> Iterator[str]:
    """Log in to Airflow's simple auth manager, which is active until the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_hex(64))
        purge_cached_app()
        yield create_auth_manager().generate_jwt(SimpleAuthManagerUser(username="<b>somebody</b>", role=role))
        purge_cached_app()
