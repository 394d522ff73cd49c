"""The questions about the state of a session, each with an answer that is safe for an unknown server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

_NONE: Mapping[str, Any] = MappingProxyType({})


class SessionDialect:
    """Which statements change a session, and its state before and after."""

    session_statement: re.Pattern[str] = re.compile(
        r"SET (?!LOCAL |TRANSACTION )|RESET |USE |ALTER SESSION |DECLARE (?:GLOBAL |LOCAL )?TEMPORARY "
        r"|CREATE (?:OR REPLACE |LOCAL |GLOBAL )*TEMP(?:ORARY)? ",
        re.IGNORECASE,
    )
    """Matches the beginning of a statement that leaves state in its session; comments are removed, and one blank stands
    between words."""

    transaction_setting: re.Pattern[str] = re.compile(r"(?!)")
    """Finds statements whose setting ends with the transaction; its groups are the setting's name."""

    session_settings: str = "Let the hook of the connection set it"
    """Advice for an error: how every connection gets a setting that a statement makes in one session only."""

    def session_state(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return what statements may have set in the session, by name, as far as the server reports it."""
        return _NONE

    holds_moments: bool = False
    """Whether a moment can be read as long as a session holds it, where there are no others."""

    def hold_moment(self, connection: sa.Connection) -> str:
        """
        Hold the present moment until the connection ends its transaction; see :attr:`holds_moments`.

        :return: the moment
        """
        raise NotImplementedError

    def is_held(self, connection: sa.Connection, moment: str) -> bool:
        """Return whether a session holds a moment; see :attr:`holds_moments`."""
        raise NotImplementedError

    def newest_moment(self, connection: sa.Connection) -> str | None:
        """
        Return a moment as of which this and other connections can read; ``None`` where the server has none.

        :raises SourceMismatchError: when the user may not ask for one
        """
        return None

    def naming_settings(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the settings of a transaction that decide which table a name without a schema means."""
        return _NONE

    def set_for_transaction(self, connection: sa.Connection, settings: Mapping[str, str]) -> None:
        """Apply the result of :meth:`naming_settings` until the transaction ends."""
