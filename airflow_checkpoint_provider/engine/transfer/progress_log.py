"""Log lines on the progress of a transfer."""

from __future__ import annotations

import time
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import on_one_line
from airflow_checkpoint_provider.engine.model.events.failure import Failed
from airflow_checkpoint_provider.engine.model.events.steps import (
    KeyBuilding,
    KeyBuilt,
    LoadDescribed,
    PreoperatorRun,
    RangeFixed,
    RowsDeleted,
    SchemaChanged,
    StepBegun,
)
from airflow_checkpoint_provider.engine.model.events.transfer import (
    BatchCommitted,
    Completed,
    Event,
    GuaranteeStated,
    Published,
    Reconnecting,
    RouteChosen,
    RowsRejected,
    Started,
    StrategyChosen,
    Verified,
    Warned,
)
from airflow_checkpoint_provider.engine.store.rejected.reasons import reason_of


class _OneLineEach:
    """A logger in which no value of a row and no name can add a line, or a control sequence for a terminal."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def info(self, text: str, *values: Any) -> None:
        self._log.info("%s", on_one_line(text % values))

    def warning(self, text: str, *values: Any) -> None:
        self._log.warning("%s", on_one_line(text % values))

    def error(self, text: str, *values: Any) -> None:
        self._log.error("%s", on_one_line(text % values))


class ProgressLog:
    """
    An observer that writes a line for every event, and for batches at most one in ``every`` seconds.

    :param log: a logger
    :param every: seconds between the lines of batches, after the first few
    :param final: errors after which Airflow does not retry
    """

    always = 5  # batches that get a line each, however fast they are

    def __init__(self, log: Any, every: float = 5.0, final: tuple[type[BaseException], ...] = ()) -> None:
        self._log = _OneLineEach(log)
        self._final = final
        self._every = every
        self._last = 0.0
        self._batches = 0

    def __call__(self, event: Event) -> None:
        match event:
            case (
                LoadDescribed()
                | StepBegun()
                | PreoperatorRun()
                | RowsDeleted()
                | RangeFixed()
                | RouteChosen()
                | GuaranteeStated()
                | Published()
                | SchemaChanged()
                | KeyBuilding()
                | KeyBuilt()
            ):
                self._log.info("%s", event.line)
            case StrategyChosen():
                self._strategy(event)
            case Warned(text):
                self._log.warning("%s", text)
            case Started():
                self._started(event)
            case BatchCommitted():
                self._batch(event)
            case RowsRejected(rows, total, table, number, error):
                self._log.warning(
                    "Rejected %s rows of this batch (%s of the load), into %s; the first is row %s: %s",
                    f"{rows:,}",
                    f"{total:,}",
                    table,
                    f"{number:,}",
                    reason_of(error),
                )
            case Reconnecting(error, number, most, wait):
                self._log.warning(
                    "Connection lost (%s): reconnecting in %.1f s, %d of at most %d",
                    error,
                    wait,
                    number,
                    most,
                )
            case Verified():
                self._verified(event)
            case Failed():
                # Before the error itself, which Airflow logs when the task has ended.
                self._log.error("%s", event.line(final=isinstance(event.error, self._final)))
            case Completed(rows, total, batches, seconds):
                self._log.info(
                    "Checkpoint completed: %s rows in %s %s, %.1f s, %s rows/s (%s rows in all)",
                    f"{rows:,}",
                    f"{batches:,}",
                    "batch" if batches == 1 else "batches",
                    seconds,
                    f"{rows / seconds if seconds else 0:,.0f}",
                    f"{total:,}",
                )

    def _strategy(self, event: StrategyChosen) -> None:
        self._log.info("Strategy %s: %s", event.strategy, event.reason)
        if event.warning:
            self._log.warning("%s", event.warning)

    def _started(self, event: Started) -> None:
        if event.action == "nothing":
            self._log.info("%s (%s rows)", event.reason, f"{event.rows:,}")
        elif event.action == "resume":
            expected = f" of about {event.rows_expected:,}" if event.rows_expected else ""
            self._log.info(
                "%s %s (attempt %d, %s%s rows committed)",
                event.reason,
                event.place,
                event.try_number,
                f"{event.rows:,}",
                expected,
            )
        else:
            self._log.info("%s", event.reason)

    def _verified(self, event: Verified) -> None:
        self._log.info("Verified by %s: %s rows, %.1f s", event.method, f"{event.rows:,}", event.seconds)
        for column in event.unjudged:
            self._log.warning("Not verified: %s", column)

    def _batch(self, event: BatchCommitted) -> None:
        now = time.monotonic()
        self._batches += 1
        if self._batches > self.always and now - self._last < self._every:
            return
        self._last = now
        rate = event.attempt_rows / event.seconds if event.seconds else 0.0
        left = ""
        if event.done is not None:
            left = f", {event.done:.0%}"
            moved = event.done - event.at_start
            if moved > 0 and event.done < 1:
                left += f", about {_duration(event.seconds * (1 - event.done) / moved)} left"
        self._log.info(
            "Batch %s committed: %s rows, %s, %s rows/s%s",
            f"{event.number:,}",
            f"{event.rows:,}",
            event.place,
            f"{rate:,.0f}",
            left,
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
