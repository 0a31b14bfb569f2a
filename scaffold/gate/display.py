"""Show the gate while it runs: a table that moves on a terminal, plain lines elsewhere."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from scaffold.gate.steps import Observer, StepResult

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from scaffold.console import Console

_MARKS = {"passed": "✓", "failed": "✗", "timeout": "✗", "skipped": "-"}
_STYLES = {"passed": "green", "failed": "red", "timeout": "red", "skipped": "dim"}
_WIDTH = 10


class Display(Observer, Protocol):
    """An observer that is entered before the first step and left after the last."""

    def __enter__(self) -> Self:
        """Start to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop to show."""


def choose(console: "Console") -> Display:
    """Return the display that suits where stderr goes."""
    return LiveDisplay(console) if console.live else PlainDisplay(console)


class PlainDisplay:
    """One line a step, written when it has ended."""

    def __init__(self, console: "Console") -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to undo."""

    def begin(self, name: str) -> None:
        """Nothing to say yet."""

    def tick(self, name: str, seconds: float, last_line: str) -> None:
        """Nothing to say yet."""

    def end(self, result: StepResult) -> None:
        """Write the step's line."""
        self._console.say(line(result, self._console))


class LiveDisplay:
    """A table of the steps so far; the running one shows its time and its last line."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._results: list[StepResult] = []
        self._running: tuple[str, float, str] | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(
            console=self._console.rich(), get_renderable=self._table, refresh_per_second=8
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running = None
        if self._live is not None:
            self._live.stop()

    def begin(self, name: str) -> None:
        """Add the running step's row."""
        self._running = (name, 0.0, "")

    def tick(self, name: str, seconds: float, last_line: str) -> None:
        """Renew the running step's row."""
        self._running = (name, seconds, last_line)

    def end(self, result: StepResult) -> None:
        """Make the running step's row its result."""
        self._running = None
        self._results.append(result)

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.add_column(width=1)
        table.add_column(width=_WIDTH)
        table.add_column(width=8, justify="right")
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for result in self._results:
            style = _STYLES[result.status]
            mark = Text(_MARKS[result.status], style=style)
            table.add_row(mark, result.name, _seconds(result), Text(result.summary, style="dim"))
        if self._running is not None:
            name, seconds, last_line = self._running
            table.add_row("…", Text(name, style="bold"), f"{seconds:.0f} s", Text(last_line, "dim"))
        return table


def line(result: StepResult, console: "Console") -> str:
    """Return a step's result as one line for stderr."""
    mark = console.style(_MARKS[result.status], _STYLES[result.status])
    return f"{mark} {result.name:<{_WIDTH}} {_seconds(result):>8}  {result.summary}".rstrip()


def _seconds(result: StepResult) -> str:
    return "" if result.status == "skipped" else f"{result.seconds:.1f} s"
