"""The output of the demo, and its result."""

from __future__ import annotations

from collections.abc import Sequence


class Report:
    """Prints the progress of the demo, and keeps the claims that failed."""

    def __init__(self) -> None:
        self.untrue: list[str] = []

    def line(self, text: str = "") -> None:
        print(text, flush=True)

    def chapter(self, title: str) -> None:
        self.line(f"\n{title}")

    def item(self, name: str, text: str) -> None:
        self.line(f"   {name:<12} {text}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print numbers right-aligned with thousands separators, and texts left-aligned."""
        lines = [list(header), *([_cell(value) for value in row] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
        numeric = [all(isinstance(row[place], int) for row in rows) for place in range(len(header))]
        self.line()
        for line in lines:
            cells = [
                value.rjust(width) if right else value.ljust(width)
                for value, width, right in zip(line, widths, numeric, strict=True)
            ]
            self.line(f"   {'   '.join(cells)}".rstrip())

    def claim(self, true: bool, otherwise: str) -> None:
        """
        Check a claim on which the demo's result depends.

        :param true: whether the claim holds
        :param otherwise: the message where it does not
        """
        if not true:
            self.untrue.append(otherwise)

    def verdict(self, seconds: float) -> int:
        """Print the result and return the exit code."""
        if self.untrue:
            self.line("\nThis demo failed:")
            for text in self.untrue:
                self.line(f"   * {text}")
            return 1
        self.line(f"\nEvery row exactly once, after a kill -9 and after a clear. ({seconds:.0f} s)")
        return 0


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
