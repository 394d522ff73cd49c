"""Choosing the route of rows: whole, as one server writes them and the other reads them, or as Python values."""

from __future__ import annotations

from dataclasses import replace

from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute, RowUse
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.strategies.choose import Strategy


def choose_route(
    spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns, by_values: str = ""
) -> RowRoute:
    """
    Choose the fastest route that gives the same result as Python values; choosing changes nothing.

    The destination must be prepared: its columns decide.

    :param by_values: why a provisional route has failed
    """
    route = _choose(spec, session, strategy, columns, by_values)
    if spec.rows_processor:
        return route
    source, forms = session.source, session.destination.packed_forms()
    padded = frozenset(index for index, read in enumerate(columns.read) if source.pads(read))
    return replace(route, padded=padded, kept=source.kept_places(forms, columns.read))


def _choose(
    spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns, by_values: str
) -> RowRoute:
    source, destination = session.source, session.destination
    forms = [form for form in destination.packed_forms() if form.name in source.packed_forms]
    if not forms:
        return _values(spec, session, strategy, columns)
    if reason := _why_unpacked(spec, session, strategy, columns):
        return replace(VALUES, reason=reason)
    # The proof of the python strategy reads the last row of each batch, whatever the route.
    seen = tuple(columns.read) if strategy.name == "python" else strategy.columns
    use = RowUse(tuple(columns.read), strategy.columns, seen)
    unclear = [column for column in strategy.columns if not source.tells_apart(column)]
    refused = ""
    for form in forms:
        found = source.packed_route(form, use)
        if isinstance(found, RowRoute) and found.silent and unclear:
            found = f"only the server can tell which values of {', '.join(unclear)} are equal"
        if isinstance(found, RowRoute) and found.provisional and by_values:
            found = by_values
        if isinstance(found, RowRoute):
            return replace(found, reason=refused or found.reason)
        refused = refused or found
    return replace(VALUES, reason=refused)


def _why_unpacked(spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> str | None:
    """Return why rows have to be read as Python values, if they have to."""
    if spec.rows_processor:
        return "rows_processor is set"
    if spec.on_bad_row == "reject":
        return "on_bad_row='reject' looks for the bad rows of a batch that is refused"
    if strategy.name == "python" and spec.resume_proof == "prefix":
        return "resume_proof='prefix' reads every row"
    if missing := [column for column in strategy.columns if column not in columns.read]:
        return f"{', '.join(missing)} is read but not written"
    return None


def _values(spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> RowRoute:
    source, destination = session.source, session.destination
    ends = f"from {source.dialect.title} to {destination.dialect.title}"
    route = replace(VALUES, reason=ends)
    if strategy.name != "key":
        return route
    digits = {}
    if not spec.rows_processor:  # it is given values of Python's types
        pairs = zip(columns.read, map(destination.text_digits, destination.columns), strict=True)
        digits = {read: kept for read, kept in pairs if kept}
    keys = strategy.columns
    return source.value_route(
        route, RowUse(tuple(columns.read), keys, keys, not destination.dialect.waits, digits)
    )
