"""The socket under a connection: noticing that its other end is gone, and cutting it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

# Together two minutes, after which an end that does not even answer a probe is taken for gone. The operating system of
# a server that is merely slow answers them, however long a statement takes.
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}

_OF_NETWORKS = (socket.AF_INET, socket.AF_INET6)


def notice_gone_peer(raw: Any) -> None:
    """
    Have the system probe an idle connection, unless the user has set how.

    A firewall that drops a connection, a machine that loses its power or a failover does not close it, and reading
    would wait for ever. TCP_USER_TIMEOUT, which would limit sending as well, is not set: it also ends connections to
    a live server that has not taken the sent data for so long. The system itself gives up sending to an end that is
    gone (tcp_retries2, about a quarter of an hour).

    :param raw: the driver's connection
    """
    line = _socket_of(raw)
    if line is None:
        return
    with line, suppress(OSError):
        if line.family not in _OF_NETWORKS or _is_set_by_user(raw):
            return
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            if hasattr(socket, name):  # not on every system
                line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def goes_over_network(raw: Any) -> bool:
    """Return whether a connection goes over a network; a Unix socket ends with its other end."""
    line = _socket_of(raw)
    if line is None:
        return False
    with line:
        return line.family in _OF_NETWORKS


def cut(raw: Any, number: int | None = None) -> None:
    """
    Make every wait on a connection fail, in whichever thread it is.

    :param number: of its socket, where :func:`socket_number` has returned it before: mysqlclient does not return it to
        another thread while a statement runs
    """
    line = _socket_of(raw) if number is None else _second_handle(number)
    if line is not None:
        with line, suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        return
    # oracledb, which does not expose its socket; keepalive notices a server that does not answer.
    with suppress(Exception):
        raw.cancel()


def cutter(raw: Any) -> Callable[[], None]:
    """Return what cuts a connection from another thread, also while mysqlclient runs a statement on it."""
    number = socket_number(raw)

    def run() -> None:
        # The number of a closed connection may be another's by now.
        kept = number if socket_number(raw) is None and getattr(raw, "open", False) else None
        cut(raw, kept)

    return run


def connect_soon(connect: Callable[[], Any], seconds: float) -> Any:
    """
    Open a connection, or give up after some seconds.

    :raises TimeoutError: when the server takes longer
    """
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(connect())
        except BaseException as error:
            done.set_exception(error)

    # A thread that may be abandoned: drivers wait for minutes, and those written in C cannot be interrupted.
    threading.Thread(target=run, name="checkpoint-connect", daemon=True).start()
    return done.result(seconds)


def socket_number(raw: Any) -> int | None:
    """Return the number of a connection's socket, or ``None`` where the driver does not expose it."""
    with suppress(Exception):  # each driver has an error of its own for a closed connection
        number = _fileno(raw)
        return number if number is not None and number >= 0 else None
    return None


def _socket_of(raw: Any) -> socket.socket | None:
    number = socket_number(raw)
    return None if number is None else _second_handle(number)


def _second_handle(number: int) -> socket.socket | None:
    with suppress(OSError):
        return socket.socket(fileno=os.dup(number))
    return None


def _fileno(raw: Any) -> int | None:
    if hasattr(raw, "fileno"):  # psycopg, MySQLdb
        return int(raw.fileno())
    line = getattr(raw, "_sock", None) or getattr(
        getattr(raw, "_socket", None), "sock", None
    )  # PyMySQL; MySQL's own
    return int(line.fileno()) if line is not None else None


def _is_set_by_user(raw: Any) -> bool:
    """Return whether the connection's own parameters set keepalive, as those of Postgres may."""
    parameters: dict[str, str] = getattr(getattr(raw, "info", None), "get_parameters", dict)()
    return any(name.startswith("keepalives") or name == "tcp_user_timeout" for name in parameters)


PATIENCE_S = 2.0  # for a cancelled statement to end
