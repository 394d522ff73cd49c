"""
The process that cleans up when its parent no longer can.

It reads session ids, one a line, from its standard input. The parent holds the other end, so the input
ends when the parent does, however it died. Then everything in those sessions is killed.

Run as a file, so that it starts in milliseconds and needs nothing but psutil.
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
    Everything that runs in these sessions.

    Airflow gives tasks process groups of their own, and orphans change their parent, but none of them
    leaves the session it was born in.
    """
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) in sessions and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def kill_sessions(sessions: Collection[int], timeout: float = 10) -> list[int]:
    """Kill until nothing is left: a process may fork between being seen and being killed."""
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
