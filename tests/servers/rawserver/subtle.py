"""Read-only tools with one subtle fault each: most calls work, and some that are just as right do not.

Without the faults the same tools answer every call that fits their schema, and refuse every other one.
"""

from __future__ import annotations

import copy
import json
import os
from datetime import date

from rawserver.protocol import INTERNAL_ERROR, RpcError, text
from rawserver.tools import made_of, structured

_STRING, _WHOLE, _NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_TEXT = {"type": "string", "description": "A text to work on"}
_LINES = 100
_SLOW_PER_PAIR_S = 1e-8


def _failed(said):
    return {"content": [text(said)], "isError": True}


def _broken(request, arguments):
    raise RpcError(INTERNAL_ERROR, "Internal error")


def _answers(function):
    def call(request, arguments):
        return structured(function(arguments))

    return call


def _amount(request, arguments):
    try:
        cents = round(float(arguments["text"]) * 100)
    except (ValueError, OverflowError):
        return _failed("The text is no amount")
    return structured({"cents": cents})


def _area(given):
    shape = given["shape"]
    return {"area": shape["radius"] ** 2 * 3 if "radius" in shape else shape["side"] ** 2}


def _leaf(given):
    return {"depth": 3 if "leaf" in given["tree"]["branch"] else 2}


def _connect(request, arguments):
    if arguments["name"] in {"main", "example"}:
        return structured({"tables": 4})
    return _failed("There is no such database")


def _find_city(request, arguments):
    known = arguments["city"] == "Paris"
    return structured({"country": "FR"}) if known else _failed("There is no such city")


def _convert(request, arguments):
    factor = {"metre": 1, "foot": 3, "inch": 39}.get(arguments["unit"])
    return (
        structured({"factor": factor})
        if factor
        else _failed(f"Unknown unit: {arguments['unit']}. Supported units: metre, foot, inch")
    )


def _array(items, description):
    return {"type": "array", "items": items, "maxItems": 10, "description": description}


def _closed(**properties):
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _whole(low, high, description):
    return {"type": "integer", "minimum": low, "maximum": high, "description": description}


_SHAPE = {
    "oneOf": [_closed(radius=_whole(0, 9, "Of a circle")), _closed(side=_whole(0, 9, "Of a square"))],
    "description": "A circle or a square",
}
_TREE = _closed(
    branch={
        "type": "object",
        "description": "A branch",
        "properties": {"leaf": {**_WHOLE, "description": "A number"}},
        "additionalProperties": False,
    }
)

