"""The tables that rows were read from and written to, for OpenLineage and for Airflow's hook lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import get_hook_lineage_collector

from airflow_checkpoint_provider.engine.model.errors import one_line
from airflow_checkpoint_provider.engine.model.events.steps import ColumnChange, SchemaChanged
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Event, TablesMatched

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset, DatasetFacet
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Connection
    from airflow.sdk.types import Logger

_PORTS = {"mysql": 3306, "oracle": 1521, "postgres": 5432}


@dataclass(frozen=True)
class Server:
    """
    The address of a database, as OpenLineage names it.

    :param namespace: ``postgres://host:port``
    :param database: comes before the schema in the name of a table
    """

    namespace: str
    database: str | None

    @classmethod
    def of(cls, connection: Connection) -> Server:
        scheme = connection.conn_type or ""
        if scheme == "sqlite":
            # Written as a URI, the path is in the connection's schema.
            path = connection.host or f"/{connection.schema}"
            return cls(f"sqlite://{path}", None)
        # A path is a socket of this machine, and not the name of a server.
        host = connection.host if connection.host and not connection.host.startswith("/") else "localhost"
        place = f"{host}:{connection.port or _PORTS.get(scheme, '')}".rstrip(":")
        # In MySQL, a schema is a database.
        extra = connection.extra_dejson
        database = (
            None if scheme == "mysql" else extra.get("service_name") or extra.get("sid") or connection.schema
        )
        return cls(f"{scheme}://{place}", database)

    def name(self, table: str) -> str:
        return f"{self.database}.{table}" if self.database else table

    def uri(self, table: str) -> str:
        return f"{self.namespace}/{self.name(table).replace('.', '/')}"


class Lineage:
    """
    An observer that keeps the tables read and written.

    :param source: the source's hook
    :param destination: the destination's hook
    :param unchanged: whether values are written as they were read
    """

    def __init__(self, source: DbApiHook, destination: DbApiHook, *, unchanged: bool) -> None:
        self._unchanged = unchanged
        self._hooks = (source, destination)
        self._tables: TablesMatched | None = None
        self._changes: dict[str, tuple[ColumnChange, str]] = {}
        self._rows = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, TablesMatched):
            self._tables = event
        elif isinstance(event, SchemaChanged):
            self._changes |= {change.name.lower(): (change, event.who) for change in event.columns}
        elif isinstance(event, BatchCommitted):
            self._rows += event.rows

    def collect(self, log: Logger) -> None:
        """Report the tables to Airflow's collector of hook lineage, once for the whole transfer."""
        try:
            self._collect()
        except Exception as error:
            # The rows are committed; a name that Airflow refuses for an asset is no reason to fail.
            log.warning("Airflow's hook lineage does not accept these tables: %s", one_line(error))

    def _collect(self) -> None:
        if not self._tables:
            return
        collector: Any = get_hook_lineage_collector()
        source, destination = self._servers()
        if self._tables.source_table:
            collector.add_input_asset(self._hooks[0], uri=source.uri(self._tables.source_table))
        collector.add_output_asset(self._hooks[1], uri=destination.uri(self._tables.destination_table))

    def facets(self) -> OperatorLineage[Any, Any]:
        """Return OpenLineage's description of the attempt; only OpenLineage's provider calls this."""
        from airflow.providers.common.compat.openlineage.facet import (
            Dataset,
            LifecycleStateChange,
            LifecycleStateChangeDatasetFacet,
            OutputDataset,
            OutputStatisticsOutputDatasetFacet,
            SQLJobFacet,
        )
        from airflow.providers.openlineage.extractors import OperatorLineage

        tables = self._tables
        if not tables:
            return OperatorLineage()
        source, destination = self._servers()
        inputs: list[Dataset]
        facets = {"schema": _schema(tables.written, self._changes)}
        if self._changes:
            facets["lifecycleStateChange"] = LifecycleStateChangeDatasetFacet(LifecycleStateChange.ALTER)
        if tables.source_table:
            table = source.name(tables.source_table)
            inputs = [
                Dataset(namespace=source.namespace, name=table, facets={"schema": _schema(tables.read)})
            ]
            if self._unchanged:
                facets["columnLineage"] = _columns(source.namespace, table, tables)
        else:
            names = _tables_of(tables.query, source, tables.source_schema)
            inputs = [Dataset(namespace=source.namespace, name=name) for name in names]
        output = OutputDataset(
            namespace=destination.namespace,
            name=destination.name(tables.destination_table),
            facets=facets,
            outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=self._rows)},
        )
        job = {} if tables.source_table else {"sql": SQLJobFacet(query=tables.query)}
        return OperatorLineage(inputs=inputs, outputs=[output], job_facets=job)

    def _servers(self) -> tuple[Server, Server]:
        source, destination = (Server.of(hook.get_connection(hook.get_conn_id())) for hook in self._hooks)
        return source, destination


def _schema(
    columns: Sequence[str], changes: Mapping[str, tuple[ColumnChange, str]] = MappingProxyType({})
) -> DatasetFacet:
    """
    Describe the columns of a table.

    :param changes: those that have changed, by names in lower case, with the attempt that has changed them
    """
    from airflow.providers.common.compat.openlineage.facet import SchemaDatasetFacet, SchemaDatasetFacetFields

    fields = []
    for column in columns:
        change, who = changes.get(column.lower(), (None, ""))
        told = f"schema_changed by {who}: {change}" if change else None
        fields.append(
            SchemaDatasetFacetFields(name=column, type=change.after if change else None, description=told)
        )
    return SchemaDatasetFacet(fields=fields)


def _columns(namespace: str, table: str, tables: TablesMatched) -> DatasetFacet:
    from airflow.providers.common.compat.openlineage.facet import (
        ColumnLineageDatasetFacet,
        Fields,
        InputField,
    )

    pairs = zip(tables.read, tables.written, strict=False)
    return ColumnLineageDatasetFacet(
        fields={
            written: Fields(
                inputFields=[InputField(namespace, table, read)],
                transformationType="IDENTITY",
                transformationDescription="",
            )
            for read, written in pairs
        }
    )


def _tables_of(query: str, source: Server, schema: str | None) -> list[str]:
    """Return the tables that a query reads, as far as OpenLineage's parser can tell."""
    from airflow.providers.openlineage.sqlparser import SQLParser

    dialect = source.namespace.partition(":")[0]
    parsed = SQLParser(dialect, None if dialect == "sqlite" else schema).parse(query)
    found = parsed.in_tables if parsed else []
    names = (f"{table.schema}.{table.name}" if table.schema else table.name for table in found)
    return sorted(source.name(name.upper() if dialect == "oracle" else name) for name in names)
