"""What an attempt checks before it claims the checkpoint, and how it decides on its action; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Action, Decision, Request, Wishes, decide
from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, StageError
from airflow_checkpoint_provider.engine.model.events.transfer import Observer
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.store.neighbours import Emptied
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.fingerprint import emptied_table
from airflow_checkpoint_provider.engine.transfer.late_key.choice import refuse_lacking
from airflow_checkpoint_provider.engine.transfer.schema_changes.comparison import (
    compared_with,
    told_ignored,
    why_not_on,
    why_not_staged,
)
from airflow_checkpoint_provider.engine.transfer.starting.committed_rows import lost_rows
from airflow_checkpoint_provider.engine.transfer.starting.duplicates import refuse_duplicates
from airflow_checkpoint_provider.engine.transfer.starting.moment import (
    check_source,
    go_on_at_moment,
    starts_over,
)
from airflow_checkpoint_provider.engine.transfer.starting.preoperator import (
    check_preoperator,
    deleted_slices,
    empties,
)
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import (
    hidden_references,
    untold_changes,
)
from airflow_checkpoint_provider.engine.transfer.starting.table_creation import (
    refuse_creation,
    refuse_lost_table,
)


def preparations(context: AttemptContext) -> dict[str, Callable[[], None]]:
    """
    Return the checks before the claim, but for those of the table; none needs the outcome of another.

    :return: by the part of the load that they are about
    """
    spec = context.spec
    checks: dict[str, Callable[[], None]] = {"source": partial(check_source, context)}
    if context.new_table:
        checks["destination"] = partial(refuse_creation, spec, context.new_table)
    elif context.key.lacking:
        checks["destination"] = partial(refuse_lacking, context.session.destination, context.key.lacking)
    if spec.preoperator:
        checks["preoperator"] = partial(check_preoperator, spec, context.session.destination)
    return checks


def choose_action(context: AttemptContext, stored: Checkpoint | None, request: Request | None) -> Decision:
    """
    Decide on the action, by the stored checkpoint and the request.

    :raises CheckpointError: when the attempt cannot go on, and may not start over
    """
    spec = context.spec
    wishes = Wishes(spec.on_clear, spec.on_source_change, spec.force_reload, spec.scope == "task")
    load = context.load.fingerprint
    if stored:
        wishes, load = (
            replace(wishes, new_columns=why_not_on(context, stored)),
            compared_with(context, stored),
        )
    decision = decide(stored, context.attempt, wishes, request, load)
    if stored and context.new_table:
        refuse_lost_table(context.new_table, stored, decision)
    elif stored and decision.action is Action.START:
        refuse_duplicates(context, stored, decision)
    return decision


def check_resuming(context: AttemptContext, checkpoint: Checkpoint, observe: Observer) -> list[str]:
    """
    Make sure that a load can go on from its stored position; from then on the source is read as of its moment.

    :return: warnings for a person
    :raises InvalidCheckpointError: when the position is not one of the columns as they are now
    :raises SourceChangedError: when the source has no key as great any more, or its moment is gone
    :raises StageError: when the stage is gone, or its rows are, or it keeps less than the table
    :raises DestinationMismatchError: when the committed rows are gone
    """
    strategy = context.strategy
    apart = [] if checkpoint.is_seeded else go_on_at_moment(context, checkpoint, observe)
    strategy.check_stored(checkpoint.position.key, checkpoint.start.key, checkpoint.upper)
    with reading(context.session.destination.connection):
        _find_stage(context)
    strategy.check_position(checkpoint.position, checkpoint.upper)
    return [*context.session.source.doubts, *apart, *lost_rows(context, checkpoint)]


def begin_instead(
    context: AttemptContext, checkpoint: Checkpoint, error: StageError | SourceChangedError
) -> Decision:
    """
    Decide what becomes of a load that cannot go on.

    :raises CheckpointError: when it may not start over by itself
    """
    if isinstance(error, StageError):  # the stage holds all rows of the load, and is not published
        return Decision(Action.START, f"{error}: starting from the beginning")
    if not starts_over(context.spec, error):
        raise error
    decision = Decision(Action.START, f"{error} Starting from the beginning")
    refuse_duplicates(context, checkpoint, decision)
    return decision


def find_range(context: AttemptContext, start: Position) -> tuple[Key | None, list[str]]:
    """
    Find the end of the range that a load reads which begins at ``start``.

    :return: the upper bound, and warnings for a person
    :raises SourceError: when the source sorts otherwise than it compares, or has nothing as great as the mark
    """
    strategy = context.strategy
    strategy.check_stored(start.key)
    upper = strategy.upper_bound()
    marked = strategy.check_mark(start.key, upper) if context.spec.scope == "task" else ()
    return upper, [*context.session.source.doubts, *marked]


def _find_stage(context: AttemptContext) -> None:
    if not context.stage:
        return
    if not context.stage.is_there():
        raise StageError(f"The stage {context.stage.table} is not there any more")
    if why := why_not_staged(context):
        raise StageError(why)
    context.stage.take()


def emptied_by(context: AttemptContext, *, begins: bool) -> Emptied | None:
    """
    Return the description, for the store, of a table about to lose rows; ``None`` for one that keeps them.

    :param begins: the load begins at the very beginning, so that the preoperator runs
    """
    spec, session = context.spec, context.session
    script, replaces = spec.preoperator if begins else None, spec.write_mode == "replace"
    by_script = script and empties(script, session.destination)
    deleted = deleted_slices(script, session.destination) if script else frozenset()
    if not by_script and not deleted and not replaces:
        return None
    part = spec.part if replaces and not by_script else None
    slices = frozenset() if replaces or by_script else deleted
    return emptied_table(session.destination, separate=session.separate, part=part, slices=slices)


def table_warnings(context: AttemptContext, destination: Destination, *, deletes: bool) -> list[str]:
    """
    Return warnings about what the server may do to rows of the destination, or to others with them.

    :param destination: its facts are known
    :param deletes: rows of it are deleted
    """
    hidden = hidden_references(destination) if deletes else []
    return [*untold_changes(context.spec, destination), *hidden, *told_ignored(context)]
