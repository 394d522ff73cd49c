"""Settings made before a connection is opened, and advice where it cannot be."""

from __future__ import annotations

import sys
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.errors import error_code, full_code

_KEEPALIVE_MINUTES = 1
_NO_SUCH_USER = 1435
_OTHER_MODE = frozenset(("DPY-2019", "DPY-2053"))


def keep_alive() -> None:
    """
    Have the driver probe idle connections, unless a connection sets how.

    Its thin mode does not expose the socket, so nothing else notices a peer that is gone. An idle minute is followed by
    one of probes.
    """
    driver = sys.modules.get("oracledb")
    register = getattr(driver, "register_params_hook", None)
    if driver is None or register is None or getattr(driver, _KEPT_AS, False):
        return
    setattr(driver, _KEPT_AS, True)
    register(_expire)


_KEPT_AS = "airflow_checkpoint_keeps_alive"


def _expire(parameters: Any) -> None:
    given = parameters.expire_time  # a list for a connect string with several descriptions
    if not any(given if isinstance(given, list) else [given]):
        parameters.set(expire_time=_KEEPALIVE_MINUTES)


def advice(error: BaseException) -> str | None:
    """Return the change to make in the Airflow connection, where the driver's error does not name it."""
    error = error.__cause__ or error  # which SQLAlchemy may have wrapped
    if error_code(error) == _NO_SUCH_USER:
        return (
            "The field Schema of the connection is made the session's schema; where it is meant as the name of the "
            'service, clear it, and set the extra {"service_name": ...}.'
        )
    if full_code(error) in _OTHER_MODE:
        return (
            "All connections of a process are in one mode of the driver: set thick_mode in the extras of both "
            "connections of the task, or in neither."
        )
    return None
