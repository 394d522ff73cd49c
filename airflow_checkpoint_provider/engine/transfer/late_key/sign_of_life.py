"""The sign of life of a long step behind the last batch: from a thread, on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.events.steps import KeyBuilding
from airflow_checkpoint_provider.engine.model.events.transfer import Observer
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.late_key.choice import LateKey

EVERY_S = 5.0
_PATIENCE_S = 2.0


@contextmanager
def sign_of_life(
    context: AttemptContext, key: LateKey, begun: KeyBuilding, checkpoint: Checkpoint, observe: Observer
) -> Iterator[None]:
    """
    Report and record every few seconds how far the key has come; a key that is built sooner takes no connection.

    Behind it nothing is reported, so that the caller's record of the end is the last one. The caller may hold no lock
    on the checkpoint here.

    :param begun: the event of the beginning
    """
    ended = threading.Event()
    # Nothing depends on it: without a further connection, the key is built all the same.
    thread = threading.Thread(
        target=lambda: _tell(context, key, begun, checkpoint, observe, ended),
        name="checkpoint-sign-of-life",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_PATIENCE_S)


def _tell(
    context: AttemptContext,
    key: LateKey,
    begun: KeyBuilding,
    checkpoint: Checkpoint,
    observe: Observer,
    ended: threading.Event,
) -> None:
    began = time.monotonic()
    if ended.wait(EVERY_S):
        return
    with suppress(Exception), context.session.beside() as connection:
        store = context.store if context.session.separate else context.store.on(connection)
        while True:
            with connection.begin():
                progress = context.session.destination.dialect.late_keys.progress(connection, key.table)
            if ended.is_set():
                return
            now = replace(begun, seconds=time.monotonic() - began, progress=progress)
            observe(now)
            if not context.session.separate:  # its checkpoint is on another connection, which is in use
                with store.transaction():
                    store.note_key(Kind.KEY_BUILDING, now.line, checkpoint)
            if ended.wait(EVERY_S):
                return
