"""The page of a single load, which is also the tab of its task instance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.admin.outlook import range_of
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import step_of
from airflow_checkpoint_provider.hooks.airflow_internals.failures import LATELY
from airflow_checkpoint_provider.hooks.instances import retry_of
from airflow_checkpoint_provider.plugin.access import Viewer
from airflow_checkpoint_provider.plugin.display.ahead import Ahead
from airflow_checkpoint_provider.plugin.display.attempts import attempts, working_time
from airflow_checkpoint_provider.plugin.display.chart import chart
from airflow_checkpoint_provider.plugin.display.rest import left_where
from airflow_checkpoint_provider.plugin.display.series import runs_in
from airflow_checkpoint_provider.plugin.display.times import times_of
from airflow_checkpoint_provider.plugin.known import is_unsure, shown_troubles
from airflow_checkpoint_provider.plugin.models import target_of
from airflow_checkpoint_provider.plugin.rendering import render
from airflow_checkpoint_provider.plugin.services import discovery
from airflow_checkpoint_provider.plugin.tasks.clearing import clear_of
from airflow_checkpoint_provider.plugin.tasks.early import EarlyFailure
from airflow_checkpoint_provider.plugin.tasks.finding import Subject
from airflow_checkpoint_provider.plugin.tasks.grouping import group_link


def load_page(
    viewer: Viewer,
    subject: Subject,
    dag_id: str,
    task_id: str,
    tab: bool,
    early: Sequence[EarlyFailure] = (),
    run_id: str = "",
) -> HTMLResponse:
    """
    Return the page of one checkpoint, or of a task instance without one.

    :param tab: whether it is shown in a tab of Airflow's
    :param early: failures of the task instance before it had a checkpoint
    :param run_id: the run that is asked for, which a checkpoint of all runs may have left behind
    """
    now = datetime.now(UTC)
    view, damaged = subject.view, subject.damaged
    target = view.target if view else None
    if damaged and damaged.row.damaged and damaged.row.identity:
        target = target_of(damaged.row.identity, damaged.place)
    at_work = view.state if view and not view.over else None
    runs = runs_in(subject.entries, view.checkpoint.key_columns) if view and view.spans_runs else []
    if runs and view:
        runs[-1].state = view.state.value
        runs[-1].rows, runs[-1].end = view.checkpoint.rows, view.position
    is_earlier = bool(view and view.spans_runs and run_id not in ("", ALL_RUNS, view.checkpoint.run_id))
    found = attempts(subject.entries, view.checkpoint if view else None, at_work, now)
    return render(
        "task.html",
        view=view,
        target=target,
        damaged=damaged.row if damaged else None,
        dag_id=dag_id,
        task_id=task_id,
        name=discovery().places().called(dag_id, task_id),
        group=group_link(view) if view else None,
        entries=subject.entries,
        facts=next((facts for entry in reversed(subject.entries) if (facts := entry.facts)), None),
        left=left_where(view.checkpoint) if view else None,
        range=range_of(view.checkpoint) if view else None,
        rejected=subject.rejected,
        rejects=subject.rejects,
        reasons=subject.reasons,
        usual=subject.usual,
        unusual=subject.usual.unusual(view.checkpoint, now) if view and subject.usual else (),
        attempts=found,
        runs=runs,
        earlier=run_id if is_earlier else "",
        asked_run=next((run for run in reversed(runs) if run.run_id == run_id), None) if is_earlier else None,
        times=times_of(subject.entries),
        working=working_time(found),
        clear=clear_of(view.checkpoint) if view and view.over else None,
        ahead=Ahead.of(view.checkpoint, next((one.rate for one in reversed(found) if one.rate), None))
        if view
        else None,
        chart=chart(subject.entries, view.checkpoint, None if view.over else now) if view else None,
        may_act=viewer.may("PUT", dag_id),
        troubles=shown_troubles(viewer, subject.troubles),
        step=step_of(subject.entries[-1]) if at_work and subject.entries else None,
        unsure=is_unsure(subject.troubles, dag_id, task_id),
        tab=tab,
        early=early,
        early_since=LATELY,
        retry_at=retry_of(view.checkpoint) if view and view.over else None,
        refresh=3 if view and (view.state is Status.RUNNING or view.request) else 20,
    )
