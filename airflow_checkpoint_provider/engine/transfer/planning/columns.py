"""The columns of a plan: the types of both sides, and what becomes of the values."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import ColumnPlan, Verdict
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import declared_types, names_there
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.starting.new_table import NewTable
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import unread_pairs

_CHECKED = "each value is converted or checked as it is written; one that would change ends the load"
_PROCESSED = "rows_processor decides on the values; each is checked as it is written"


def plan_columns(
    spec: TransferSpec, session: Session, columns: Columns, new: NewTable | None, *, described: bool
) -> tuple[ColumnPlan, ...]:
    """
    Pair the columns, with the verdict on their types.

    :param new: the table that would be created
    :param described: whether the destination's columns are known
    """
    there = declared_types(spec, session)
    here = (
        {column.name: column.declared for column in new.columns} if new else names_there(session.destination)
    )
    refused = {index for _, _, index in unread_pairs(spec, session, columns)} if described else set()
    written = session.destination.columns if described else columns.written
    names = [column.name for column in new.columns] if new else written
    if len(names) != len(columns.read):  # a rows_processor makes columns of its own
        return tuple(
            ColumnPlan("", "", name, _found(here, name), Verdict.CONVERTED, _PROCESSED) for name in names
        )
    found = []
    for index, (read, name) in enumerate(zip(columns.read, names, strict=True)):
        source_type, destination_type = _found(there, read), _found(here, name)
        verdict, note = Verdict.CONVERTED, _PROCESSED if spec.rows_processor else _CHECKED
        if index in refused:
            verdict = Verdict.REFUSED
            note = f"have the query return CAST({read} AS {session.destination.declared(index)}) AS {read}"
        elif not spec.rows_processor and _keeps(session, source_type, destination_type):
            verdict, note = Verdict.EXACT, ""
        found.append(ColumnPlan(read, source_type, name, destination_type, verdict, note))
    return tuple(found)


def _found(types: Mapping[str, str], name: str) -> str:
    return types.get(match_column(name, list(types)) or "", "")


def _keeps(session: Session, source_type: str, destination_type: str) -> bool:
    there, here = session.source.dialect, session.destination.dialect
    if not source_type or not destination_type:
        return False
    if type(there) is type(here) and source_type.lower() == destination_type.lower():
        return True
    read, written = there.describe_type(source_type), here.describe_type(destination_type)
    return bool(read and written and written.keeps(read))
