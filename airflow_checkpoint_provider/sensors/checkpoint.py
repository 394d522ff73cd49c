"""The sensor that waits for another task's load."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_checkpoint_provider.engine.admin.wait_condition import as_text
from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.checks import (
    MOST_ROWS,
    boolean,
    checkpoint_name,
    identifier,
    seconds,
    whole_number,
)
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    AwaitedLoadError,
    CheckpointError,
    LoadFailedError,
    LoadStalledError,
)
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.hooks.waiting import Waiting
from airflow_checkpoint_provider.triggers.checkpoint import CheckpointTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

Value = str | int | float | Decimal | date
_ERRORS: dict[str, type[CheckpointError]] = {Status.FAILED: LoadFailedError, Status.STALLED: LoadStalledError}


class CheckpointSensor(BaseSensorOperator):
    """
    Wait for the load of another task: until it is complete, or has come far enough.

    A checkpoint that does not exist yet is waited for; an existing one counts as it is, until a cleared task begins to
    load again. The XCom is a dictionary with ``status``, ``run_id``, ``rows`` and ``checkpoint``, the position.

    :param checkpoint_conn_id: the connection of the metadata table: the transfer's destination, or its
        ``checkpoint_conn_id``. (templated)
    :param checkpoint_table: the metadata table. (templated)
    :param external_task_id: the task that loads. (templated)
    :param external_dag_id: its DAG; by default this one. (templated)
    :param external_run_id: its DAG run; by default this one, if the task is of this DAG. With ``scope="task"``, the run
        that must work on the checkpoint. (templated)
    :param external_map_index: its map index
    :param external_name: its ``checkpoint_name``, instead of the map index. (templated)
    :param scope: as the transfer has it: ``"run"``, or ``"task"`` for the checkpoint that spans runs
    :param min_rows: wait until so many rows are committed, instead of until the end. (templated)
    :param value: wait until the position has reached this number or time, instead of until the end; a list for a
        composite key. (templated)
    :param stalled_after: fail when the load has committed nothing for so long: seconds, or a timedelta. Choose
        it longer than a batch takes
    :param on_failed: a load that has failed: ``"fail"``, or ``"wait"`` for its retry
    :param max_reconnects: the most reads in a row that may fail. In reschedule mode, where each read is a process of
        its own, failures are not counted and the wait ends with ``timeout``
    :param deferrable: wait in the triggerer; by default the setting ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = (
        "checkpoint_conn_id",
        "checkpoint_table",
        "external_dag_id",
        "external_task_id",
        "external_run_id",
        "external_name",
        "min_rows",
        "value",
    )
    ui_color = "#e3eefc"

    def __init__(
        self,
        *,
        checkpoint_conn_id: str,
        external_task_id: str,
        external_dag_id: str | None = None,
        external_run_id: str | None = None,
        external_map_index: int = -1,
        external_name: str | None = None,
        scope: str = "run",
        min_rows: int | str | None = None,
        value: Value | Sequence[Value] | None = None,
        stalled_after: float | timedelta | None = None,
        on_failed: str = "fail",
        max_reconnects: int = 5,
        checkpoint_table: str = DEFAULT_TABLE,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.checkpoint_conn_id = checkpoint_conn_id
        self.checkpoint_table = checkpoint_table
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.external_run_id = external_run_id
        self.external_map_index = external_map_index
        self.external_name = external_name
        self.scope = scope
        self.min_rows = min_rows
        self.value = value
        self.stalled_after = stalled_after
        self.on_failed = on_failed
        self.max_reconnects = max_reconnects
        self.deferrable = deferrable
        self._waiting: Waiting | None = None
        for name, choices in (("scope", ("run", "task")), ("on_failed", ("fail", "wait"))):
            if getattr(self, name) not in choices:
                allowed = " or ".join(map(repr, choices))
                raise ArgumentError(f"{name}: {getattr(self, name)!r} is not {allowed}.")
        whole_number("external_map_index", external_map_index, least=-1)
        if external_name is not None and external_map_index != -1:
            raise ArgumentError(
                "external_name: a checkpoint has a name instead of a map index; give one of them."
            )
        whole_number("max_reconnects", max_reconnects)
        seconds("stalled_after", stalled_after)
        boolean("deferrable", deferrable)

    def execute(self, context: Context) -> Any:
        """
        Wait, in this process or in the triggerer.

        :raises LoadFailedError: when the load has failed, or is complete without meeting the condition
        :raises LoadStalledError: when it has committed nothing for longer than ``stalled_after``
        """
        try:
            if not self.deferrable:
                return super().execute(context)
            result = self._look(context)
        except AwaitedLoadError as error:
            raise self._skip_or(error) from error
        if result is None:
            self.defer(
                trigger=CheckpointTrigger(
                    **self._key(context),
                    checkpoint_conn_id=self.checkpoint_conn_id,
                    checkpoint_table=self.checkpoint_table,
                    awaited=self._awaited(context),
                    poll_interval=self.poke_interval,
                    max_reconnects=self.max_reconnects,
                ),
                method_name=self.execute_complete.__name__,
                timeout=timedelta(seconds=self.timeout),
            )
        return result

    def poke(self, context: Context) -> bool | PokeReturnValue:
        result = self._look(context)
        return False if result is None else PokeReturnValue(is_done=True, xcom_value=result)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Go on after the trigger's event.

        :param event: its ``status``, with a ``result`` or a ``message``
        :raises CheckpointError: when the wait has failed
        """
        if event["status"] == "success":
            self.log.info("The wait is over: %s", event["result"])
            return event["result"]
        raise self._skip_or(_ERRORS.get(event["status"], CheckpointError)(event["message"]))

    def _look(self, context: Context) -> dict[str, Any] | None:
        if self._waiting is None:
            key = self._key(context)
            self._waiting = Waiting(
                self.checkpoint_conn_id,
                self.checkpoint_table,
                (key["dag_id"], key["task_id"], key["run_id"], key["map_index"], key["name"]),
                self._awaited(context),
                self.max_reconnects,
                self.log,
            )
        return self._waiting.poke()

    def _key(self, context: Context) -> dict[str, Any]:
        dag_id = self.external_dag_id or context["ti"].dag_id
        return {
            "dag_id": identifier("external_dag_id", dag_id),
            "task_id": identifier("external_task_id", self.external_task_id),
            "run_id": None if self.scope == "task" else self._run_id(context),
            "map_index": self.external_map_index,
            "name": ""
            if self.external_name is None
            else checkpoint_name("external_name", self.external_name),
        }

    def _run_id(self, context: Context) -> str | None:
        if self.external_run_id:
            return str(identifier("external_run_id", self.external_run_id))
        ti = context["ti"]
        if not self.external_dag_id or self.external_dag_id == ti.dag_id:
            return str(ti.run_id)
        if self.scope == "task":
            return None
        raise ArgumentError(
            f"external_run_id: {self.external_dag_id} is another DAG; name its run, or set scope='task' to wait for "
            "the checkpoint that spans its runs."
        )

    def _awaited(self, context: Context) -> dict[str, Any]:
        value, stalled_after = as_text(self.value), self.stalled_after
        if isinstance(stalled_after, timedelta):
            stalled_after = stalled_after.total_seconds()
        try:
            min_rows = None if self.min_rows is None else int(str(self.min_rows).strip().replace("_", ""))
        except ValueError:
            raise ArgumentError(f"min_rows: {shown(self.min_rows)} is not a whole number.") from None
        return {
            "min_rows": whole_number("min_rows", min_rows, most=MOST_ROWS, optional=True),
            "value": None if value is None else list(value),
            "run_id": self._run_id(context) if self.scope == "task" else None,
            "on_failed": self.on_failed,
            "stalled_after": stalled_after,
        }

    def _skip_or(self, error: CheckpointError) -> Exception:
        return AirflowSkipException(str(error)) if self.soft_fail or self.never_fail else error
