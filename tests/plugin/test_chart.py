"""Rows over time, as it is drawn."""

from __future__ import annotations

from airflow_checkpoint_provider.plugin.display.chart import Chart, chart
from tests.support.plugin_events import after, checkpoint, told


def drawn(*events: tuple[object, ...], now: float | None = None, **changes: object) -> Chart:
    found = chart(told(*events), checkpoint(**changes), after(now) if now is not None else None)
    assert found
    return found


def points(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line.split())]


COMPLETED = {
    "status": "completed",
    "rows": 1000,
    "updated_at": after(20),
    "committed_at": after(20),
    "completed_at": after(20),
}


def test_each_attempt_is_a_line_of_its_own() -> None:
    found = drawn(
        ("started", 0, 0, 1),
        ("progress", 5, 300, 1),
        ("failed", 7, 400, 1),
        ("resumed", 17, 400, 2),
        ("completed", 20, 1000, 2),
        **COMPLETED,
    )
    first, second = map(points, found.lines)
    assert len(first) == 3
    assert len(second) == 2
    assert (second[0][0] - first[0][0]) / (second[1][0] - first[0][0]) == 17 / 20
    assert second[1] == (found.right, found.top)
    assert points(found.gaps[0]) == [first[-1], second[0]]
    assert [mark.kind for mark in found.marks] == ["started", "failed", "resumed", "completed"]
    assert "Attempt 1 failed at 400 rows" in found.marks[1].title


def test_only_the_last_load_is_drawn() -> None:
    found = drawn(
        ("started", 0, 0, 1),
        ("completed", 9, 5000, 1),
        ("started", 100, 5000, 2),
        ("completed", 120, 1000, 2),
        **COMPLETED,
    )
    assert len(found.lines) == 1
    assert found.title == "1,000 rows in 20 s"
    assert points(found.lines[0])[0] == (found.left, found.bottom)


def test_a_standstill_is_flat_until_now() -> None:
    line = points(drawn(("started", 0, 0, 1), now=40, rows=500, committed_at=after(10)).lines[0])
    assert len(line) == 3
    assert line[1][1] == line[2][1]
    assert line[2][0] > line[1][0]


def test_ticks_are_round() -> None:
    found = drawn(("started", 0, 0, 1), now=600, rows=823_456)
    assert [label for _, label in found.y_ticks] == ["0", "500K", "1M"]
    assert [label for _, label in found.x_ticks] == ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]
    assert all(found.left <= x <= found.right for x, _ in found.x_ticks)


def test_nothing_to_draw() -> None:
    assert chart(told(("reload_requested", 0, None, None, "ada")), checkpoint(), None) is None


def test_a_load_of_no_rows() -> None:
    assert drawn(("started", 0, 0, 1), ("completed", 0, 0, 1), status="completed", rows=0).lines
