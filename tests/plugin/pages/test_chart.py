"""The chart of rows over time."""

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
    assert points(found.gaps[0]) == [first[-1], (second[0][0], first[-1][1]), second[0]]
    assert [mark.kind for mark in found.marks] == ["started", "failed", "resumed", "completed"]
    assert "Attempt 1 failed at 400 rows" in found.marks[1].title


def test_dead_time_is_flat_and_what_was_committed_before_it_a_step() -> None:
    found = drawn(
        ("started", 0, 0, 1),
        ("progress", 5, 300, 1),
        ("resumed", 600, 450, 2),
        ("completed", 610, 1000, 2),
        **COMPLETED,
    )
    before, still, after_it = points(found.gaps[0])
    assert (before[1], still[0]) == (still[1], after_it[0])
    assert after_it[1] < still[1]


def test_a_standstill_within_an_attempt_is_a_step() -> None:
    events = [
        ("started", 0, 0, 1),
        *(("progress", n, n * 10, 1) for n in (5, 10, 15, 20)),
        ("progress", 320, 210, 1),
    ]
    (line,) = map(points, drawn(*events, ("completed", 325, 1000, 1), **COMPLETED).lines)
    assert len(line) == len(events) + 2
    (x1, y1), (x2, y2), (x3, y3) = line[4:7]
    assert (y1, x2) == (y2, x3)
    assert (x1 < x2, y3 < y2) == (True, True)


def test_thinned_samples_are_no_standstill() -> None:
    events = [("started", 0, 0, 1), *(("progress", n * 60, n * 10, 1) for n in range(1, 9))]
    (line,) = map(points, drawn(*events, ("completed", 540, 1000, 1), **COMPLETED).lines)
    assert len(line) == len(events) + 1


def test_labels_do_not_stand_on_each_other() -> None:
    found = drawn(
        *(("resumed" if n else "started", n, 0, n + 1) for n in range(4)),
        ("resumed", 100, 0, 5),
        now=200,
        rows=10,
    )
    assert [mark.label for mark in found.marks] == ["1", "", "", "", "5"]


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
