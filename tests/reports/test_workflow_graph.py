from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from mcp_assay_reports.html_graph import MOST_STEPS, layers, workflow_graph


def step(name: str, *needs: str, **more: Any) -> Any:
    about = {"id": name, "server": "notes", "tool": "add", "outcome": "pass", "duration_s": 0.1}
    return {**about, "needs": list(needs), **more}


DIAMOND = [step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")]


def names(steps: list[Any]) -> list[list[str]]:
    return [[entry["id"] for entry in layer] for layer in layers(steps)]


def drawn(steps: list[Any]) -> ET.Element:
    text = re.search("<svg.*</svg>", workflow_graph(steps, "trip"))
    assert text is not None
    return ET.fromstring(text[0])


def test_each_step_stands_after_all_that_it_needs() -> None:
    assert names(DIAMOND) == [["a"], ["b", "c"], ["d"]]
    assert names([step("late", "early"), step("early")]) == [["early"], ["late"]]


def test_a_circle_and_a_need_of_nothing_end_and_lose_no_step() -> None:
    steps = [step("a", "b"), step("b", "a"), step("c", "c", "nobody")]
    assert sorted(name for layer in names(steps) for name in layer) == ["a", "b", "c"]
    assert len(drawn(steps).findall("g")) == 3


def test_there_is_an_arrow_for_each_need() -> None:
    assert len(drawn(DIAMOND).findall("path[@class='tip']")) == 4


def test_no_two_boxes_overlap_and_all_stand_in_the_picture() -> None:
    asides = {"fallback": ["other.add"], "undo": "notes.delete"}
    steps = [step(f"s{at}", *([f"s{at // 3}"] if at else []), **(asides if at % 2 else {})) for at in range(40)]
    picture = drawn(steps)
    rects = [tuple(int(box.get(name, "")) for name in ("x", "y", "width", "height")) for box in picture.iter("rect")]
    for at, (x, y, width, height) in enumerate(rects):
        assert x >= 0
        assert y >= 0
        assert x + width <= int(picture.get("width", ""))
        assert y + height <= int(picture.get("height", ""))
        for other_x, other_y, other_width, other_height in rects[at + 1 :]:
            apart_across = x + width <= other_x or other_x + other_width <= x
            assert apart_across or y + height <= other_y or other_y + other_height <= y


def test_an_arrow_over_several_layers_passes_between_the_boxes() -> None:
    steps = [step("a"), step("b", "a"), step("c", "b"), step("d", "c", "a")]
    picture = drawn(steps)
    boxes = {group.findtext("title", "").split(":")[0]: group.find("rect") for group in picture.findall("g")}
    passing = [path.get("d", "") for path in picture.findall("path[@class='arrow']") if "h" in path.get("d", "")]
    assert len(passing) == 2
    for path, name in zip(passing, ("b", "c"), strict=True):
        box = boxes[name]
        assert box is not None
        height = int(path.split("h")[0].split()[-1])
        assert not int(box.get("y", "")) <= height <= int(box.get("y", "")) + int(box.get("height", ""))


def test_what_is_called_instead_and_what_was_undone_are_in_the_picture() -> None:
    undone = step("write", outcome="fail", observed="it went away", fallback=["b.write"], undo="a.remove", undone=True)
    picture = drawn([undone])
    assert [text.text for text in picture.iter("text")][2:] == ["else b.write", "undone by a.remove"]
    assert picture.findtext("g/title") == "write: notes.add, fail; it went away"
    group = picture.find("g")
    assert group is not None
    assert group.get("class") == "step fail"


def test_what_stood_in_is_told_apart_from_what_would_have() -> None:
    saved = step("write", outcome="pass", fallback=["b.write", "c.write"], stood_in=["c.write"])
    picture = drawn([saved])
    assert [text.text for text in picture.iter("text")][2:] == ["else b.write", "by c.write"]
    assert picture.findtext("g/title") == "write: notes.add, pass; c.write stood in"
    assert [box.get("class") for box in picture.iter("rect")][1:] == ["aside", "aside used"]


def test_the_order_is_told_to_those_who_cannot_see_it() -> None:
    assert drawn(DIAMOND).get("aria-label") == "Steps of trip: a; then b, c; then d"


def test_a_plan_too_large_to_draw_is_left_to_the_table() -> None:
    assert workflow_graph([step(str(at)) for at in range(MOST_STEPS + 1)], "all") == ""
    assert workflow_graph([], "none") == ""
