"""How far each lane is, live below pytest's own line while it waits for a verdict.

Only a terminal sees it: in CI, in a pipe, under xdist and in a debugger pytest's own lines are all there is. It is
drawn while nothing is captured, by the thread that pytest itself writes from, and it is gone before that writes on;
the cursor never leaves the end of pytest's line.
"""

from __future__ import annotations

import importlib
import io
import os
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from mcp_assay.core.presentation import Presenter
    from mcp_assay.readiness.progress import LaneProgress

_INTERVAL_S = 0.2
_MOST_LANES = 12
_LEAST_ROOM = 4
_QUIETEST = -1
_BAR_WIDTH = 20
# ECMA-48 and DEC VT100: index, cursor up, save and restore cursor, erase to the end of line and screen.
_INDEX, _SAVE, _RESTORE, _ERASE_LINE, _ERASE_BELOW = "\x1bD", "\x1b7", "\x1b8", "\x1b[K", "\x1b[J"


@dataclass(slots=True, kw_only=True)
class LiveProgress:
    """Shows the lanes while somebody waits.

    Attributes:
        config: pytest's configuration.
        lanes: Returns how far each lane is.
        presenter: Makes names of servers and tools fit to be shown.
    """

    config: pytest.Config
    lanes: Callable[[], Sequence[LaneProgress]]
    presenter: Presenter
    _drawn: bool = field(default=False, init=False)

    def follow(self, is_over: Callable[[float], bool]) -> None:
        """Draw until something is over, then leave the terminal as it was found.

        Args:
            is_over: Returns whether it is, after waiting for at most so many seconds.
        """
        if not is_watched(self.config):
            return
        try:
            while not is_over(_INTERVAL_S):
                self.draw(sys.stdout)
        finally:
            self.erase(sys.stdout)

    def draw(self, stream: TextIO) -> None:
        """Draw the lanes below the cursor's line and put the cursor back."""
        columns, rows = shutil.get_terminal_size()
        room = min(_MOST_LANES + 1, rows - 2)
        if room < _LEAST_ROOM:
            return
        lines = self._rendered(columns, room, stream.encoding or "ascii")
        below = "".join(f"\r\n{line}{_ERASE_LINE}" for line in lines)
        # Making room first may scroll, and a saved place would not scroll with it.
        make_room = f"{_INDEX * len(lines)}\x1b[{len(lines)}A"
        self._drawn = True
        stream.write(f"{make_room}{_SAVE}{below}{_ERASE_BELOW}{_RESTORE}")
        stream.flush()

    def erase(self, stream: TextIO) -> None:
        """Take away what was drawn."""
        if self._drawn:
            self._drawn = False
            stream.write(_ERASE_BELOW)
            stream.flush()

    def _rendered(self, columns: int, room: int, encoding: str) -> list[str]:
        """Return the lanes as lines of at most ``columns`` cells, those that run first."""
        lanes = sorted(self.lanes(), key=lambda lane: (lane.current is None, lane.done >= lane.total))
        shown = lanes if len(lanes) <= room else lanes[: room - 1]
        sink = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
        console: Any = importlib.import_module("rich.console").Console(
            file=sink,
            width=columns - 1,
            force_terminal=True,
            color_system="standard" if self.config.get_terminal_writer().hasmarkup else None,
            highlight=False,
            markup=False,
            emoji=False,
        )
        with console.capture() as captured:
            console.print(self._table(shown))
            if len(lanes) > len(shown):
                finished = sum(lane.done >= lane.total for lane in lanes)
                console.print(f"  and {len(lanes) - len(shown)} more; {finished} of {len(lanes)} through")
        text: str = captured.get()
        return [line.encode(encoding, "backslashreplace").decode(encoding) for line in text.splitlines()][:room]

    def _table(self, lanes: Sequence[LaneProgress]) -> Any:
        """Return the lanes as a table of rich: server, bar, count, what runs, since when."""
        table: Any = importlib.import_module("rich.table").Table.grid(padding=(0, 1), expand=False)
        bar: Any = importlib.import_module("rich.progress_bar").ProgressBar
        text: Any = importlib.import_module("rich.text").Text
        for settings in ({"max_width": 24}, {}, {"justify": "right"}, {"justify": "right"}, {"ratio": 1}):
            table.add_column(no_wrap=True, overflow="ellipsis", **settings)
        for lane in lanes:
            waits = "waits" if lane.done < lane.total else lane.outcome
            since = f"{lane.running_s:.0f} s" if lane.current is not None and lane.running_s >= 1 else ""
            table.add_row(
                text(f"  {self.presenter.line(lane.server, 60)}"),
                bar(total=lane.total, completed=lane.done, width=_BAR_WIDTH),
                text(f"{lane.done}/{lane.total}"),
                text(since),
                text(waits if lane.current is None else self.presenter.line(lane.current, 120)),
            )
        return table


def is_watched(config: pytest.Config) -> bool:
    """Return whether somebody may look at a terminal on which lines can be drawn over."""
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(config, "workerinput") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    asked_for = config.get_verbosity() >= _QUIETEST and not os.environ.get("CI")
    return asked_for and bool(terminal.isatty()) and sys.stdout.isatty()
