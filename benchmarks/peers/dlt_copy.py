"""
A table copied by dlt, at its fastest: ConnectorX into Arrow, CSV files, COPY.

``python -m benchmarks.peers.dlt_copy TABLE SOCKET_FOLDER PORT FOLDER`` copies from the database ``source`` to the
database ``destination`` of the server at that socket.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import connectorx  # type: ignore[import-not-found]
import dlt  # type: ignore[import-not-found]


def main(table: str, host: str, port: str, folder: str) -> None:
    """Copy the table and end with an exception when that fails."""
    host = quote(host, safe="")  # a folder, where URLs have room for a name only
    source = f"postgresql://postgres@{host}:{port}/source?sslmode=disable"

    def rows() -> Iterator[Any]:
        yield connectorx.read_sql(source, f"SELECT * FROM {table} ORDER BY id", return_type="arrow")

    # dlt requires a password even where the server does not.
    credentials = {
        "host": host,
        "port": int(port),
        "username": "postgres",
        "password": "none",
        "database": "destination",
    }
    pipeline = dlt.pipeline(
        "benchmark",
        pipelines_dir=f"{folder}/dlt",
        destination=dlt.destinations.postgres(credentials),
        dataset_name="public",
    )
    resource = dlt.resource(rows, name="target", write_disposition="replace", file_format="csv")
    pipeline.run(resource).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
