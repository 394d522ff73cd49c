"""Which checkpoints are of one table: by server, and by the name that the server's catalog has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_checkpoint_provider.engine.admin.newest import Newest
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.hooks.transfers import Place

Server = tuple[str, str]
"""A connection, the first one that leads there, and the team that it belongs to."""
TableKey = tuple[Server, Any]
"""A server, and the name of a table as its catalog has it; where that is not known, as a task names it."""


class Servers:
    """
    The servers behind connections, as far as their metadata tables show.

    :param found: the newest checkpoints of each place
    """

    def __init__(self, found: Mapping[Place, Newest]) -> None:
        self._places: dict[Place, Newest] = {}
        self._same: dict[Server, Server] = {}
        kept: dict[Any, Place] = {}
        for place in sorted(found):
            table = found[place].table
            first = kept.setdefault(table, place) if table else place
            self._same[place.conn_id, place.team] = self._same.get(
                (first.conn_id, first.team), (first.conn_id, first.team)
            )
            if first == place:
                self._places[place] = found[place]
        self._catalog: dict[tuple[Server, str], Any] = {}
        for place, one in self.checkpoints():
            if one.catalog.table:
                self._catalog.setdefault(
                    (self._of(one.destination_conn_id, place.team), one.destination_table), one.catalog
                )

    def checkpoints(self) -> Iterator[tuple[Place, Checkpoint]]:
        """Yield all checkpoints, those of one metadata table once."""
        for place, newest in self._places.items():
            for one in newest.checkpoints:
                yield place, one

    def key(self, conn_id: str, team: str, table: str) -> TableKey:
        """Return the key of a table as a task names it."""
        server = self._of(conn_id, team)
        return server, self._catalog.get((server, table), table)

    def by_table(self) -> dict[TableKey, list[tuple[Place, Checkpoint]]]:
        """Return the checkpoints of each table."""
        tables: dict[TableKey, list[tuple[Place, Checkpoint]]] = defaultdict(list)
        for place, one in self.checkpoints():
            server = self._of(one.destination_conn_id, place.team)
            name = one.catalog if one.catalog.table else None
            key = (
                (server, name)
                if name
                else self.key(one.destination_conn_id, place.team, one.destination_table)
            )
            tables[key].append((place, one))
        return tables

    def _of(self, conn_id: str, team: str) -> Server:
        return self._same.get((conn_id, team), (conn_id, team))
