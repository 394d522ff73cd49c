"""Keeping both databases busy: reading in a thread of its own, while earlier rows are written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator

from airflow_checkpoint_provider.engine.databases.sockets import PATIENCE_S
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk

_MOST_WAITING = 8  # chunks
_MOST_PACKED = 32  # chunks that are small
_MOST_SIZE = 1024 * 1024  # bytes, where they are not
_MOST_ALWAYS = 64  # chunks that are small, while others are written
_MOST_SIZE_ALWAYS = 4 * 1024 * 1024


class ReadAhead:
    """
    The chunks of a source, some of them read ahead.

    An error of the source is raised by the next step, before the chunks read ahead of it.

    :param chunks: only used by the thread from now on
    :param interrupt: ends a statement of the source that is running
    :param cut: makes the source's connection fail, when that did not help
    """

    _most = _MOST_WAITING
    _most_size = _MOST_SIZE

    def __init__(
        self, chunks: Generator[Chunk], interrupt: Callable[[], None], cut: Callable[[], None]
    ) -> None:
        self._chunks = chunks
        self._interrupt = interrupt
        self._cut = cut
        self._changed = threading.Condition()
        self._waiting: deque[Chunk] = deque()
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._thread = threading.Thread(target=self._read, name="checkpoint-read-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> ReadAhead:
        return self

    def __next__(self) -> Chunk:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait()
            if self._error:
                raise self._error
            if not self._waiting:
                raise StopIteration
            self._changed.notify()
            return self._waiting.popleft()

    def read_on(self) -> None:
        """Take note that the caller is about to wait for the destination."""

    def close(self) -> None:
        """Stop reading, whatever the thread is doing, and release the source."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            reading = self._is_reading
        if reading:
            self._interrupt()
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            self._cut()
            # A connection must not be closed while a thread is inside it: that ends the process.
            self._thread.join()
        self._chunks.close()

    @property
    def _is_reading(self) -> bool:
        return not self._ended

    @property
    def _is_full(self) -> bool:
        size = sum(chunk.rows.size for chunk in self._waiting)
        return len(self._waiting) >= self._most or size >= self._most_size

    def _may_read(self) -> bool:
        """Wait for room; return ``False`` at the end."""
        with self._changed:
            self._changed.notify()  # of the chunk read before
            while self._is_full and not self._closed:
                self._changed.wait()
            return not self._closed

    def _read(self) -> None:
        try:
            while self._may_read():
                self._waiting.append(next(self._chunks))
        except StopIteration:
            pass
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()


class ReadPackedAhead(ReadAhead):
    """Read as many rows ahead as a file takes, where the driver holds them and not the interpreter."""

    _most = _MOST_ALWAYS
    _most_size = _MOST_SIZE_ALWAYS


class ReadInPauses(ReadAhead):
    """
    Read ahead only while the caller waits for the destination.

    For rows that cost little to take over: two threads that both want the interpreter would lose more than they gain.
    """

    _most = _MOST_PACKED
    _pause = _busy = False

    def __next__(self) -> Chunk:
        with self._changed:
            self._pause = False
            while not self._waiting and self._is_reading:
                self._changed.wait()
            if self._error:
                raise self._error
            if self._waiting:
                return self._waiting.popleft()
        return next(self._chunks)

    def read_on(self) -> None:
        """Read until the next chunk is requested."""
        with self._changed:
            self._pause = True
            self._changed.notify()

    @property
    def _is_reading(self) -> bool:
        return self._busy and not self._ended

    def _may_read(self) -> bool:
        with self._changed:
            self._busy = False
            self._changed.notify()
            while not self._closed and (not self._pause or self._is_full):
                self._changed.wait()
            self._busy = not self._closed
            return self._busy
