"""The view in this process, with Airflow's metadata tables and somebody who may do everything."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import airflow.models
from airflow import settings
from airflow.models.base import Base
from sqlalchemy.orm import configure_mappers
from starlette.testclient import TestClient

from airflow_checkpoint_provider.plugin import access, services
from airflow_checkpoint_provider.plugin.app import create_app

JSON = {"Content-Type": "application/json", "Accept": "text/html"}


class Anybody:
    """Who is asking, without Airflow's auth manager."""

    name = "<b>somebody</b>"

    def may(self, *_: Any) -> bool:
        return True

    def require(self, *_: Any) -> None: ...

    def readable(self) -> Any:
        return set

    def may_see_connection(self, conn_id: str) -> bool:
        return True


@contextmanager
def view() -> Iterator[TestClient]:
    """Open the view; what fails inside is a 500 and no exception, as in a server."""
    airflow.models.import_all_models()
    with warnings.catch_warnings():  # Airflow's own models are not ours to mend
        warnings.simplefilter("ignore", DeprecationWarning)
        configure_mappers()
    Base.metadata.create_all(settings.engine)
    services.discovery.cache_clear()
    app = create_app()
    app.dependency_overrides[access.logged_in] = Anybody
    with TestClient(app, raise_server_exceptions=False, headers=JSON) as client:
        yield client
    services.discovery.cache_clear()
