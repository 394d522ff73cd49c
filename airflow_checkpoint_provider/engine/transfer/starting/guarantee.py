"""The delivery guarantee, and the reason for it."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.table_facts import Hazard
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.events.transfer import GuaranteeStated
from airflow_checkpoint_provider.engine.store.rollback_probe import rolls_back
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import Session

EXACTLY_ONCE = "exactly-once"
AT_LEAST_ONCE = "at-least-once"


Probe = Callable[[sa.Connection, Tables], bool]
"""Returns whether an unknown database takes back what a transaction has written to the metadata tables."""


def state_guarantee(
    spec: TransferSpec, session: Session, *, is_there: bool = True, probe: Probe = rolls_back
) -> GuaranteeStated:
    """
    Return the delivery guarantee, and the reason for it.

    :param is_there: whether the destination's table is the one that will be written, and not yet to be made
    :param probe: tries out an unknown database
    :raises ArgumentError: when that is less than the spec requires
    """
    if spec.stages and is_there:
        _refuse_swap(spec, session, probe)
    if not spec.keeps_checkpoint:
        return GuaranteeStated(
            AT_LEAST_ONCE, "no checkpoint is kept, so an attempt that is repeated loads again"
        )
    lost = session.destination.facts.hazard if is_there else None
    if session.separate and not (lost and lost.loses_rows):
        return GuaranteeStated(
            AT_LEAST_ONCE,
            "the checkpoint is kept in another database than the rows, so a crash between the two commits "
            "writes a batch again",
        )
    rejecting = spec.on_bad_row == "reject"
    tables = Tables.named(spec.checkpoint_table)
    if hazard := hazard_of(session.destination, tables, is_there=is_there, rejecting=rejecting, probe=probe):
        reason = hazard.reason
        if rejecting:
            raise ArgumentError(
                f"on_bad_row: {reason}. So a refused batch cannot be taken back and written again without its bad "
                "rows; use on_bad_row='fail'."
            )
        if hazard.loses_rows and not spec.allow_duplicates:
            raise ArgumentError(
                f"destination_table: {reason}. So the load would go on behind rows that are gone. Otherwise load "
                "without a checkpoint (checkpoint_enabled=False), or accept it with allow_duplicates=True."
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


def _refuse_swap(spec: TransferSpec, session: Session, probe: Probe) -> None:
    """Refuse to publish where one transaction cannot swap the rows: no argument makes up for that."""
    destination = session.destination
    hazard = destination.facts.hazard
    reason = hazard.reason if hazard else None
    if not reason and not destination.dialect.transactional:
        if spec.keeps_checkpoint and not session.separate:
            tables = Tables.named(spec.checkpoint_table)
            hazard = hazard_of(session.destination, tables, rejecting=False, probe=probe)
            reason = hazard.reason if hazard else None
        else:
            reason = (
                f"it is not known whether connection {destination.conn_id!r} takes back what is rolled back, which is "
                "tried out on a checkpoint that is kept there"
            )
    if reason:
        raise ArgumentError(
            f"write_mode: 'replace_atomic' swaps all rows in one transaction of the destination, but {reason}. Use "
            "'replace', or 'upsert'."
        )


def hazard_of(
    destination: Destination,
    tables: Tables,
    *,
    is_there: bool = True,
    rejecting: bool,
    probe: Probe = rolls_back,
) -> Hazard | None:
    """
    Return why rows and checkpoint may not commit together, or not stay; ``None`` where they do.

    :param destination: its facts are known, where its table is there
    :param tables: the metadata tables, in the destination's database
    :param rejecting: whether the table of rejected rows is one of them
    :param probe: tries out an unknown database
    """
    if is_there and destination.facts.hazard:
        return destination.facts.hazard
    metadata = [tables.checkpoint, *([tables.reject] if rejecting else [])]
    written = [TableName(table.name, table.schema) for table in metadata]
    on = destination.connection
    beside = [(*name.in_catalog(on.dialect)[::-1], name.quote(on.dialect)) for name in written]
    hazard = destination.dialect.hazard(on, beside)
    if hazard or destination.dialect.transactional or probe(on, tables):
        return hazard
    return Hazard(
        f"Connection {destination.conn_id!r} keeps what a transaction has rolled back, as a row of the metadata table "
        "has shown (autocommit may be on)"
    )
