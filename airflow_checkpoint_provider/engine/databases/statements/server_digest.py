"""Rows that a server digests itself, so that they need not be read to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class ServerDigest(Protocol):
    """The SQL that digests the rows of one side; equal rows of two servers have equal digests."""

    def bucket(self, columns: Sequence[int], buckets: int) -> str:
        """
        Write the number of a row's bucket, from 0.

        :param columns: the places of the columns that decide; none for all
        :param buckets: how many there are, a power of 2
        """

    @property
    def total(self) -> str:
        """The sum of the digests of some rows, as an aggregate."""

    @property
    def texts(self) -> Sequence[str]:
        """The text of each column, as it is digested."""

    def value(self, text: Any) -> str | None:
        """Return the value of a text of :attr:`texts`."""
