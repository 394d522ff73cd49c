"""Digests that two servers of Postgres compute themselves, from the text of their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from airflow_checkpoint_provider.engine.databases.blocks import Row
from airflow_checkpoint_provider.engine.databases.postgres.server_digest import _as_text, _hash
from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource
from airflow_checkpoint_provider.engine.transfer.verification.sides import BUCKETS, Digests, Range, Side


class PostgresSide(Side):
    """
    Rows that the server digests.

    :param texts: what stands for each column in the digest
    """

    def __init__(
        self, source: PostgresSource, columns: Sequence[str], range_: Range | None, texts: Sequence[str]
    ) -> None:
        super().__init__(source, columns, range_)
        self._texts = list(texts)

    def digests(self) -> Digests:
        what = f"{self._bucket_sql()}, COUNT(*), SUM({_hash(self._texts)})"
        found = chain.from_iterable(self.read(self.select(what, "", "GROUP BY 1")))
        return {bucket: (count, int(total)) for bucket, count, total in found}

    def rows(self, buckets: Collection[int]) -> Iterator[Row]:
        wanted = f"{self._bucket_sql()} IN ({', '.join(map(str, buckets))})"
        texts = ", ".join(_as_text([text]) for text in self._texts)
        for row in chain.from_iterable(self.read(self.select(texts, wanted))):
            yield tuple(None if text == "()" else text[1:-1] for text in row)

    def _bucket_sql(self) -> str:
        return f"({_hash([self._texts[index] for index in self.key] or self._texts)} & {BUCKETS - 1})"
