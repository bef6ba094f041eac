"""A workflow's steps as a picture: boxes in layers from left to right, an arrow to each step that waits for another.

The drawing is an SVG of ours, so that the report needs no script from anywhere; colours come from the style sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.texts import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_assay.core.contract import StepEntry

MOST_STEPS = 300
"""Steps that are drawn; a larger plan is told as a table only."""

_BOX_WIDTH = 176
_BOX_HEIGHT = 48
_LANE_HEIGHT = 14
_ASIDE_HEIGHT = 26
_GAP_ACROSS = 64
_GAP_DOWN = 18
_MARGIN = 8
_LONGEST_LABEL = 22
_LONGEST_ASIDE = 20
_SWEEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """What stands in a layer: a step, or an arrow that passes through on its way to a later layer.

    Attributes:
        key: Its name in the drawing.
        sources: Keys in the layer before from which arrows come.
        step: The step, None for an arrow.
    """

    key: str
    sources: tuple[str, ...]
    step: StepEntry | None = None

    @property
    def height(self) -> int:
        """Return its height, with what stands below a step: what is called instead, what undoes it."""
        return _LANE_HEIGHT if self.step is None else _BOX_HEIGHT + _ASIDE_HEIGHT * len(_asides(self.step))

    @property
    def anchor(self) -> int:
        """Return how far below its upper edge arrows end and start."""
        return (_LANE_HEIGHT if self.step is None else _BOX_HEIGHT) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """Where a cell stands; see `_Cell`."""

    cell: _Cell
    left: int
    top: int


def workflow_graph(steps: Sequence[StepEntry], name: str) -> str:
    """Return the steps as an SVG drawing, empty without steps or with more than `MOST_STEPS`.

    Needs that name no step, and those that would make a circle, are left out of the order, not out of the page.
    """
    if not steps or len(steps) > MOST_STEPS:
        return ""
    boxes = _placed(steps)
    width = max(box.left for box in boxes.values()) + _BOX_WIDTH + _MARGIN
    height = max(box.top + box.cell.height for box in boxes.values()) + _MARGIN
    arrows = "".join(_arrow(boxes[source], box) for box in boxes.values() for source in box.cell.sources)
    drawn = "".join(part for box in boxes.values() for part in _drawn(box))
    label = escape(line(f"Steps of {name}: {_in_words(steps)}", 600))
    return (
        f'<div class="scroll graph" tabindex="0"><svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{label}">{arrows}{drawn}</svg></div>'
    )


def layers(steps: Sequence[StepEntry]) -> list[list[StepEntry]]:
    """Return the steps by the length of the longest way to them; each stands after all that it needs."""
    known = {step["id"]: step for step in steps}
    depth: dict[str, int] = {}
    waiting = list(known.values())
    while waiting:
        ready = [step for step in waiting if all(need in depth for need in _known_needs(step, known))]
        # A circle has no first step: the one that comes first in the document starts it.
        for step in ready or waiting[:1]:
            depth[step["id"]] = 1 + max((depth.get(need, -1) for need in _known_needs(step, known)), default=-1)
        waiting = [step for step in waiting if step["id"] not in depth]
    found: list[list[StepEntry]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for name, step in known.items():
        found[depth[name]].append(step)
    return [layer for layer in found if layer]


def _known_needs(step: StepEntry, known: Mapping[str, object]) -> list[str]:
    """Return what a step needs, as far as it is there and is not the step itself."""
    return [need for need in dict.fromkeys(step.get("needs", [])) if need in known and need != step["id"]]


def _cells(steps: Sequence[StepEntry]) -> list[list[_Cell]]:
    """Return the cells of each layer; an arrow over several layers gets a cell in each, so that it crosses no box."""
    ordered = layers(steps)
    depth = {step["id"]: at for at, layer in enumerate(ordered) for step in layer}
    cells: list[dict[str, _Cell]] = [{} for _ in ordered]
    for at, layer in enumerate(ordered):
        for step in layer:
            earlier = [need for need in _known_needs(step, depth) if depth[need] < at]
            sources = tuple(_way(need, depth[need], at, cells) for need in earlier)
            cells[at][step["id"]] = _Cell(key=step["id"], sources=sources, step=step)
    return [list(layer.values()) for layer in cells]


def _way(need: str, start: int, end: int, cells: Sequence[dict[str, _Cell]]) -> str:
    """Return the key of what stands before layer ``end`` on the way from a step; the way is shared by all arrows."""
    key = need
    for at in range(start + 1, end):
        # A line feed is in no id that is presented, so this names no step.
        passing = f"{need}\n{at}"
        cells[at].setdefault(passing, _Cell(key=passing, sources=(key,)))
        key = passing
    return key


def _placed(steps: Sequence[StepEntry]) -> dict[str, _Box]:
    """Return every cell with its place; layers stand in the middle of the drawing's height."""
    ordered = _untangled(_cells(steps))
    heights = [sum(cell.height + _GAP_DOWN for cell in layer) - _GAP_DOWN for layer in ordered]
    boxes: dict[str, _Box] = {}
    for column, layer in enumerate(ordered):
        top = _MARGIN + (max(heights) - heights[column]) // 2
        for cell in layer:
            boxes[cell.key] = _Box(cell=cell, left=_MARGIN + column * (_BOX_WIDTH + _GAP_ACROSS), top=top)
            top += cell.height + _GAP_DOWN
    return boxes


