"""What a declaration in YAML may have: its JSON schema, and what does not fit it, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.accepted import strange, unknown

SCHEMA = Path(__file__).with_name("group.schema.json")
"""The JSON schema of the file, for editors, too."""

_SECONDS = ("execution_timeout", "retry_delay", "max_retry_delay")
_DURATIONS = (*_SECONDS, "lookback")
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def unfit(content: Mapping[str, Any]) -> list[tuple[str, tuple[Any, ...]]]:
    """Return what does not fit the schema: each message with its place, such as ``("tables", "sales", "pool")``."""
    # Here, so that a group without a file does not pay for it.
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text())
    known = schema["properties"]
    problems = [(unknown(name, known, "key"), (name,)) for name in content if name not in known]
    for place, arguments in _arguments(content):
        table = place[1] if place[0] == "tables" else None
        problems += [(str(one), (*place, one.argument)) for one in strange(arguments, table)]
    return problems or [
        (_in_words(error), tuple(error.absolute_path))
        for error in Draft202012Validator(schema).iter_errors(content)
    ]


def with_durations(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a declaration that fits the schema as arguments of the group, durations in place of numbers."""
    # New mappings, because one with an alias stands in several places.
    given = {**content, "tables": dict(content["tables"])}
    for place, arguments in _arguments(content):
        into = given if place == ("defaults",) else given["tables"]
        into[place[-1]] = {**arguments, **dict(_durations(arguments))}
    return given


def _arguments(content: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Return each mapping of arguments with its place."""
    if isinstance(content.get("defaults"), dict):
        yield ("defaults",), content["defaults"]
    if isinstance(content.get("tables"), dict):
        for name, own in content["tables"].items():
            if isinstance(own, dict):
                yield ("tables", name), own


def _durations(arguments: Mapping[str, Any]) -> Iterator[tuple[str, timedelta]]:
    for name in _DURATIONS:
        value = arguments.get(name)
        if isinstance(value, Mapping):
            yield name, timedelta(**value)
        elif value is not None and name in _SECONDS:
            yield name, timedelta(seconds=value)


def _in_words(error: Any) -> str:
    place = [str(part) for part in error.absolute_path]
    where = f"tables: {place[1]!r}: " if place[:1] == ["tables"] and len(place) > 1 else ""
    name = ".".join(place[2:] if where else place)
    if error.validator == "required":
        return f"{where}{error.message}."
    if error.validator == "additionalProperties":
        strangers = ", ".join(sorted(set(error.instance) - set(error.schema["properties"])))
        return f"{where}{name}{': ' if name else ''}{strangers}: not possible in YAML; declare the tables in Python."
    choices = list(dict.fromkeys(_choices(error.schema)))
    wanted = f"is not {' or '.join(choices)}" if choices else f"does not fit ({error.message})"
    return f"{where}{name}{': ' if name else ''}{shown(error.instance)} {wanted}."


def _choices(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield "one of " + ", ".join("null" if one is None else repr(one) for one in schema["enum"])
    elif "pattern" in schema:
        yield "a template"
    elif "$ref" in schema:
        yield "a duration such as {hours: 2}"
    else:
        kinds = schema.get("type", [])
        yield from (_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    for one in schema.get("anyOf", []):
        yield from _choices(one)
