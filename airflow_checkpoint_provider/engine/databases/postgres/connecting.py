"""Settings made before a connection is opened."""

from __future__ import annotations

import json
import os
from copy import deepcopy
from typing import Any


def limit_connecting(hook: Any, seconds: float) -> None:
    """
    Limit the time in which the driver connects; its own limit is two minutes.

    :param hook: any hook; that of Postgres passes the extras of its connection on to the driver
    """
    if getattr(hook, "conn_type", None) != "postgres" or "PGCONNECT_TIMEOUT" in os.environ:
        return
    look_up = hook.get_connection

    def limited(conn_id: str) -> Any:
        connection = deepcopy(look_up(conn_id))
        extras = {"connect_timeout": max(int(seconds), 1), **connection.extra_dejson}
        connection.extra = json.dumps(extras)
        return connection

    hook.get_connection = limited