def _untangled(ordered: list[list[_Cell]]) -> list[list[_Cell]]:
    """Return the layers with each cell near the middle of where its arrows come from, so that few of them cross.

    Source: the barycenter heuristic of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical
    System Structures" (1981).
    """
    for _ in range(_SWEEPS):
        place = {cell.key: (at + 0.5) / len(layer) for layer in ordered for at, cell in enumerate(layer)}
        ordered = [sorted(layer, key=lambda cell: _middle(cell, place)) for layer in ordered]
    return ordered


def _middle(cell: _Cell, place: Mapping[str, float]) -> float:
    """Return the mean place of a cell's sources, its own without any."""
    found = [place[source] for source in cell.sources]
    return sum(found) / len(found) if found else place[cell.key]


def _asides(step: StepEntry) -> list[tuple[str, str]]:
    """Return what stands below a step: a style and a text each."""
    undo, used = step.get("undo"), step.get("stood_in", [])
    done = "undone by" if step.get("undone") else "undo"
    return [
        *(
            ("aside used", f"by {tool}") if tool in used else ("aside", f"else {tool}")
            for tool in step.get("fallback", [])
        ),
        *([("aside undone" if step.get("undone") else "aside", f"{done} {undo}")] if undo else []),
    ]


def _arrow(source: _Box, target: _Box) -> str:
    """Return the way from a cell to one of the next layer, with a tip where it reaches a step."""
    x1, y1 = source.left + _BOX_WIDTH, source.top + source.cell.anchor
    x2, y2 = target.left, target.top + target.cell.anchor
    bend = (x2 - x1) // 2
    curve = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    if target.cell.step is None:
        return f'<path class="arrow" d="{curve}h{_BOX_WIDTH}"/>'
    return f'<path class="arrow" d="{curve}"/><path class="tip" d="M{x2} {y2}l-8 -4v8z"/>'


def _drawn(box: _Box) -> Iterator[str]:
    """Yield one step: its name, what it calls, what it came to; nothing for an arrow."""
    step = box.cell.step
    if step is None:
        return
    told = f"{step['id']}: {step['server']}.{step['tool']}, {step['outcome']}"
    why = f"; {step.get('observed')}" if step.get("observed") else ""
    why += "".join(f"; {name} stood in" for name in step.get("stood_in", []))
    yield f'<g class="step {_style(step["outcome"])}"><title>{escape(line(told + why, 400))}</title>'
    yield f'<rect x="{box.left}" y="{box.top}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="7"/>'
    yield _text("name", box.left + 10, box.top + 20, step["id"])
    yield _text("call", box.left + 10, box.top + 37, f"{step['server']}.{step['tool']}")
    for at, (style, text) in enumerate(_asides(step)):
        top = box.top + _BOX_HEIGHT + 3 + at * _ASIDE_HEIGHT
        yield f'<rect class="{style}" x="{box.left + 14}" y="{top}" width="{_BOX_WIDTH - 14}" height="21" rx="5"/>'
        yield _text("call", box.left + 22, top + 15, text, _LONGEST_ASIDE)
    yield "</g>"


def _text(style: str, x: int, y: int, text: str, most: int = _LONGEST_LABEL) -> str:
    """Return a label that fits into a box."""
    shown = line(text, 200)
    shown = shown if len(shown) <= most else f"{shown[: most - 1]}…"
    return f'<text class="{style}" x="{x}" y="{y}">{escape(shown)}</text>'


def _style(word: str) -> str:
    """Return the style of an outcome; documents of other programs may have words of their own."""
    known = {"result": "pass", "pass": "pass", "skip": "skip", "skipped": "skip", "warn": "warn"}
    return known.get(word, "fail")


def _in_words(steps: Sequence[StepEntry]) -> str:
    """Return the order of the steps for those who cannot see it."""
    return "; then ".join(", ".join(step["id"] for step in layer) for layer in layers(steps))
