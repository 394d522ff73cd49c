"""The reading of rows that the server writes as lines, where the connection asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.errors import NO_LINE, error_code
from airflow_checkpoint_provider.engine.databases.oracle.row_security import ACCEPTED
from airflow_checkpoint_provider.engine.databases.oracle.rows.fields import line_columns
from airflow_checkpoint_provider.engine.databases.oracle.rows.lines import LINE, QUOTES, line_route
from airflow_checkpoint_provider.engine.databases.oracle.source_table import TableSource
from airflow_checkpoint_provider.engine.databases.rows.lines import LINES, LineForm, NoLineError
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError, one_line

SWITCH = "copy_lines"
"""The entry of a connection's extra that asks for lines."""


class LineSource(TableSource):
    """The part of a source that has the server write rows as lines of COPY."""

    _description: Sequence[Any]

    def allow_lines(self, extra: Mapping[str, Any]) -> None:
        """
        Have rows written as lines where the extra of the Airflow connection asks for it.

        :raises ArgumentError: when it is not known whether it does
        """
        asked = extra.get(SWITCH, False)
        if not isinstance(asked, bool):
            raise ArgumentError(
                f"Source {self.conn_id!r}: {SWITCH} in the extra of the connection is {asked!r}. Give true to have "
                "Oracle write each row as a line of COPY, or false, which is the default."
            )
        self.packed_forms = frozenset((LINES,)) if asked else frozenset()
        self._masked = extra.get(ACCEPTED[0]) == ACCEPTED[1]

    def packed_route(self, form: PackedForm, use: RowUse) -> RowRoute | str:
        if self._masked:
            return f"policies are accepted by {ACCEPTED[0]}, and what one masks in a line is not known"
        columns = line_columns(self._description, self._types, self.quote)
        return line_route(form, use, columns, self.exact)

    def written(self, route: RowRoute) -> str:
        return route.form.what if isinstance(route.form, LineForm) else super().written(route)

    def fetch_lines(self, cursor: Any, form: LineForm) -> None:
        """Have a cursor fetch lines as bytes, in UTF-8."""
        others = cursor.outputtypehandler

        def fetched(cursor: Any, column: Any) -> Any:
            if column.name == QUOTES:
                return None
            if column.name != LINE:
                return others(cursor, column)
            return cursor.var(column.type_code, form.longest, arraysize=cursor.arraysize, bypass_decode=True)

        cursor.outputtypehandler = fetched

    @contextmanager
    def line_errors(self) -> Iterator[None]:
        """Turn an error that values may not have into one after which the load goes on by values."""
        try:
            with self.errors():
                yield
        except SourceError as error:
            if error_code(error.__cause__) not in NO_LINE:
                raise
            raise NoLineError(f"a row as a line ({one_line(error.__cause__ or error)})") from error
