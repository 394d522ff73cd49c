"""Every error a user can meet. Each message says what happened and what to do next."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.model.masking import masked

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}

_BREAKS = {**_CONTROLS, 9: "\\t", 10: "\\n", 13: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def one_line(error: BaseException) -> str:
    """What an error says: without passwords, control characters and the statement that SQLAlchemy adds to it."""
    cause = getattr(error, "orig", None) or error
    text = masked(str(cause)).partition("\nHelp: https://")[0]  # which oracledb adds
    return written_out(" ".join(text.split())) or type(cause).__name__


def written_out(text: str) -> str:
    """Write out control characters: a log and a terminal show them as they are, and obey none."""
    return text.translate(_CONTROLS)


def on_one_line(text: str) -> str:
    """Write out line breaks, too: what is in a value begins no line of a log."""
    return text.translate(_BREAKS)


def shortened(text: str) -> str:
    """Cut a value for a message."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def interruption(error: BaseException) -> BaseException | None:
    """Return what asked an attempt to end, if an error is that or came up while tidying up behind it."""
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
    """A retry does not cure it: first somebody has to change the task, the rows or a table."""


class ArgumentError(PermanentError, ValueError):
    """An argument is wrong, or contradicts another one."""


class SourceError(CheckpointError):
    """The source cannot be read as asked."""


class SourceMismatchError(SourceError, PermanentError):
    """The source does not have what the task asks of it, or has it in a form that cannot be carried over."""


class SourceOrderError(SourceError):
    """
    The source returns rows in another order than it compares them.

    Some may have been passed over, so no attempt goes on from the position: the next one starts over.
    """


class DestinationError(CheckpointError):
    """The destination cannot be written as asked."""


class DestinationMismatchError(DestinationError, PermanentError):
    """The destination does not have what the task asks of it, or has it in a form that cannot be written."""


class BadRowsError(DestinationError, PermanentError):
    """
    The destination refuses rows for what is in them.

    :param reason: what is wrong with them, without what becomes of the batch
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = masked(reason or message)


class TooManyBadRowsError(PermanentError):
    """The destination refuses more rows of a load than ``max_rejected_rows`` allows."""


class StageError(DestinationError):
    """What is staged for a destination is not what was written to it, or not all of it."""


class CannotConnectError(CheckpointError):
    """A database does not answer, or does not let us in."""


class NoAnswerError(CannotConnectError):
    """A database that is only read has not answered a statement in the time that it has for one."""


class ConnectionGoneError(CheckpointError):
    """The network has failed under a driver, which has no error of its own for that."""


class UnsupportedDatabaseError(PermanentError):
    """The connection's database or driver cannot do what the transfer needs."""


class InvalidCheckpointError(PermanentError):
    """A stored position cannot be read, or is not of the column's type any more."""


class SourceChangedError(PermanentError):
    """The query, its columns, its key or its rows are not those that the checkpoint was made from."""


class MomentGoneError(SourceChangedError):
    """The source cannot be read any more as it was at the moment that the load reads."""


class WouldDuplicateError(PermanentError):
    """Going on would write rows to the destination that are already there."""


class TableInUseError(CheckpointError):
    """A table would be emptied while another load is writing it."""


class StaleRunError(PermanentError):
    """A run that is not the newest one was cleared, with a checkpoint that spans runs."""


class FencedError(CheckpointError):
    """Another attempt has taken over the checkpoint: this one may not write any more."""


class CheckpointDeletedError(FencedError):
    """Somebody has deleted the checkpoint while an attempt was at work."""


class CheckpointLockedError(CheckpointError):
    """Another attempt holds the checkpoint's row, and did not let go in time."""


class StoppedError(BaseException):
    """
    The attempt is asked to end now, in the midst of whatever it does.

    Not an ``Exception``, so that nothing between the signal and the transfer takes it for a failure of its own.
    """


class NewerFormatError(CheckpointError):
    """The metadata table was written by a newer version of this package."""


class MetadataTableError(CheckpointError):
    """The metadata table does not exist and cannot or may not be created."""


class ConnectionLostError(CheckpointError):
    """A connection was lost more often than ``max_reconnects`` allows."""


class VerificationError(PermanentError):
    """The destination does not have what the source has, all batches being committed."""


class AwaitedLoadError(CheckpointError):
    """A load that somebody waits for will not come as far as that by itself."""


class LoadStalledError(AwaitedLoadError):
    """A load that somebody waits for has committed nothing for too long."""


class LoadFailedError(AwaitedLoadError):
    """A load that somebody waits for has failed, or is complete without what was waited for."""
