"""Rows on their way into files of LOAD DATA."""

from __future__ import annotations

from collections.abc import Callable

from airflow_checkpoint_provider.engine.databases.mysql.rows.loading import Loading
from airflow_checkpoint_provider.engine.databases.rows.lines import Lines
from airflow_checkpoint_provider.engine.databases.rows.tuples import Tuples

_BYTES_AT_ONCE = 4_000_000
_STATEMENT = 1_000
"""Bytes of a packet that are not of a row."""


class FileWriter:
    """
    Collects rows until they are worth a file of their own, or the batch ends.

    :param loading: has the server read a file
    :param packet: bytes that the server accepts at a time
    :param insert: writes tuples that are not loaded
    :param refuse: raises the error for lines that are not loaded, which cannot be inserted
    """

    def __init__(
        self,
        loading: Loading,
        packet: int,
        insert: Callable[[Tuples], None],
        refuse: Callable[[int], None],
    ) -> None:
        self._loading: Loading | None = loading
        self._packet = packet
        self._insert = insert
        self._refuse = refuse
        self.begin()

    def begin(self) -> None:
        """Begin a batch."""
        self._texts: list[bytes] = []
        self._size = self._lines = 0

    def add(self, rows: Tuples | Lines) -> None:
        """Add rows; all of a batch have the same form."""
        if isinstance(rows, Lines):
            self._texts.append(rows.data)
            self._lines += len(rows)
        else:
            self._texts += rows.texts
        self._size += rows.size
        if self._size > _BYTES_AT_ONCE:
            self.send()

    def send(self) -> None:
        """Write what has been added."""
        texts, size, lines = self._texts, self._size, self._lines
        self.begin()
        if not texts:
            return
        if self._loading and max(map(len, texts)) + _STATEMENT < self._packet:
            if self._loading.take(texts, lines):
                return
            self._loading = None  # the next rows may be like these
        if lines:
            self._refuse(lines)
        self._insert(Tuples(texts, size, (), ()))
