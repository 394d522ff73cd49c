"""All errors that a user can meet. Each message names the cause and the next step."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.model.masking import masked

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}

_BREAKS = {**_CONTROLS, 9: "\\t", 10: "\\n", 13: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's own error, which SQLAlchemy may have put into one of its own."""
    return getattr(error, "orig", None) or error


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, without passwords, control characters and SQLAlchemy's statement."""
    cause = driver_error(error)
    text = masked(str(cause)).partition("\nHelp: https://")[0]  # a link that oracledb adds
    return written_out(" ".join(text.split())) or type(cause).__name__


def with_class(error: BaseException) -> str:
    """Return an error's message on one line, with its class in front unless that is all there is."""
    text, name = one_line(error), type(error).__name__
    return text if text == name else f"{name}: {text}"


def written_out(text: str) -> str:
    """Escape control characters, so that a log and a terminal show them and obey none."""
    return text.translate(_CONTROLS)


def on_one_line(text: str) -> str:
    """Escape line breaks, too, so that no value begins a line of a log."""
    return text.translate(_BREAKS)


def shortened(text: str) -> str:
    """Cut a value for a message."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def interruption(error: BaseException) -> BaseException | None:
    """Return the request to end the attempt, if an error is one or was raised while cleaning up after one."""
    seen: BaseException | None = error
    while seen is not None:
        if not isinstance(seen, (Exception, GeneratorExit)):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


class CheckpointError(Exception):
    """Base of all errors raised by the provider; a message may show a value, but no password of a connection."""

    def __init__(self, message: object = "") -> None:
        super().__init__(masked(str(message)))


class PermanentError(CheckpointError):
    """An error that no retry cures: the task, the rows or a table must be changed first."""


class ArgumentError(PermanentError, ValueError):
    """An argument is wrong, or contradicts another one."""


class SourceError(CheckpointError):
    """The source cannot be read as asked."""


class SourceMismatchError(SourceError, PermanentError):
    """The source lacks something that the task needs, or has it in a form that cannot be transferred."""


class SourceOrderError(SourceError):
    """
    The source returns rows in another order than it compares them.

    Rows may have been skipped, so no attempt resumes at the position: the next one starts over.
    """


class DestinationError(CheckpointError):
    """The destination cannot be written as asked."""


class DestinationMismatchError(DestinationError, PermanentError):
    """The destination lacks something that the task needs, or has it in a form that cannot be written."""


class BadRowsError(DestinationError, PermanentError):
    """
    The destination refuses rows because of their values.

    :param reason: the fault of the rows, without the consequences for the batch
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = masked(reason or message)


class RaisedBatchError(DestinationError):
    """A trigger has raised, in its own words, an error that passes when the server raises it: about a row, or not."""


class TooManyBadRowsError(PermanentError):
    """The destination refuses more rows of a load than ``max_rejected_rows`` allows."""


class StageError(DestinationError):
    """The staged rows of a destination are not the rows that were written, or not all of them."""


class CannotConnectError(CheckpointError):
    """A database does not answer, or refuses the connection."""


class NoAnswerError(CannotConnectError):
    """A database that is only read has not answered a statement within the time limit."""


class ConnectionGoneError(CheckpointError):
    """The network has failed under a driver that has no error of its own for that."""


class UnsupportedDatabaseError(PermanentError):
    """The connection's database or driver cannot do what the transfer needs."""


class InvalidCheckpointError(PermanentError):
    """A stored position cannot be read, or no longer has the column's type."""


class SourceChangedError(PermanentError):
    """The query, its columns, its key or its rows differ from those that the checkpoint was made from."""


class MomentGoneError(SourceChangedError):
    """The source can no longer be read as of the moment that the load reads."""


class MomentGoneAgainError(SourceError):
    """
    The moment at which a load has begun again, because an earlier one was gone, is gone as well.

    The next attempt begins again at a newer one.
    """


class WouldDuplicateError(PermanentError):
    """Going on would write rows that the destination already has."""


class TableInUseError(CheckpointError):
    """A table would be emptied while another load is writing it."""


class StaleRunError(PermanentError):
    """A run that is not the newest one was cleared, with a checkpoint that spans runs."""


class FencedError(CheckpointError):
    """Another attempt has taken over the checkpoint: this one may not write any more."""


class CheckpointDeletedError(FencedError):
    """The checkpoint was deleted while an attempt was running."""


class CheckpointLockedError(CheckpointError):
    """Another attempt holds the checkpoint's row, and did not release it in time."""


class StoppedError(BaseException):
    """
    The attempt is asked to end at once.

    Not an ``Exception``, so that no code between the signal and the transfer handles it as a failure of its own.
    """


class NewerFormatError(CheckpointError):
    """The metadata table was written by a newer version of this package."""


class MetadataTableError(CheckpointError):
    """The metadata table does not exist and cannot or may not be created."""


class ConnectionLostError(CheckpointError):
    """A connection was lost, or a statement ended by the server, more often than ``max_reconnects`` allows."""


class VerificationError(PermanentError):
    """All batches are committed, but the rows of the destination differ from those of the source."""


class AwaitedLoadError(CheckpointError):
    """An awaited load will not meet the wait condition by itself."""


class LoadStalledError(AwaitedLoadError):
    """An awaited load has committed nothing for too long."""


class LoadFailedError(AwaitedLoadError):
    """An awaited load has failed, or is complete without meeting the wait condition."""
