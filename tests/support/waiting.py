"""Waits for a condition, with an error that names it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until_next_second() -> None:
    """Wait until a time in whole seconds is another one."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.01)


def wait_for(
    attempt: Callable[[], T | None],
    what: str,
    timeout: float = 60,
    interval: float = 0.1,
    explain: Callable[[], object] | None = None,
) -> T:
    """
    Call ``attempt`` until it returns a true value, and return that value.

    :param attempt: returns a true value when the wait is over
    :param what: completes the sentence "waited 60 s for ..."
    :param timeout: seconds before giving up
    :param interval: seconds between two attempts
    :param explain: called when giving up; its value ends the error message
    """
    deadline = time.monotonic() + timeout
    while True:
        result = attempt()
        if result:
            return result
        if time.monotonic() > deadline:
            detail = f"\n{explain()}" if explain else ""
            raise TimeoutError(f"waited {timeout:g} s for {what}{detail}")
        time.sleep(interval)
