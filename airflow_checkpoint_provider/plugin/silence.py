"""Places that do not answer: since when, and when each is asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_checkpoint_provider.hooks.transfers import Place

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0


@dataclass(slots=True)
class _Silence:
    """
    The state of a place with questions under way, or that has not answered.

    :param under_way: the start of each unanswered question
    :param since: the place has not answered since then
    :param again_at: when it may be asked again
    """

    under_way: dict[int, float] = field(default_factory=dict)
    since: datetime | None = None
    pause: float = 0.0
    again_at: float = 0.0


class Silences:
    """
    Remembers places that do not answer, with growing pauses between questions to them.

    :param most: unanswered questions up to which a silent place is asked again
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._places: dict[Place, _Silence] = {}
        self._number = 0

    def asked(self, place: Place) -> Callable[[], None]:
        """Record that a question is under way; return the function to call once it is answered or has failed."""
        with self._lock:
            self._number += 1
            number = self._number
            silence = self._places.setdefault(place, _Silence())
            silence.under_way[number] = time.monotonic()

        def answered() -> None:
            with self._lock:
                began = silence.under_way.pop(number)
                # A later answer is the driver's report that its own time limit has passed.
                if time.monotonic() - began < FIRST_PAUSE_S:
                    silence.since, silence.pause, silence.again_at = None, 0.0, 0.0
                if not silence.under_way and silence.since is None:
                    self._places.pop(place, None)

        return answered

    def known(self, place: Place) -> bool:
        """Return whether a place has not answered lately."""
        with self._lock:
            silence = self._places.get(place)
            return silence is not None and silence.since is not None

    def still(self, place: Place, after: float) -> str | None:
        """
        Return why a place is not asked now; ``None`` where it is.

        :param after: seconds after which a question without an answer counts as silence
        """
        now = time.monotonic()
        with self._lock:
            silence = self._places.get(place)
            if silence is None:
                return None
            if silence.since is None:
                oldest = min(silence.under_way.values(), default=now)
                if now - oldest <= after:
                    return None
                return f"It has not answered for {now - oldest:.0f} seconds."
            if now >= silence.again_at and len(silence.under_way) < self._most:
                self._pause(silence, now)
                return None
            return self._said(silence)

    def note(self, place: Place, waited: float) -> str:
        """Record that a question was not answered while the page waited; return that as a sentence."""
        now = time.monotonic()
        with self._lock:
            silence = self._places.get(place)
            if silence is None:  # answered at this very moment
                return f"It did not answer within {waited:g} seconds."
            if silence.since is None:
                silence.since = datetime.now(UTC)
                self._pause(silence, now)
                return f"It did not answer within {waited:g} seconds."
            return self._said(silence)

    def _pause(self, silence: _Silence, now: float) -> None:
        silence.pause = min(max(silence.pause * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        silence.again_at = now + silence.pause

    def _said(self, silence: _Silence) -> str:
        assert silence.since  # noqa: S101
        return f"It has not answered since {silence.since:%Y-%m-%d %H:%M:%S} UTC."
