"""The imports of every Airflow process, and the later ones of an API server."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from airflow_checkpoint_provider.plugin.plugin import CheckpointPlugin


def test_airflow_finds_the_plugin() -> None:
    points = entry_points(group="airflow.plugins")
    assert CheckpointPlugin in [point.load() for point in points if point.name == "checkpoint"]


def test_importing_it_loads_no_web_framework() -> None:
    script = (
        "import sys, airflow.sdk.plugins_manager\n"
        "before = set(sys.modules)\n"
        "import airflow_checkpoint_provider.plugin.plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = ("fastapi", "starlette", "jinja2", "sqlalchemy", "airflow.models", "airflow.api_fastapi")
    assert not [name for name in loaded if name.startswith(heavy)]
    assert len(loaded) < 20, loaded


def test_addresses_are_relative_and_routes_are_used_once() -> None:
    views = CheckpointPlugin.external_views
    assert not [view for view in views if view["href"].startswith(("/", "http"))]
    routes = [view["url_route"] for view in views]
    assert len(set(routes)) == len(routes)
