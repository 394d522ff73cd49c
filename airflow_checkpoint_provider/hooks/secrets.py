"""The secrets of a connection, by Airflow's rules, kept out of our own texts and of Airflow's logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow.providers.common.compat.sdk import redact
from airflow.sdk.log import mask_secret

from airflow_checkpoint_provider.engine.model.masking import SHORTEST, hide, spellings


def hide_secrets_of(connection: Any, hook_params: Mapping[str, Any] | None = None) -> None:
    """
    Keep the password of a connection, and the sensitive values of its extras, from being shown or stored.

    Airflow masks them in its logs as they are written in the connection; drivers quote them in other ways, too.

    :param hook_params: parameters of the hook, which may override the extras
    """
    secrets = {connection.password} if isinstance(connection.password, str) else set()
    for given in (connection.extra_dejson, hook_params):
        secrets.update(_sensitive(given, redact(given)))
    hide(secrets)
    for secret in secrets:
        for way in spellings(secret):
            mask_secret(way)


def _sensitive(given: Any, shown: Any) -> Iterator[str]:
    """Yield the texts that Airflow would mask."""
    if isinstance(given, Mapping) and isinstance(shown, Mapping):
        for name, value in given.items():
            yield from _sensitive(value, shown.get(name))
    elif isinstance(given, (list, tuple)) and isinstance(shown, (list, tuple)):
        for value, seen in zip(given, shown, strict=False):
            yield from _sensitive(value, seen)
    elif isinstance(given, str) and given != shown and len(given) >= SHORTEST:
        yield given
    elif isinstance(given, (Mapping, list, tuple)) and given and given != shown:
        for value in given.values() if isinstance(given, Mapping) else given:
            yield from _sensitive(value, None)
