"""
The process that cleans up after the end of its parent.

It reads session ids, one a line, from its standard input. The parent holds the other end, so the input
ends when the parent does, however it died. Then all processes in those sessions are killed.

Run as a file, so that it starts in milliseconds and imports only psutil.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Collection

import psutil


def processes_in(sessions: Collection[int]) -> list[int]:
    """
    Return the processes of these sessions.

    Airflow gives tasks process groups of their own, and orphans change their parent, but no process
    leaves its session.
    """
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) in sessions and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def kill_sessions(sessions: Collection[int], timeout: float = 10) -> list[int]:
    """Kill until no process is left: one may fork between the listing and its kill."""
    deadline = time.monotonic() + timeout
    while (left := processes_in(sessions)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        time.sleep(0.02)
    return left


if __name__ == "__main__":
    sessions = {int(line) for line in sys.stdin}
    kill_sessions(sessions)
