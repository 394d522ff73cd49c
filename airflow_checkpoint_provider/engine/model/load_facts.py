"""The facts of a load: what it reads and how it writes, for people and programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import written_out
from airflow_checkpoint_provider.engine.model.masking import masked
from airflow_checkpoint_provider.engine.model.stored_text import json_of

_LONGEST_QUERY = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """
    The facts that define a load; one that is not known yet is empty.

    :param source_table: the table that is read; empty for a query
    :param columns: the columns of the table that are read; empty for all
    :param where: the condition on its rows, shown as a query is; empty for all
    :param query: the query, without known secrets, and cut after 2,000 characters; empty for a table
    :param write_mode: ``append``, ``upsert``, ``replace`` or ``replace_atomic``
    :param conflict_columns: the key for ``upsert``, as the task gives it; none where that is the primary key
    :param empties: whether the load deletes the rows of its table, or of its partition, before it writes
    :param batch_size: rows of a batch
    :param scope: ``run`` or ``task``
    :param publishes: whether the task publishes its staged rows by itself; true where nothing is staged
    :param max_rejected_rows: how many rows the destination may refuse before the load fails; 0 where one is enough, or
        where there is no limit
    :param guarantee: ``exactly-once`` or ``at-least-once``
    :param guarantee_reason: the reason for the guarantee
    :param route: how rows travel
    :param route_reason: the reason for the route
    :param run_id: the run, of a checkpoint that spans runs
    """

    source_table: str = ""
    columns: str = ""
    where: str = ""
    query: str = ""
    write_mode: str
    conflict_columns: tuple[str, ...] = ()
    empties: bool = False
    batch_size: int
    scope: str
    publishes: bool = True
    max_rejected_rows: int = 0
    guarantee: str = ""
    guarantee_reason: str = ""
    route: str = ""
    route_reason: str = ""
    run_id: str = ""

    @staticmethod
    def shown_query(text: str) -> str:
        """Return a query as it may be shown."""
        text = written_out(masked(" ".join(text.split())))  # first, because a cut password is not found
        return text if len(text) <= _LONGEST_QUERY else f"{text[: _LONGEST_QUERY - 3]}..."

    @property
    def reads(self) -> str:
        """The table or query that is read, in words."""
        if not self.source_table:
            return self.query
        columns = f"columns {self.columns} of " if self.columns else ""
        where = f" where {self.where}" if self.where else ""
        return f"{columns}table {self.source_table}{where}"

    def as_words(self) -> str:
        """Return the main facts on one line, without their reasons."""
        how = f"write_mode {self.write_mode}, batches of {self.batch_size:,} rows, scope {self.scope}"
        return "; ".join(filter(None, (self.reads, how, self.guarantee, self.route)))

    def as_text(self) -> str:
        """Return the form for a history entry."""
        return json.dumps(
            {name: value for name, value in asdict(self).items() if value not in ("", ())}, ensure_ascii=False
        )

    @classmethod
    def of_text(cls, text: str | None) -> LoadFacts | None:
        """Read the output of :meth:`as_text`; return ``None`` where it is damaged, or of another version."""
        try:
            stored: Any = json_of(text or "")
            return cls(
                **{field.name: _checked(stored, field) for field in fields(cls) if field.name in stored}
            )
        except (ValueError, TypeError):
            return None


_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}


def _checked(stored: Any, field: Any) -> Any:
    value = stored[field.name]
    if field.type == "tuple[str, ...]":
        if type(value) is not list or not all(type(one) is str for one in value):
            raise TypeError(field.name)
        return tuple(value)
    if type(value) is not _TYPES[field.type]:
        raise TypeError(field.name)
    return value
