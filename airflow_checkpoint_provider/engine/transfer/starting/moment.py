"""One moment of the source for all attempts of a load, and for all partitions of a plan."""

from __future__ import annotations

from dataclasses import replace

from airflow_checkpoint_provider.engine.model.checkpoint import MOMENT, NULL_KEYS, Checkpoint, Load
from airflow_checkpoint_provider.engine.model.errors import (
    InvalidCheckpointError,
    MomentGoneError,
    SourceChangedError,
)
from airflow_checkpoint_provider.engine.model.events import Observer
from airflow_checkpoint_provider.engine.model.steps import StepBegun
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
    if reads_moment(context):  # rows without a key are searched for at that moment
        context.session.source.newest_moment()
    else:
        context.strategy.check()


def take_moment(context: AttemptContext, observe: Observer) -> Load:
    """
    Read the source from now on as of a new moment, or as of that of the plan, and check for rows without a key there.

    :return: the load with the moment, for later attempts
    :raises SourceError: when rows would be left out
    :raises MomentGoneError: when the plan's moment cannot be read any more
    """
    if not reads_moment(context):
        return context.load
    source = context.session.source
    _read_as_of(context, _planned(context) or source.newest_moment(), observe)
    context.strategy.check()
    # Rows do not change at a moment that has passed.
    known = {NULL_KEYS: "none"} if context.spec.on_null_key == "fail" else {}
    return replace(context.load, fingerprint={**context.load.fingerprint, MOMENT: source.moment, **known})


def go_on_at_moment(context: AttemptContext, checkpoint: Checkpoint, observe: Observer) -> None:
    """
    Read the source as of the moment at which the load has begun.

    :raises InvalidCheckpointError: when the checkpoint has none
    :raises MomentGoneError: when it cannot be read any more
    """
    if not reads_moment(context):
        return
    moment = checkpoint.fingerprint.get(MOMENT)
    if not moment:
        raise InvalidCheckpointError(
            "The checkpoint does not say which moment of the source its load reads. Clear the task to load from the "
            "start."
        )
    _read_as_of(context, moment, observe)
    if NULL_KEYS not in checkpoint.fingerprint:
        context.strategy.check()


def starts_over(spec: TransferSpec, error: SourceChangedError) -> bool:
    """Return whether a load whose source has changed starts over by itself; a plan's moment cannot be replaced."""
    return spec.on_source_change == "reload" and not (spec.part and isinstance(error, MomentGoneError))


def is_renewed(spec: TransferSpec, error: BaseException) -> bool:
    """Return whether a load whose moment is gone begins again at another one."""
    return isinstance(error, MomentGoneError) and starts_over(spec, error)


def _read_as_of(context: AttemptContext, moment: str, observe: Observer) -> None:
    context.session.source.read_as_of(moment)
    observe(StepBegun(f"Reading {context.spec.source_table} as of {moment}"))


def _planned(context: AttemptContext) -> str:
    return context.spec.part.moment if context.spec.part else ""
