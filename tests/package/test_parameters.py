"""Functions take few parameters: values passed on together are one object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import airflow_checkpoint_provider.engine

ENGINE = Path(airflow_checkpoint_provider.engine.__file__).parent
MOST = 7


def functions(
    tree: ast.AST, inside: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inside, node
        yield from functions(node, node.name if isinstance(node, ast.ClassDef) else inside)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    variable = [argument for argument in (given.vararg, given.kwarg) if argument]
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *variable]
    return [argument.arg for argument in every if argument.arg not in ("self", "cls")]


def too_many(source: str) -> list[str]:
    return [
        f"{inside}.{function.name}: {', '.join(parameters(function))}"
        for inside, function in functions(ast.parse(source))
        if len(parameters(function)) > MOST
    ]


def test_no_function_of_the_engine_has_more_than_seven() -> None:
    files = sorted(ENGINE.rglob("*.py"))
    assert len(files) > 50
    found = {str(path.relative_to(ENGINE)): too_many(path.read_text()) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


def test_all_kinds_of_parameters_count() -> None:
    source = "class A:\n def f(self, a, b, /, c, d, *e, f, g, **h):\n  def inner(x): ...\n"
    assert too_many(source) == ["A.f: a, b, c, d, f, g, e, h"]
    assert too_many(source.replace(", **h", "")) == []
