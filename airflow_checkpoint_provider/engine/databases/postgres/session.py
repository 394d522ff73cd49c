"""The state that a session of Postgres has while the engine uses it."""

from __future__ import annotations

from codecs import lookup
from contextlib import suppress
from typing import Any

from airflow_checkpoint_provider.engine.databases.sockets import KEEPALIVE, goes_over_network

WRITES = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""Another attempt's update is waited for, and then seen."""

# The server probes the client as the client probes the server, unless somebody has said how.
_PROBE_CLIENT = (
    "SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES ('tcp_keepalives_idle', '{TCP_KEEPIDLE}'), "
    "('tcp_keepalives_interval', '{TCP_KEEPINTVL}'), ('tcp_keepalives_count', '{TCP_KEEPCNT}')) "
    "AS wanted (name, value) USING (name) WHERE source = 'default'"
).format(**KEEPALIVE)


def codec_of(encoding: str | None) -> str | None:
    """
    Return Python's name of an encoding of Postgres; of one that Python does not know, ASCII.

    :return: ``None`` for one that lacks no character
    """
    if encoding in (None, "UTF8", "SQL_ASCII"):  # the last one keeps bytes, whatever they mean
        return None
    name = encoding.replace("WIN", "cp", 1).replace("KOI8R", "koi8_r").replace("KOI8U", "koi8_u")
    try:
        return lookup(name).name
    except LookupError:
        return "ascii"


def prepare_session(raw: Any) -> None:
    """Undo what the connection or the server may have set and the engine cannot work with."""
    import psycopg
    from psycopg.rows import tuple_row

    # Extras of the Airflow connection may ask for dictionaries and autocommit, and servers have their own defaults.
    raw.row_factory = tuple_row
    raw.autocommit = True
    raw.execute(
        "SET client_encoding = 'UTF8';"
        # Without an order (DMY, YMD): that one is for reading literals, and so the user's own matter.
        "SET datestyle = 'ISO';"
        f"SET intervalstyle = 'postgres'; SET lc_monetary = 'C'; {WRITES}"
    )
    if goes_over_network(raw):
        # So that a worker that is gone, machine and all, does not hold its locks for the two hours of most systems.
        with suppress(psycopg.Error):  # what speaks like Postgres need not have these
            raw.execute(_PROBE_CLIENT)
    raw.autocommit = False
