"""Reading ahead: in order, within its limit, and ended at once by either side."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace

import pytest

from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_stream import Packed
from airflow_checkpoint_provider.engine.databases.rows.blocks import Rows
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.transfer.batches import prefetch
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk
from airflow_checkpoint_provider.engine.transfer.batches.prefetch import ReadAhead, ReadInPauses
from airflow_checkpoint_provider.engine.transfer.transfer import few_collections
from tests.support.waiting import wait_for


class BrokenError(Exception):
    """The error of the source."""


def chunk(number: int) -> Chunk:
    return Chunk(Rows([(number,)]), Position(rows=number))


def numbers(chunks: ReadAhead) -> list[int]:
    return [chunk.rows.first[0] for chunk in chunks]


def no_statement() -> None:
    raise AssertionError("nothing has to be interrupted")


def stuck(interrupted: threading.Event, released: threading.Event) -> Generator[Chunk]:
    """Yield one chunk, and nothing more until the statement is interrupted."""
    try:
        yield chunk(1)
        interrupted.wait(30)
        raise BrokenError("canceling statement due to user request")
    finally:
        released.set()


def wait_until(condition: Callable[[], bool]) -> None:
    wait_for(condition, "the thread that reads", timeout=5, interval=0.005)


def test_everything_arrives_in_order() -> None:
    ahead = ReadAhead((chunk(n) for n in range(1_000)), no_statement, no_statement)
    assert numbers(ahead) == list(range(1_000))
    ahead.close()


def test_it_reads_while_nobody_asks_but_not_without_limit() -> None:
    read: list[int] = []

    def source() -> Generator[Chunk]:
        for n in range(100):
            read.append(n)
            yield chunk(n)

    ahead = ReadAhead(source(), lambda: None, no_statement)
    wait_until(lambda: len(read) >= 8)
    time.sleep(0.05)
    assert len(read) < 12
    ahead.close()


def test_an_error_of_the_source_comes_before_what_was_read_ahead_of_it() -> None:
    failed = threading.Event()

    def source() -> Generator[Chunk]:
        yield chunk(1)
        yield chunk(2)
        failed.set()
        raise BrokenError("the table is gone")

    ahead = ReadAhead(source(), no_statement, no_statement)
    failed.wait(5)
    wait_until(lambda: not ahead._thread.is_alive())
    with pytest.raises(BrokenError, match="the table is gone") as caught:
        next(ahead)
    assert "source" in [entry.name for entry in caught.traceback]
    ahead.close()


def test_closing_interrupts_a_statement_and_releases_the_source() -> None:
    interrupted, released = threading.Event(), threading.Event()
    ahead = ReadAhead(stuck(interrupted, released), interrupted.set, no_statement)
    assert next(ahead).rows.first == (1,)
    began = time.monotonic()
    ahead.close()
    assert released.is_set()
    assert time.monotonic() - began < 5


def test_closing_cuts_a_statement_that_cannot_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "PATIENCE_S", 0.1)
    cut, released = threading.Event(), threading.Event()

    def source() -> Generator[Chunk]:
        try:
            cut.wait(30)
            time.sleep(0.2)
            yield chunk(1)
        finally:
            released.set()

    ahead = ReadAhead(source(), lambda: None, cut.set)
    ahead.close()
    assert cut.is_set()
    assert released.is_set(), "the connection would have been closed under the thread"


def test_closing_ends_a_reader_that_waits_for_room() -> None:
    released = threading.Event()

    def source() -> Generator[Chunk]:
        try:
            for n in range(100):
                yield chunk(n)
        finally:
            released.set()

    ahead = ReadAhead(source(), lambda: None, no_statement)
    wait_until(lambda: len(ahead._waiting) == 8)
    ahead.close()
    assert released.is_set()


def test_in_pauses_everything_arrives_in_order_whoever_reads() -> None:
    ahead = ReadInPauses((chunk(n) for n in range(1_000)), lambda: None, no_statement)
    found = []
    for number, each in enumerate(ahead):
        found.append(each.rows.first[0])
        if number % 7 == 0:
            ahead.read_on()
        if number % 49 == 0:
            time.sleep(0.001)
    assert found == list(range(1_000))
    ahead.close()


@pytest.mark.parametrize(("size", "most"), [(0, 32), (600_000, 2)])
def test_in_pauses_it_reads_only_then_and_not_without_limit(size: int, most: int) -> None:
    readers: list[str] = []

    def source() -> Generator[Chunk]:
        for n in range(100):
            readers.append(threading.current_thread().name)
            packed = Packed(bytes(size), 1, True, (b"%d" % n,) * 2, lambda row: (int(row),))
            yield replace(chunk(n), rows=packed)

    ahead = ReadInPauses(source(), lambda: None, no_statement)
    next(ahead)
    time.sleep(0.05)
    assert readers == ["MainThread"]
    ahead.read_on()
    wait_until(lambda: len(readers) >= 1 + most)
    time.sleep(0.05)
    assert readers == ["MainThread"] + ["checkpoint-read-ahead"] * most
    assert [next(ahead).rows.first for _ in range(most + 1)] == [(n,) for n in range(1, most + 2)]
    assert readers[most + 1 :] == ["MainThread"]
    ahead.close()


def test_in_pauses_what_was_read_does_not_wait_for_a_read_that_takes_long() -> None:
    interrupted = threading.Event()

    def source() -> Generator[Chunk]:
        yield from (chunk(n) for n in range(3))
        interrupted.wait()

    ahead = ReadInPauses(source(), interrupted.set, no_statement)
    next(ahead)
    ahead.read_on()
    wait_until(lambda: len(ahead._waiting) == 2)
    assert [next(ahead).rows.first for _ in range(2)] == [(1,), (2,)]
    ahead.close()


def test_in_pauses_an_error_of_the_source_is_its_own() -> None:
    def source() -> Generator[Chunk]:
        yield chunk(1)
        raise BrokenError("the table is gone")

    ahead = ReadInPauses(source(), lambda: None, no_statement)
    next(ahead)
    ahead.read_on()
    wait_until(lambda: not ahead._thread.is_alive())
    with pytest.raises(BrokenError, match="the table is gone"):
        next(ahead)
    ahead.close()


def test_in_pauses_closing_interrupts_what_the_thread_waits_for_and_nothing_else() -> None:
    interrupted, released = threading.Event(), threading.Event()
    ahead = ReadInPauses(stuck(interrupted, released), interrupted.set, no_statement)
    next(ahead)
    ahead.read_on()
    wait_until(lambda: ahead._busy)
    ahead.close()
    assert interrupted.is_set()
    assert released.is_set()
    idle = ReadInPauses((chunk(n) for n in range(9)), no_statement, no_statement)
    next(idle)
    idle.close()


def test_collections_are_rarer_and_then_as_before() -> None:
    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before


def test_transfers_side_by_side_leave_collections_as_before() -> None:
    before = gc.get_threshold()
    one, other = few_collections(), few_collections()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    other.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_a_collector_that_is_off_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0, *before[1:])
    try:
        with few_collections():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
