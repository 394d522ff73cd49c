"""The places of checkpoints, and the checkpoint that the arguments name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    InvalidCheckpointError,
    MetadataTableError,
    one_line,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Discovery
from airflow_checkpoint_provider.hooks.discovery import Places as KnownPlaces
from airflow_checkpoint_provider.hooks.settings import configured_places
from airflow_checkpoint_provider.hooks.transfers import Place

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """A checkpoint, and the hook of the database it is in."""

    hook: CheckpointHook
    checkpoint: Checkpoint

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """The arguments that name it to the hook."""
        who = self.checkpoint.identity
        return who.dag_id, who.task_id, who.run_id, who.map_index, who.name


def _known() -> KnownPlaces:
    """Return the places and transfers of DAGs."""
    try:
        return Discovery().places()
    except SQLAlchemyError:  # Airflow's metadata database is not there, or not set up
        return KnownPlaces()


def _discovered(known: KnownPlaces, args: Any) -> list[Place]:
    """Return the places where the DAGs keep their checkpoints, as far as the arguments allow them."""
    return [
        place
        for place in known.all()
        if args.team in (None, place.team) and args.table in (DEFAULT_TABLE, place.table)
    ]


def described(checkpoint: Checkpoint) -> str:
    """Return the identity of a checkpoint in words, and how far it has come."""
    return f"{checkpoint.identity} ({checkpoint.status.value}, {checkpoint.rows:,} rows committed)"


def _in_options(error: BaseException) -> str:
    """Return an error's message, with the options of the command in place of the arguments of the hook."""
    said = one_line(error)
    for argument, option in (("checkpoint_conn_id:", "--conn-id:"), ("team:", "--team:")):
        if said.startswith(argument):
            return said.replace(argument, option, 1)
    return said


def row_of(checkpoint: Checkpoint) -> tuple[Any, ...]:
    """Return the values that identify a row, to which several connections may lead."""
    return checkpoint.identity, checkpoint.created_at, checkpoint.fence, checkpoint.owner


class Places:
    """
    The databases to read.

    :param discover: read the places of Airflow's DAGs as well, unless the arguments name connections
    :raises ArgumentError: when there are none
    """

    def __init__(self, args: Any, *, discover: bool = False) -> None:
        self.known = _known() if discover else KnownPlaces()
        places = [Place(conn_id, args.table, args.team or "") for conn_id in args.conn_id or ()]
        if not places:
            places = [
                Place(conn_id, table or args.table, args.team or "") for conn_id, table in configured_places()
            ]
            places += _discovered(self.known, args)
        if not places:
            raise ArgumentError(
                "--conn-id: name the connection of the database with the checkpoints (the destination of the "
                "transfers), or set [checkpoint] conn_ids in the configuration."
            )
        self.hooks = [
            CheckpointHook(place.conn_id, place.table, team=place.team or None)
            for place in dict.fromkeys(places)
        ]
        self.failed = False

    def each(self, read: Callable[[CheckpointHook], T]) -> Iterator[tuple[CheckpointHook, T]]:
        """Read from every database that can be read; report the others once, and leave them out from then on."""
        missing: list[str] = []
        for hook in list(self.hooks):
            try:
                yield hook, read(hook)
            except MetadataTableError as error:  # nothing was loaded there yet
                missing.append(str(error))
            except (CheckpointError, DBAPIError) as error:
                self.failed = True
                self.hooks.remove(hook)
                print(_in_options(error), file=sys.stderr)
        if missing and len(missing) == len(self.hooks):
            self.failed = True
            self.hooks.clear()
            print(*missing, sep="\n", file=sys.stderr)

    def end(self) -> None:
        """
        End a command that has shown what it could read.

        :raises SystemExit: when a database could not be read
        """
        if self.failed:
            raise SystemExit(1)

    def only(self) -> CheckpointHook:
        """
        Return the only database.

        :raises ArgumentError: when there are several
        """
        if len(self.hooks) > 1:
            raise ArgumentError(f"Checkpoints are kept in {self}: choose one with --conn-id.")
        return self.hooks[0]

    def find_to_delete(self, args: Any) -> tuple[CheckpointHook, str]:
        """
        Find the checkpoint that the arguments name, even one that cannot be read.

        :return: its hook, and its description
        :raises ArgumentError: when there is none, or more than one
        """

        def read(hook: CheckpointHook) -> tuple[Any, str] | None:
            try:
                found = hook.get(args.dag_id, args.task_id, args.run_id, args.map_index, args.name)
            except InvalidCheckpointError:
                return hook, f"{self._name(args)} (unreadable)"
            return (row_of(found), described(found)) if found else None

        rows = [(hook, told) for hook, told in self.each(read) if told]
        found = {row: (hook, text) for hook, (row, text) in reversed(rows)}
        return self._only_one([*found.values()][::-1], args)

    def find(self, args: Any, *, newest: bool = False) -> Found:
        """
        Find the checkpoint that the arguments name.

        :param newest: without a run, and if no checkpoint spans runs, take the one that has committed last
        :raises ArgumentError: when there is none, or more than one
        :raises SystemExit: when no database could be read, which was reported
        """

        def read(hook: CheckpointHook) -> Checkpoint | None:
            found = hook.get(args.dag_id, args.task_id, args.run_id, args.map_index, args.name)
            if found or args.run_id or not newest:
                return found
            same = {
                "dag_id": args.dag_id,
                "task_id": args.task_id,
                "map_index": args.map_index,
                "name": args.name,
            }
            return next(iter(hook.list(**same, limit=1)), None)

        rows = [(hook, checkpoint) for hook, checkpoint in self.each(read) if checkpoint]
        found = [*{row_of(checkpoint): (hook, checkpoint) for hook, checkpoint in reversed(rows)}.values()][
            ::-1
        ]
        if newest and not args.run_id and len(found) > 1:
            found = [max(found, key=lambda one: one[1].committed_at)]
        return Found(*self._only_one(found, args))

    def _only_one(self, found: list[tuple[CheckpointHook, T]], args: Any) -> tuple[CheckpointHook, T]:
        if not (found or self.hooks):
            self.end()
        if not found:
            raise ArgumentError(f"There is no checkpoint of {self._name(args)} in {self}.{self._hint(args)}")
        if len(found) > 1:
            places = ", ".join(hook.checkpoint_conn_id for hook, _ in found)
            raise ArgumentError(
                f"There is a checkpoint of {self._name(args)} in {places}: choose one with --conn-id."
            )
        return found[0]

    def _name(self, args: Any) -> Identity:
        return Identity(args.dag_id, args.task_id, args.run_id or "*", args.map_index, args.name)

    def _hint(self, args: Any) -> str:
        """Return a hint at the nearest checkpoint: of another run or index, else of another task."""
        for filters in ({"dag_id": args.dag_id, "task_id": args.task_id}, {"dag_id": args.dag_id}):
            for hook in self.hooks:
                try:
                    others = hook.list(**filters, limit=1)
                except (CheckpointError, DBAPIError):
                    continue
                if others:
                    what = "task" if "task_id" in filters else "dag"
                    return f" The newest one of this {what} is of {others[0].identity}."
        return ""

    def __str__(self) -> str:
        return ", ".join(hook.checkpoint_conn_id for hook in self.hooks)
