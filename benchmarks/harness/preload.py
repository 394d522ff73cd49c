"""Imported once by the process that quick workers are forked from."""

import contextlib

from airflow.providers.common.compat.sdk import Connection
from airflow.providers.common.sql.operators import generic_transfer  # noqa: F401

from airflow_checkpoint_provider.operators import transfer  # noqa: F401

for conn_type in ("postgres", "sqlite"):
    # Looking for the hook of a type reads the metadata of all installed providers.
    with contextlib.suppress(Exception):
        Connection(conn_id="none", conn_type=conn_type).get_hook()  # type: ignore[no-untyped-call]
