"""Waiting for what happens a moment later."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], timeout: float = 5) -> None:
    """
    Look again and again until it is so.

    :param timeout: seconds
    """
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
