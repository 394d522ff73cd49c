"""The interface of a strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk


class Strategy(ABC):
    """
    A way to find a position in the source again.

    :param name: as the checkpoint and the log have it
    :param columns: the columns of its key, if it has one
    """

    def __init__(self, name: str, columns: Sequence[str] = ()) -> None:
        self.name = name
        self.columns = tuple(columns)

    def upper_bound(self) -> Key | None:
        """Return the last key that a load that starts now will read."""
        return None

    def check(self) -> None:  # noqa: B027
        """Check, before the first row is written, that no rows would be left out."""

    def check_stored(self, *keys: Key | None) -> None:  # noqa: B027
        """
        Make sure that a load can go on from keys of the metadata table.

        :raises InvalidCheckpointError: when one is unreadable, or of another type than the columns have now
        """

    def check_mark(self, mark: Key | None, upper: Key | None) -> Sequence[str]:
        """
        Compare the mark of earlier runs with the present keys of the source.

        :param mark: the high-water mark; ``None`` for a first run
        :param upper: the present greatest key
        :return: warnings for a person
        :raises SourceError: when the source has no key as great as the mark any more
        """
        return ()

    def check_position(self, position: Position, upper: Key | None) -> None:  # noqa: B027
        """
        Make sure that the source still has a key as great as the position.

        :param upper: the end of the range that the load reads
        :raises SourceChangedError: when it has none any more
        """

    def behind(self, position: Position, lookback: Any) -> Position:
        """
        Go back from a high-water mark.

        :raises ArgumentError: when the key is not a number or a time that ``lookback`` can be subtracted from
        """
        return position

    @abstractmethod
    def statement(self, position: Position, upper: Key | None, route: RowRoute = VALUES) -> tuple[str, Any]:
        """Return the statement that reads on from a position, with its values."""

    @abstractmethod
    def chunks(self, position: Position, upper: Key | None, route: RowRoute = VALUES) -> Generator[Chunk]:
        """Read on from a position; the first step proves that the position still holds."""

    @abstractmethod
    def describe(self, position: Position) -> str:
        """Return in a few words where reading starts."""
