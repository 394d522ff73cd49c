"""One moment of the source for all attempts of a load, for all partitions of a plan, and for several tables."""

from __future__ import annotations

from dataclasses import replace

from airflow_checkpoint_provider.engine.model.checkpoint import MOMENT, NULL_KEYS, Checkpoint, Load
from airflow_checkpoint_provider.engine.model.errors import (
    InvalidCheckpointError,
    MomentGoneError,
    SourceChangedError,
)
from airflow_checkpoint_provider.engine.model.events.steps import StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import Observer
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext


def reads_moment(context: AttemptContext) -> bool:
    """Return whether the load reads the source as of one moment."""
    return bool(context.spec.as_of or _planned(context))


def check_source(context: AttemptContext) -> None:
    """
    Check, before the checkpoint is claimed, that the source can be read as asked.

    :raises ArgumentError: when it has no moments
    :raises SourceError: when the user may not query one, or rows without a key would be left out
    """
    if not reads_moment(context):
        context.strategy.check()
    elif not (context.spec.moment or _planned(context) or _will_be_held(context)):
        context.session.source.newest_moment()  # rows without a key are searched for at the moment


def take_moment(
    context: AttemptContext, observe: Observer, *, renewed: bool = False
) -> tuple[Load, list[str]]:
    """
    Read the source from now on as of a moment, and check for rows without a key there.

    It is that of the plan, or the one that the load shares with others, or else a new one.

    :param renewed: the moment that the load shares with others is gone
    :return: the load with the moment, for later attempts, and warnings for a person
    :raises SourceError: when rows would be left out
    :raises MomentGoneError: when the plan's moment, or the shared one, cannot be read any more
    """
    if not reads_moment(context):
        return context.load, []
    source = context.session.source
    if given := _planned(context) or ("" if renewed else context.spec.moment):
        _read_as_of(context, given, observe)
    else:
        source.read_as_of_now()
        observe(_step(context))
    context.strategy.check()
    # Rows do not change at a moment that has passed.
    known = {NULL_KEYS: "none"} if context.spec.on_null_key == "fail" else {}
    load = replace(context.load, fingerprint={**context.load.fingerprint, MOMENT: source.moment, **known})
    return load, _apart(context, source.moment)


def go_on_at_moment(context: AttemptContext, checkpoint: Checkpoint, observe: Observer) -> list[str]:
    """
    Read the source as of the moment at which the load has begun.

    :return: warnings for a person
    :raises InvalidCheckpointError: when the checkpoint has none
    :raises MomentGoneError: when it cannot be read any more
    """
    if not reads_moment(context):
        return []
    moment = checkpoint.fingerprint.get(MOMENT)
    if not moment:
        raise InvalidCheckpointError(
            "The checkpoint does not say which moment of the source its load reads. Clear the task to load from the "
            "start."
        )
    _read_as_of(context, moment, observe)
    if NULL_KEYS not in checkpoint.fingerprint:
        context.strategy.check()
    return _apart(context, moment)


def starts_over(spec: TransferSpec, error: SourceChangedError) -> bool:
    """Return whether a load whose source has changed starts over by itself; a plan's moment cannot be replaced."""
    return spec.on_source_change == "reload" and not (spec.part and isinstance(error, MomentGoneError))


def is_renewed(spec: TransferSpec, error: BaseException) -> bool:
    """Return whether a load whose moment is gone begins again at another one."""
    return isinstance(error, MomentGoneError) and starts_over(spec, error)


def _read_as_of(context: AttemptContext, moment: str, observe: Observer) -> None:
    context.session.source.read_as_of(moment)
    observe(_step(context))


def _step(context: AttemptContext) -> StepBegun:
    return StepBegun(f"Reading {context.spec.source_table} as of {context.session.source.moment}")


def _apart(context: AttemptContext, moment: str) -> list[str]:
    """Warn of a table that is read as of another moment than those that it belongs to."""
    shared = context.spec.moment
    if shared in ("", moment):
        return []
    return [
        f"{context.spec.source_table} is read as of {moment}, because {shared}, the moment of the tables that it "
        "belongs to, is gone: rows that refer to each other may be missing on one side. Clear all of these tables to "
        "load them as of one moment."
    ]


def _will_be_held(context: AttemptContext) -> bool:
    """Return whether a task will hold the moment of a load that is planned, and not run."""
    return bool(context.spec.as_of_task_id) and context.session.source.dialect.holds_moments


def _planned(context: AttemptContext) -> str:
    return context.spec.part.moment if context.spec.part else ""
