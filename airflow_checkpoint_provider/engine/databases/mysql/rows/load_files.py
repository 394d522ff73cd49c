"""Files for LOAD DATA LOCAL that are on no disk: in memory, or a FIFO."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path
from tempfile import TemporaryDirectory
from termios import FIONREAD
from threading import Event, Thread
from typing import BinaryIO

_WHILE_IT_IS_READ = 0.001
"""Seconds between two questions whether the rest of a FIFO has been read."""


def has_memory_files() -> bool:
    """Return whether this system has files in memory."""
    return hasattr(os, "memfd_create")


@contextmanager
def in_memory(data: bytes) -> Iterator[str]:
    """
    Write data to a file in memory, and yield its path in this process.

    :raises OSError: before it yields, when there is no room for it, or no descriptor
    """
    with os.fdopen(os.memfd_create("airflow_checkpoint"), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


@contextmanager
def through_fifo(data: bytes) -> Iterator[str]:
    """
    Yield the path of a FIFO through which data can be read once.

    Both ends are open before there is a reader, so that nobody waits for an end that cannot be opened.

    :param data: at least one byte
    :raises OSError: before it yields, when there is no FIFO, or no descriptor for each end and for the reader
    """
    left = Event()
    with TemporaryDirectory(prefix="airflow_checkpoint_") as folder:
        path = Path(folder, "rows")
        os.mkfifo(path, 0o600)
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as reading, path.open("wb") as file:
            os.close(os.dup(file.fileno()))  # one is left for the reader
            writer = Thread(target=_write, args=(file, data, left), daemon=True)
            writer.start()
            try:
                yield str(path)
            finally:
                left.set()
                reading.close()  # ends a write that waits for a reader
                writer.join()


def _write(file: BinaryIO, data: bytes, left: Event) -> None:
    """Write data, and close the file when a reader has read all of it: one that comes later would wait for a writer."""
    with suppress(BrokenPipeError), file:
        file.write(data)
        file.flush()
        while _unread(file) and not left.wait(_WHILE_IT_IS_READ):
            pass


def _unread(file: BinaryIO) -> int:
    return int.from_bytes(ioctl(file, FIONREAD, bytes(4)), sys.byteorder)
