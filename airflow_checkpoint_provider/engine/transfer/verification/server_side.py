"""A side whose rows the server digests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.server_digest import ServerDigest
from airflow_checkpoint_provider.engine.transfer.verification.sides import BUCKETS, Digests, Range, Side


class ServerSide(Side):
    """
    Rows that the server digests.

    :param digest: the server's expressions for it
    """

    def __init__(
        self, source: Source, columns: Sequence[str], range_: Range | None, digest: ServerDigest
    ) -> None:
        super().__init__(source, columns, range_)
        self._digest = digest

    def digests(self) -> Digests:
        what = f"{self._bucket_sql}, COUNT(*), {self._digest.total}"
        found = chain.from_iterable(self.read(self.select(what, "", "GROUP BY 1")))
        return {bucket: (count, int(total)) for bucket, count, total in found}

    def rows(self, buckets: Collection[int]) -> Iterator[Row]:
        wanted = f"{self._bucket_sql} IN ({', '.join(map(str, buckets))})"
        texts = ", ".join(self._digest.texts)
        for row in chain.from_iterable(self.read(self.select(texts, wanted))):
            yield tuple(map(self._digest.value, row))

    @property
    def _bucket_sql(self) -> str:
        return self._digest.bucket(self.key, BUCKETS)
