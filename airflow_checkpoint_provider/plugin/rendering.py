"""Templates, with everything that comes from data escaped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from airflow_checkpoint_provider.plugin.display import words

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    number=words.number,
    duration=words.duration,
    percent=words.percent,
    short=words.short,
    state=words.state_word,
    clock=words.clock,
    as_json=lambda value: json.dumps(value, ensure_ascii=False),
)


def linking(path: str, chosen: Mapping[str, Any]) -> Callable[..., str]:
    """Return a function that makes addresses of a page with other choices than these."""

    def link(**changes: Any) -> str:
        """Return the address of the first page with other choices."""
        values = {**chosen, **changes}
        return f"{path}?{urlencode({name: value for name, value in values.items() if value})}"

    return link


def render(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(_environment.get_template(template).render(status=status, **values), status)
