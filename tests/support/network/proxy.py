"""A proxy with network faults: cut at a byte, stalled, silent, or cut around a COMMIT."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Protocol

_AT_ONCE = 65_536


class Framer(Protocol):
    """Splits a client's data into messages, and recognizes each COMMIT."""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]: ...


class PostgresFramer:
    """The part of Postgres's protocol used here: a type, a length, and the text of a query."""

    def __init__(self) -> None:
        self._left, self._started = b"", False

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        self._left += data
        while len(self._left) >= (5 if self._started else 8):
            type_, at = (self._left[:1], 1) if self._started else (b"", 0)
            (size,) = struct.unpack_from("!i", self._left, at)
            if len(self._left) < at + size:
                return
            message, self._left = self._left[: at + size], self._left[at + size :]
            # Before its start message, a client may request encryption or a cancellation: codes from 1234 on.
            self._started = self._started or struct.unpack_from("!H", message, 4) < (1234,)
            yield message, type_ in (b"Q", b"P") and b"COMMIT" in message[5:40].upper()


class MysqlFramer:
    """The part of MySQL's protocol used here: a length, a number, and the text of a query."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        self._left += data
        while len(self._left) >= 4:
            end = 4 + int.from_bytes(self._left[:3], "little")
            if len(self._left) < end:
                return
            message, self._left = self._left[:end], self._left[end:]
            yield message, message[4:5] == b"\x03" and message[5:].strip().upper() == b"COMMIT"


class Proxy:
    """
    Listens on a port of its own; each requested fault happens once, to the first connection that reaches it.

    :param connect: opens a connection to the server
    :param framer: for :meth:`cut_at_commit`
    """

    def __init__(
        self, connect: Callable[[], socket.socket], framer: Callable[[], Framer] = PostgresFramer
    ) -> None:
        self._connect, self._framer = connect, framer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self.passed = [0, 0]  # bytes from the server, and from the client
        self.commits = 0
        self.cuts = 0
        self._links: list[_Link] = []
        self._lock = threading.Lock()
        self._cut_at: list[int | None] = [None, None]
        self._stalls = False
        self.each_carries: int | None = None  # bytes from the server, after which any connection is cut
        self._at_commit: tuple[int, bool] | None = None
        self.flowing = threading.Event()
        self.flowing.set()

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.flowing.set()
        for link in self._links:
            link.end()

    def cut_at_byte(self, byte: int, *, from_client: bool) -> None:
        """Cut the connection that sends this byte, counted from now, before it arrives."""
        self._cut_at[from_client] = self.passed[from_client] + byte

    def stall_at_byte(self, byte: int) -> None:
        """Stop all data, as :meth:`stall` does, when a client sends this byte, counted from now."""
        self._stalls = True
        self.cut_at_byte(byte, from_client=True)

    def cut_at_commit(self, number: int, *, applied: bool) -> None:
        """Cut at a COMMIT, counted from now: either the COMMIT does not arrive, or its answer does not."""
        self._at_commit = (self.commits + number, applied)

    def mend(self) -> None:
        """Cancel the pending cuts."""
        with self._lock:
            self._cut_at, self._at_commit = [None, None], None

    def cut(self) -> None:
        """Cut all connections."""
        for link in self._links:
            link.close()

    def stall(self) -> None:
        """Stop all data; connections stay open, and new ones are accepted."""
        self.flowing.clear()

    def flow(self) -> None:
        self.flowing.set()

    def vanish(self) -> None:
        """Disappear without closing: packets of open connections, also TCP's own, are no longer answered."""
        for link in self._links:
            link.ignore_packets()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            try:
                self._links.append(_Link(self, client, self._connect()))
            except OSError:  # the server is down
                client.close()

    def admit(self, data: bytes, from_client: bool) -> bytes | None:
        """Return as much of the data as may pass, or ``None`` if all of it may."""
        with self._lock:
            before = self.passed[from_client]
            self.passed[from_client] += len(data)
            at = self._cut_at[from_client]
            if at is None or self.passed[from_client] < at:
                return None
            self._cut_at[from_client] = None
            self.cuts += 1
            return data[: max(at - before - 1, 0)]

    def stalls(self) -> bool:
        """Return whether the connection that has just reached its byte is only stalled."""
        with self._lock:
            stalls, self._stalls = self._stalls, False
            return stalls

    def wants_commit(self) -> bool | None:
        """Return whether this COMMIT is applied, or ``None`` where the connection is not cut."""
        with self._lock:
            self.commits += 1
            if self._at_commit is None or self.commits != self._at_commit[0]:
                return None
            applied, self._at_commit = self._at_commit[1], None
            self.cuts += 1
            return applied

    def messages(self) -> Framer:
        return self._framer()


class _Link:
    """A client's connection, and its counterpart to the server."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._silent = self._gone = False
        self._carried = 0
        self._pumps = [
            threading.Thread(target=self._pump, args=(from_client,), daemon=True)
            for from_client in (False, True)
        ]
        for pump in self._pumps:
            pump.start()

    def end(self) -> None:
        """Shut both ends down, and close them once no data is in transit."""
        self.close()
        for pump in self._pumps:
            pump.join(5)
        self._client.close()
        self._server.close()

    def close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def ignore_packets(self) -> None:
        self._gone = True
        # A filter that drops all packets to the socket, also those that TCP itself would answer.
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
        program = struct.pack("HxxxxxxP", 1, ctypes.addressof(nothing))
        self._client.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)

    def _pump(self, from_client: bool) -> None:
        source, sink = (self._client, self._server) if from_client else (self._server, self._client)
        messages = self._proxy.messages() if from_client else None
        with suppress(OSError):
            while self._proxy.flowing.wait() and (data := source.recv(_AT_ONCE)):
                self._proxy.flowing.wait()
                for part, is_commit in messages.feed(data) if messages else [(data, False)]:
                    if not self._pass(part, sink, from_client, is_commit):
                        break
        if not self._gone:
            self.close()

    def _pass(self, data: bytes, sink: socket.socket, from_client: bool, is_commit: bool) -> bool:
        if self._gone:
            return True
        if self._silent and not from_client:  # this is the answer to the COMMIT
            return self._end()
        if not from_client and (most := self._proxy.each_carries):
            self._carried += len(data)
            if self._carried > most:
                return self._end()
        admitted = self._proxy.admit(data, from_client)
        if admitted is not None:
            sink.sendall(admitted)
            if not self._proxy.stalls():
                return self._end()
            self._proxy.stall()
            self._proxy.flowing.wait()
            data = data[len(admitted) :]
        if is_commit and (applied := self._proxy.wants_commit()) is not None:
            if not applied:
                return self._end()
            self._silent = True
        sink.sendall(data)
        return True

    def _end(self) -> bool:
        self.close()
        return False
