"""``airflow checkpoint import-mapping``: loaded only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.cli.importing_positions import carry_over
from airflow_checkpoint_provider.cli.running import command, from_json
from airflow_checkpoint_provider.engine.admin.mapping_table import (
    NamedTable,
    logged_positions,
    name_of_load,
    plain,
)
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, written_out
from airflow_checkpoint_provider.engine.model.mapping_rows import WITHOUT_COLUMN, check_columns, read_row
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.operators.declaration.accepted import ACCEPTED, unknown
from airflow_checkpoint_provider.operators.declaration.written import write
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup

_LOAD = "load"
_MOST_NAMED = 5
_OF_LOG = (_LOAD, "position", "newest")


@command
def checkpoint_import_mapping(args: Any) -> None:
    """Write the declaration of the loads in a mapping table, and seed their positions."""
    columns = _pairs("--columns", args.columns, {*ACCEPTED, "enabled", _LOAD})
    check_columns(columns)
    of_log = _pairs("--log-columns", args.log_columns or (), _OF_LOG)
    if bool(args.log_table) != bool(of_log):
        raise ArgumentError(
            "--log-columns: it goes with --log-table, and names the columns of the position and the load."
        )
    if of_log and not {_LOAD, "position"} <= set(of_log):
        raise ArgumentError(
            "--log-columns: name the columns of load and position, such as load=MAPREF position=PARAM1."
        )
    if args.seed and not of_log:
        raise ArgumentError("--seed: the positions come from --log-table; name it and its columns.")
    common = {"group_id": args.group_id, "source_conn_id": args.source_conn_id}
    common["destination_conn_id"] = args.destination_conn_id
    defaults = {"defaults": from_json("--defaults", args.defaults)} if args.defaults else {}
    mapping = Mapped(columns)
    with closing(open_database(args.mapping_conn_id, "CONN_ID", team=args.team).open()) as connection:
        mapping.read(NamedTable.find(connection, args.table_name, "TABLE", "--columns"))
        logged = {}
        if of_log:
            log = NamedTable.find(connection, args.log_table, "--log-table", "--log-columns")
            logged = logged_positions(log, of_log)
    written = write({**common, **defaults, "tables": mapping.tables}, CheckpointedTransferGroup)
    print(written.text, end="")
    for line in (*mapping.told, *written.left_out):
        print(written_out(line), file=sys.stderr)
    failed = bool(written.left_out or mapping.failed)
    if of_log and written.group:
        loads = {table: load for table, load in mapping.loads.items() if table in written.tables}
        failed |= not carry_over(written.group, loads, logged, args)
        if strange := [load for load in logged if load not in mapping.every_load]:
            print(
                f"{args.log_table}: no row of {args.table_name} has the load {_some(strange)}.",
                file=sys.stderr,
            )
    if failed:
        raise SystemExit(1)


class Mapped:
    """
    The rows of a mapping table, as far as they can be read.

    :param columns: the column of each argument
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self.tables: dict[str, dict[str, Any]] = {}
        self.loads: dict[str, str | None] = {}
        self.every_load: set[str] = set()
        self.told: list[str] = []
        self.failed = False

    def read(self, table: NamedTable) -> None:
        """
        Read the rows.

        :raises ArgumentError: when the table lacks a column
        """
        arguments = {name: name for name in self._columns if name != _LOAD}
        for number, row in enumerate(table.rows(self._columns), start=1):
            given = {name: plain(value) for name, value in row.items()}
            load = name_of_load(given.get(_LOAD, given["source_table"]))
            if load is not None:
                self.every_load.add(load)
            try:
                name, own = read_row(given, arguments, number)
                if self._takes(name, own, given, number):
                    self.tables[name], self.loads[name] = own, load
            except ArgumentError as error:
                self.failed = True
                self.told.append(str(error))
        used = set(table.matching(self._columns).values())
        if rest := [name for name in table.columns if name not in used]:
            self.told.append(
                f"{table.written}: no argument stands for {', '.join(rest)}; what is there is not carried over."
            )

    def _takes(self, name: str, own: dict[str, Any], given: Mapping[str, Any], number: int) -> bool:
        if not own.pop("enabled", True):
            self.told.append(f"rows: row {number:,} ({name}): it is switched off, and left out.")
            return False
        if name in self.tables:
            raise ArgumentError(f"rows: row {number:,}: {name} has a row already; this one is left out.")
        unused = given.get("checkpoint_column")
        if own.get("strategy") in WITHOUT_COLUMN and unused:
            self.told.append(
                f"rows: row {number:,} ({name}): strategy {own['strategy']!r} uses no column; {unused} "
                "is left out."
            )
        return True


def _some(names: Sequence[str]) -> str:
    return written_out(", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else ""))


def _pairs(flag: str, given: Any, known: Any) -> dict[str, str]:
    """
    Read ``NAME=COLUMN`` of the shell.

    :param known: the names that exist
    :raises ArgumentError: when one is not of this form, or does not exist
    """
    found: dict[str, str] = {}
    for pair in given:
        name, sign, column = pair.partition("=")
        if not (name and sign and column):
            raise ArgumentError(f"{flag}: {pair!r} is not of the form NAME=COLUMN.")
        if name not in known:
            raise ArgumentError(f"{flag}: {unknown(name, known, 'name')}")
        found[name] = column
    return found
