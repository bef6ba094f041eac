"""A server whose tools make sense only one after another: what ``create_box`` returns, ``open_box`` takes.

Nothing is annotated. ``open_box`` has a fault that only a box which is there can show. Run it with
``python -S -E shelf.py``.
"""

import json

from toolserver import serve

TEXT = {"type": "string"}
OBJECT = {"type": "object", "additionalProperties": False}
TOOLS = [
    {
        "name": "open_box",
        "description": "Opens a box by its id.",
        "inputSchema": {**OBJECT, "properties": {"boxId": TEXT}, "required": ["boxId"]},
        "outputSchema": {"type": "object", "properties": {"label": TEXT}, "required": ["label"]},
    },
    {
        "name": "create_box",
        "description": "Puts a box on the shelf.",
        "inputSchema": {**OBJECT, "properties": {"label": {**TEXT, "minLength": 1}}, "required": ["label"]},
        "outputSchema": {"type": "object", "properties": {"id": TEXT}, "required": ["id"]},
    },
]
BOXES: dict[str, str] = {}


def failed(said):
    return {"content": [{"type": "text", "text": said}], "isError": True}


def result(value):
    return {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}


def call(name, arguments):
    known = next(tool for tool in TOOLS if tool["name"] == name)["inputSchema"]
    (parameter,) = known["properties"]
    value = arguments.get(parameter)
    if list(arguments) != [parameter] or not isinstance(value, str):
        return failed(f"{name} takes a text as {parameter}, and nothing else")
    if name == "open_box":
        return result({"label": None}) if value in BOXES else failed(f"there is no box {value}")
    if not value:
        return failed("a box needs a label")
    BOXES[f"box-{len(BOXES) + 7001}"] = value
    return result({"id": list(BOXES)[-1]})


serve("shelf", TOOLS, call)
