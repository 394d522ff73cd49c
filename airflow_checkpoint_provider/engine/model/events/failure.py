"""The failure of an attempt: what is committed, and what follows."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.errors import (
    FencedError,
    PermanentError,
    SourceOrderError,
    StageError,
    StoppedError,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """
    An attempt has ended with an error.

    :param error: the error itself
    :param batches: batches committed by the attempt
    :param rows: rows committed by the attempt
    :param rows_total: committed rows of the load
    :param place: the committed position, in words; empty at the beginning
    :param kept: whether there is a checkpoint to resume from
    :param claimed: whether the attempt had claimed it
    :param try_number: of the attempt
    :param tries: the most tries that there can be
    """

    error: BaseException
    batches: int
    rows: int
    rows_total: int
    place: str
    kept: bool
    claimed: bool
    try_number: int
    tries: int

    def line(self, *, final: bool = False) -> str:
        """
        Return one line on the committed rows and what follows.

        :param final: Airflow does not retry after this error
        """
        following = self._following(final=final)
        return f"{self._what} {self._done}{f'; {following}' if following else ''}"

    @property
    def _what(self) -> str:
        if isinstance(self.error, FencedError):
            return "Ended"
        return "Stopped" if isinstance(self.error, (StoppedError, KeyboardInterrupt)) else "Failed"

    @property
    def _done(self) -> str:
        at = f", {self.place}" if self.place else ""
        if not self.batches:
            return f"before its first batch{at}"
        batches = f"{self.batches:,} {'batch' if self.batches == 1 else 'batches'}"
        in_all = f" ({self.rows_total:,} of the load)" if self.rows_total != self.rows else ""
        return f"after {batches}, {self.rows:,} rows{in_all}{at}"

    def _following(self, *, final: bool) -> str:
        if self._what != "Failed":  # whoever ended it decides what follows
            return ""
        if isinstance(self.error, PermanentError):
            return f"no retry cures this: once the cause is gone, the next try {self._begins}"
        if final or self.try_number >= self.tries:
            return "no retry is left"
        return f"try {self.try_number + 1} of {self.tries} {self._begins}"

    @property
    def _begins(self) -> str:
        if not self.claimed:
            return "begins as this one did"
        if not self.kept or isinstance(self.error, (SourceOrderError, StageError)):
            return "starts from the beginning"
        return "resumes there" if self.place else "starts from the beginning"
