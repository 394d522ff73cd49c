"""A declaration in a YAML file: checked against its JSON schema, with the line of each mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError, Problem
from airflow_checkpoint_provider.operators.declaration.yaml_schema import unfit, with_durations

_TEXT, _MERGED = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
_Group = TypeVar("_Group")
_Lines = dict[tuple[Any, ...], int]


class DeclarationFile:
    """
    A file with a declaration.

    :param path: the file
    :raises ArgumentError: when it is not YAML, has a key twice, or does not fit the schema
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArgumentError(f"path: {path} could not be read ({error}).") from None
        self._lines: _Lines = {}
        self.content = self._checked(self._read(text))

    def _read(self, text: str) -> Any:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise ArgumentError(f"{self.path}: the file is empty.")
            wrong = list(_walk(node, (), self._lines))
            if wrong:
                raise ArgumentError(
                    "\n".join(f"{self.path}, line {line}: {message}" for message, line in wrong)
                )
            return loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise ArgumentError(
                f"{self.path}{line}: it is not YAML: {error.problem or error.context}."
            ) from None
        except yaml.YAMLError as error:
            raise ArgumentError(f"{self.path}: it is not YAML: {error}.") from None
        finally:
            loader.dispose()

    def _checked(self, content: Any) -> dict[str, Any]:
        if not isinstance(content, dict):
            raise ArgumentError(f"{self.path}: {shown(content)} is not a mapping with the tables of a group.")
        if problems := unfit(content):
            told = sorted((self.line(place), message) for message, place in problems)
            raise ArgumentError("\n".join(f"{self.path}, line {line}: {message}" for line, message in told))
        return with_durations(content)

    def line(self, place: tuple[Any, ...]) -> int:
        """Return the line of a place in the file, or of what encloses it."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def declare(self, group: Callable[..., _Group], more: Mapping[str, Any]) -> _Group:
        """
        Make the group of the file.

        :param group: its class
        :param more: arguments in front of those in the file
        :raises ArgumentError: with the lines of what is wrong
        """
        given = {**self.content, **more}
        for name in ("group_id", "source_conn_id", "destination_conn_id"):
            if name not in given:
                raise ArgumentError(f"{name}: {self.path} has none; write it there, or give it to from_yaml.")
        try:
            return group(**given)
        except DeclarationError as error:
            raise ArgumentError("\n".join(map(self._located, error.problems))) from None
        except ArgumentError as error:
            raise ArgumentError(f"{self.path}: {error}") from None

    def _located(self, problem: Problem) -> str:
        place = ("defaults",) if problem.table is None else ("tables", problem.table)
        return f"{self.path}, line {self.line((*place, problem.argument))}: {problem}"


def _walk(node: Any, place: tuple[Any, ...], lines: _Lines) -> Iterator[tuple[str, int]]:
    """Note the line of each key as far down as an argument; return what is wrong with keys, and where."""
    lines.setdefault(place, node.start_mark.line + 1)
    if not isinstance(node, yaml.MappingNode) or len(place) > 3:
        return
    seen = set()
    for key, value in node.value:
        name, line = key.value, key.start_mark.line + 1
        if key.tag == _MERGED or not isinstance(name, str):
            continue
        if key.tag != _TEXT:
            yield f"{name} is not a text to YAML; put it into quotes.", line
        if name in seen:
            yield f"{name!r} is there twice.", line
        seen.add(name)
        lines.setdefault((*place, name), line)
        yield from _walk(value, (*place, name), lines)
