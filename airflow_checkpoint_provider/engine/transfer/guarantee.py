"""How often a row arrives: what is guaranteed, and why."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.events import GuaranteeStated
from airflow_checkpoint_provider.engine.store.rollback_probe import rolls_back
from airflow_checkpoint_provider.engine.store.tables import Tables
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.spec import TransferSpec

EXACTLY_ONCE = "exactly-once"
AT_LEAST_ONCE = "at-least-once"


def state_guarantee(spec: TransferSpec, session: Session, *, is_there: bool = True) -> GuaranteeStated:
    """
    Say what is guaranteed, and why.

    :param is_there: the destination's table is the one that will be written, and not yet to be made
    :raises ArgumentError: when that is less than the spec asks for
    """
    if spec.stages and is_there:
        _refuse_swap(spec, session)
    if not spec.keeps_checkpoint:
        return GuaranteeStated(
            AT_LEAST_ONCE, "no checkpoint is kept, so an attempt that is repeated loads again"
        )
    if session.separate:
        return GuaranteeStated(
            AT_LEAST_ONCE,
            "the checkpoint is kept in another database than the rows, so a crash between the two commits "
            "writes a batch again",
        )
    rejecting = spec.on_bad_row == "reject"
    tables = Tables.named(spec.checkpoint_table)
    if reason := _why_unsafe(session, tables, is_there=is_there, rejecting=rejecting):
        if rejecting:
            raise ArgumentError(
                f"on_bad_row: {reason}. So a refused batch cannot be taken back and written again without its bad "
                "rows; use on_bad_row='fail'."
            )
        if spec.write_mode != "upsert" and not spec.allow_duplicates:
            raise ArgumentError(
                f"destination_table: {reason}. So delivery is at-least-once, and write_mode={spec.write_mode!r} may "
                "write a batch twice. Use 'upsert', or accept it with allow_duplicates=True."
            )
        return GuaranteeStated(AT_LEAST_ONCE, reason)
    return GuaranteeStated(
        EXACTLY_ONCE, "each batch and its checkpoint commit in one transaction of the destination"
    )


def _refuse_swap(spec: TransferSpec, session: Session) -> None:
    """Publishing is one transaction that changes one table, or it is nothing: no argument makes up for that."""
    destination = session.destination
    reason = destination.why_unsafe([destination.table])
    if not reason and not destination.dialect.transactional:
        if spec.keeps_checkpoint and not session.separate:
            reason = _why_unsafe(session, Tables.named(spec.checkpoint_table), is_there=True, rejecting=False)
        else:
            reason = (
                f"it is not known whether connection {destination.conn_id!r} takes back what is rolled back, which is "
                "tried out on a checkpoint that is kept there"
            )
    table = destination.table
    quoted = table.quote(destination.connection.dialect)
    if referring := destination.dialect.referrers(destination.connection, table.table, table.schema, quoted):
        raise ArgumentError(
            f"write_mode: 'replace_atomic' deletes all rows of {destination.table} before it inserts others, which "
            f"would change {', '.join(referring)}, by a foreign key ON DELETE CASCADE or SET NULL. Use 'upsert', or "
            "make it a foreign key without such an action."
        )
    if reason:
        raise ArgumentError(
            f"write_mode: 'replace_atomic' swaps all rows in one transaction of the destination, but {reason}. Use "
            "'replace', or 'upsert'."
        )


def _why_unsafe(session: Session, tables: Tables, *, is_there: bool, rejecting: bool) -> str | None:
    destination = session.destination
    metadata = [tables.checkpoint, *([tables.reject] if rejecting else [])]
    written = [TableName(table.name, table.schema) for table in metadata]
    reason = destination.why_unsafe([destination.table, *written] if is_there else written)
    if reason or destination.dialect.transactional or rolls_back(destination.connection, tables):
        return reason
    return (
        f"Connection {destination.conn_id!r} keeps what a transaction has rolled back, as a row of the metadata table "
        "has shown (autocommit may be on)"
    )
