"""The section ``[checkpoint]`` of Airflow's configuration, as the shell and the view read it."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import conf

from airflow_checkpoint_provider.engine.admin.states import STALLED_AFTER


def configured_places() -> list[tuple[str, str | None]]:
    """Return the connections of ``[checkpoint] conn_ids``, and their metadata tables where they are named."""
    places = []
    for entry in (conf.get("checkpoint", "conn_ids", fallback="") or "").split(","):
        conn_id, _, table = (part.strip() for part in entry.partition("="))
        if conn_id:
            places.append((conn_id, table or None))
    return places


def stalled_after() -> timedelta:
    """Return how long a running load may commit nothing before it counts as stalled."""
    default = int(STALLED_AFTER.total_seconds())
    return timedelta(seconds=conf.getint("checkpoint", "stalled_after", fallback=default))


def auto_create() -> bool:
    """Return whether the metadata tables are created on first use."""
    return bool(conf.getboolean("checkpoint", "auto_create", fallback=True))
