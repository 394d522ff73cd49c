"""The end of a COPY on a connection that is lost while rows are sent."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ConnectionGoneError


class CopyWriter:
    """
    A writer of psycopg's.

    psycopg expects one result at the end. Where it was the sending that failed there are several, each about the loss.

    :param writer: of psycopg
    """

    def __init__(self, writer: Any) -> None:
        self.write = writer.write
        self._finish = writer.finish

    def finish(self, error: BaseException | None = None) -> None:
        """
        End the COPY.

        :param error: why it ends early, which the caller raises
        :raises ConnectionGoneError: when the connection is lost
        """
        try:
            self._finish(error)
        except ValueError as several:
            if error is None:
                raise ConnectionGoneError("the connection was lost while rows were sent") from several
