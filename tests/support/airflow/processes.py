"""Starts processes so that all of them, and their descendants, can be stopped reliably."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.support.airflow import guard


class ProcessFamily:
    """
    Processes that end together: on ``stop()``, on an exception, or when this process dies.

    Every process is the leader of a session of its own. A Ctrl+C in the terminal therefore reaches only
    this process, and the descendants of each process can be found.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ProcessFamily:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def sessions(self) -> set[int]:
        return {process.pid for process in self._processes.values()}

    def log_file(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, guard.__file__], stdin=subprocess.PIPE, start_new_session=True
            )
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log_file(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes[name] = process
        assert self._guard.stdin
        self._guard.stdin.write(f"{process.pid}\n".encode())
        self._guard.stdin.flush()

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Run a command to its end; raise if it fails."""
        self.start(name, command, env, cwd)
        code = self._processes[name].wait()
        del self._processes[name]
        if code:
            raise RuntimeError(f"{' '.join(command)} ended with exit code {code}\n{self.tail(name)}")

    def kill(self, name: str) -> None:
        """Kill a process and its descendants."""
        process = self._processes.pop(name)
        guard.kill_sessions({process.pid})
        process.wait()

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def owns(self, pid: int) -> bool:
        """Return whether the process belongs to this family, so that a reused pid is never signalled."""
        try:
            return os.getsid(pid) in self.sessions
        except ProcessLookupError:
            return False

    def raise_if_dead(self) -> None:
        for name, process in self._processes.items():
            if (code := process.poll()) is not None:
                raise RuntimeError(f"{name} ended with exit code {code}\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 40) -> str:
        text = self.log_file(name).read_text(errors="replace")
        return "\n".join([f"--- {self.log_file(name)}", *text.splitlines()[-lines:]])

    def stop(self) -> None:
        left = guard.kill_sessions(self.sessions)
        for process in self._processes.values():
            process.wait()
        self._processes.clear()
        if self._guard is not None:
            assert self._guard.stdin
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None
        if left:
            raise RuntimeError(f"processes {left} did not end on SIGKILL")
