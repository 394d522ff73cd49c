"""Patience for the pages of the tests, so that no result depends on the speed of the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a page wait for its databases as long as it takes, unless a test gives the time itself."""
    from airflow_checkpoint_provider.plugin import services
    from airflow_checkpoint_provider.plugin.errands import Errands
    from airflow_checkpoint_provider.plugin.reading import Reader

    kept = (services.reader, services.errands)
    for one in kept:
        one.cache_clear()
    for kind in (Reader, Errands):
        monkeypatch.setattr(kind.__init__, "__defaults__", (60.0, *(kind.__init__.__defaults__ or ())[1:]))
    yield
    for one in kept:
        one.cache_clear()