# name, what it does, function, properties, optional ones, output
_ROWS = [
    ("read_page", "Return how many lines stand from an offset on.",
     _answers(lambda given: {"lines": min(10, _LINES - int(given["offset"]))}),
     {"offset": _whole(0, _LINES, "Lines before the page")}, (), {"lines": _WHOLE}),
    ("join_words", "Return words as one text.", _answers(lambda given: {"text": " ".join(given["words"])}),
     {"words": _array(_STRING, "The words")}, (), {"text": _STRING}),
    ("fill_form", "Return a text in a frame.", _answers(lambda given: {"text": f"[{given['text']}]"}),
     {"text": _TEXT}, (), {"text": _STRING}),
    ("count_settings", "Return how many settings there are.",
     _answers(lambda given: {"count": len(given["settings"])}),
     {"settings": {"type": "object", "additionalProperties": _STRING, "description": "Settings by name"}}, (),
     {"count": _WHOLE}),
    ("day_of_year", "Return which day of its year a date is.",
     _answers(lambda given: {"day": date.fromisoformat(given["date"]).timetuple().tm_yday}),
     {"date": {**_STRING, "format": "date", "description": "The date"}}, (), {"day": _WHOLE}),
    ("double", "Return a number twice as large, and of the largest the largest.",
     _answers(lambda given: {"double": min(max(given["value"] * 2.0, -1e308), 1e308)}),
     {"value": {**_NUMBER, "description": "The number"}}, (), {"double": _NUMBER}),
    ("sign", "Return whether a number is below 0.", _answers(lambda given: {"negative": given["value"] < 0}),
     {"value": {**_NUMBER, "description": "The number"}}, (), {"negative": {"type": "boolean"}}),
    ("to_cents", "Return an amount in cents.", _amount, {"text": {**_TEXT, "maxLength": 12}}, (), {"cents": _WHOLE}),
    ("greet", "Return a greeting to somebody.",
     _answers(lambda given: {"text": f"Hello {given.get('title', '')} {given['name']}"}),
     {"name": _TEXT, "title": {**_STRING, "description": "Such as Dr"}}, ("title",), {"text": _STRING}),
    ("frame_text", "Return the text between bars.",
     _answers(lambda given: {"text": given["text"]}), {"text": _TEXT}, (), {"text": _STRING}),
    ("find_tags", "Return the words of a text that begin with #.",
     _answers(lambda given: {"tags": [word for word in given["text"].split() if word.startswith("#")]}),
     {"text": _TEXT}, (), {"tags": {"type": "array", "items": _STRING}}),
    ("count_pairs", "Return how many pairs of characters a text has.",
     _answers(lambda given: {"pairs": len(given["text"]) * (len(given["text"]) - 1) // 2}), {"text": _TEXT}, (),
     {"pairs": _WHOLE}),
    ("count_tables", "Return how many tables a database has.", _connect, {"name": _TEXT}, (), {"tables": _WHOLE}),
    ("shout", "Return the text in capitals.",
     _answers(lambda given: {"text": given["text"].upper()}), {"text": _TEXT}, (), {"text": _STRING}),
    ("measure_tree", "Return how deep a tree is.", _answers(_leaf), {"tree": {**_TREE, "description": "The tree"}}, (),
     {"depth": _WHOLE}),
    ("area", "Return the area of a shape.", _answers(_area), {"shape": _SHAPE}, (), {"area": _WHOLE}),
    ("spell", "Return the length of a text.",
     _answers(lambda given: {"length": len(given["text"])}), {"text": _TEXT}, (), {"length": _WHOLE}),
    ("total", "Return the sum of numbers.", _answers(lambda given: {"total": sum(given["values"])}),
     {"values": _array(_whole(-5, 5, "A number"), "The numbers")}, (), {"total": _WHOLE}),
    ("per_metre", "Return how many units a metre is long.", _convert,
     {"unit": {**_STRING, "description": "Name of the unit"}}, (), {"factor": _WHOLE}),
    ("find_city", "Return the country of a city.",
     _find_city,
     {"city": {**_STRING, "description": "Name of the city"}}, (), {"country": _STRING}),
]  # fmt: skip


def subtle_tools():
    """Return the tools without a fault."""
    return made_of(_ROWS)


def _when(matches, act=_broken):
    """Return an installer: calls that match are answered by ``act(request, arguments)``, others as before."""

    def install(tool):
        before = tool.function
        tool.function = lambda request, arguments: (act if matches(arguments) else before)(request, arguments)

    return install


def _value(value):
    return lambda request, arguments: structured(value)


def _spoilt_by_an_error(tool):
    before, spoilt = tool.function, [False]

    def call(request, arguments):
        result = before(request, arguments)
        failed = bool(result.get("isError"))
        result = structured({"cents": None}) if spoilt[0] and not failed else result
        spoilt[0] = spoilt[0] or failed
        return result

    tool.function = call


def _remembers(tool):
    before, last = tool.function, {}

    def call(request, arguments):
        last.update({name: arguments[name] for name in ("title",) if name in arguments})
        return before(request, {**last, **arguments})

    tool.function = call


def _slow(tool):
    before = tool.function

    def call(request, arguments):
        length = len(arguments["text"])
        request.later(length * length * _SLOW_PER_PAIR_S, lambda: request.answer(before(request, arguments)))

    tool.function = call


def _knows_more(tool):
    tool.checked = copy.deepcopy(tool.definition["inputSchema"])
    del tool.checked["properties"]["tree"]["properties"]["branch"]["additionalProperties"]


def _leaks(request, arguments):
    return _failed(f"There is no such database at db://app:{os.environ.get('MCP_TEST_SECRET', '')}@localhost")


def _error_as_result(request, arguments):
    value = {"error": "There is no such city", "city": arguments["city"]}
    return {"content": [text(json.dumps(value))], "structuredContent": value}


FAULTS = {
    "read_page": ("-32603 at the last offset", _when(lambda given: given["offset"] == _LINES)),
    "join_words": ("-32603 for no words", _when(lambda given: not given["words"])),
    "fill_form": ("-32603 for a percent sign", _when(lambda given: "%" in given["text"])),
    "count_settings": ("-32603 for a dot in a name",
                       _when(lambda given: any("." in name for name in given["settings"]))),
    "day_of_year": ("-32603 for 29 February", _when(lambda given: given["date"].endswith("-02-29"))),
    "double": ("Infinity, which is no JSON",
               _when(lambda given: abs(given["value"]) > 8e307, _value({"double": float("inf")}))),
    "sign": ("null for -0.0", _when(lambda given: str(given["value"]) == "-0.0", _value({"negative": None}))),
    "to_cents": ("wrong after an error", _spoilt_by_an_error),
    "greet": ("an earlier call's title", _remembers),
    "frame_text": ("cut at 64 KiB", _when(lambda given: len(given["text"]) > 65_536,
                                          lambda request, given: structured({"text": given["text"][:65_536]}))),
    "find_tags": ("null for no tags", _when(lambda given: "#" not in given["text"], _value({"tags": None}))),
    "count_pairs": ("quadratic", _slow),
    "count_tables": ("a secret in an error", _when(lambda given: given["name"] not in {"main", "example"}, _leaks)),
    "shout": ("-32603 beyond the basic plane", _when(lambda given: any(ord(each) > 0xFFFF for each in given["text"]))),
    "measure_tree": ("unknown members deep inside", _knows_more),
    "area": ("-32603 for the second kind", _when(lambda given: "side" in given["shape"])),
    "spell": ("-32603 for a NUL", _when(lambda given: "\0" in given["text"])),
    "total": ("-32603 for the most items", _when(lambda given: len(given["values"]) == 10)),
    "per_metre": ("-32603 for a unit that only its errors name", _when(lambda given: given["unit"] == "foot")),
    "find_city": ("an error as a result", _when(lambda given: given["city"] != "Paris", _error_as_result)),
}  # fmt: skip
"""What is wrong with each tool, and what makes it so."""
