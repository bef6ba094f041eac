"""A server of 26 read-only tools, 25 of which have one fault each that only calls can show.

Without the faults the same tools answer every call that fits their schema, and refuse every other one.
"""

from __future__ import annotations

from rawserver.protocol import text
from rawserver.tools import made_of, structured

_TEXT = {"type": "string", "description": "A text to work on"}
_HEX = {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff"}
_PART = {"part-0a11ce": 3, "part-77beef": 12, "part-9f3c21": 40}
_CIRCLE = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="


def failed(said):
    """Return a failure with a reason."""
    return {"content": [text(said)], "isError": True}


def _plain(function):
    """Return a tool function that answers with the structured value, or failure, that ``function(arguments)`` gives."""

    def call(request, arguments):
        value = function(arguments)
        return value if "content" in value else structured(value)

    return call


def _divide(given):
    if given["divisor"] == 0:
        return failed("The divisor must not be 0")
    return {"quotient": given["dividend"] / given["divisor"]}


def _parse_number(given):
    try:
        number = float(given["text"])
    except ValueError:
        return failed("The text is no number")
    return {"number": number} if abs(number) < 1e308 else failed("The number is too large")


def _average(given):
    values = given["values"]
    return {"mean": sum(values) / len(values) if values else 0.0, "count": len(values)}


def _draw(given):
    image = {"type": "image", "data": _CIRCLE, "mimeType": "image/svg+xml"}
    return {"content": [text(f"a {given['shape']}"), image]}


def _transpose(given):
    rows = given["matrix"]
    return {"matrix": [list(column) for column in zip(*rows, strict=False)]}


def _find_user(given):
    number = given["id"]
    return {"name": f"user {number}"} if number <= 100 else failed(f"There is no user {number}")


def _read_part(given):
    weight = _PART.get(given["id"])
    return failed("There is no such part; list_parts names them") if weight is None else {"weight": weight}


def _digest(given):
    return {"digest": f"{sum(given['text'].encode('utf-8', 'surrogatepass')) % 65536:04x}"}


def _echo_slowly(request, arguments):
    request.later(0.02, lambda: request.answer(structured({"text": arguments["text"]})))


def _sleep(request, arguments):
    ms = int(arguments["ms"])
    request.later(ms / 1000, lambda: request.answer(structured({"slept_ms": ms})))


def _crunch(request, arguments):
    steps = int(arguments["steps"])
    for number in range(1, steps + 1):
        request.progress(number, steps)
    return structured({"steps": steps})


def _integer(description, low, high):
    return {"type": "integer", "minimum": low, "maximum": high, "description": description}


def _array(items, description, most=10):
    return {"type": "array", "items": items, "maxItems": most, "description": description}


_STRING, _WHOLE, _NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_AMOUNT = {
    "type": "object",
    "properties": {"amount": _integer("Price of one item", 0, 1000), "note": {**_STRING, "description": "A remark"}},
    "required": ["amount"],
    "additionalProperties": False,
}

# name, what it does, function, properties, optional ones, output
_ROWS = [
    ("reverse_text", "Return the text from its end to its start.",
     _plain(lambda given: {"text": given["text"][::-1]}), {"text": _TEXT}, (), {"text": _STRING}),
    ("repeat_text", "Return the text several times in a row.",
     _plain(lambda given: {"text": given["text"] * int(given["count"])}),
     {"text": _TEXT, "count": _integer("How many times", 0, 5)}, (), {"text": _STRING}),
    ("divide", "Return one whole number divided by another.", _plain(_divide),
     {"dividend": _integer("What is divided", -1000, 1000), "divisor": _integer("By what", -1000, 1000)},
     (), {"quotient": _NUMBER}),
    ("parse_number", "Return the number that a text stands for.", _plain(_parse_number),
     {"text": {**_TEXT, "maxLength": 20}}, (), {"number": _NUMBER}),
    ("find_colour", "Return the hexadecimal code of a colour.",
     _plain(lambda given: {"hex": _HEX.get(given.get("name"), "#000000")}),
     {"name": {**_STRING, "description": "Name of the colour"}}, (), {"hex": _STRING}),
    ("scale", "Return a hundred times the factor.",
     _plain(lambda given: {"scaled": 100 * given["factor"] if isinstance(given["factor"], int | float) else 0}),
     {"factor": {**_NUMBER, "minimum": -10, "maximum": 10, "description": "What to multiply by"}}, (),
     {"scaled": _NUMBER}),
    ("describe_season", "Return a sentence on a season of the year.",
     _plain(lambda given: {"text": f"It is {given['season']}."}),
     {"season": {**_STRING, "enum": ["spring", "summer", "autumn", "winter"], "description": "The season"}}, (),
     {"text": _STRING}),
    ("pad_text", "Return the text with spaces up to a width.",
     _plain(lambda given: {"text": given["text"].ljust(min(int(given["width"]), 1000))}),
     {"text": _TEXT, "width": _integer("Width in characters", 1, 100)}, (), {"text": _STRING}),
    ("check_code", "Return the country part of an order code.",
     _plain(lambda given: {"country": given["code"][:3]}),
     {"code": {**_STRING, "pattern": "^[A-Z]{3}[0-9]{2}$", "description": "Three letters and two digits"}}, (),
     {"country": _STRING}),
    ("sort_words", "Return words in alphabetical order.",
     _plain(lambda given: {"words": sorted(given["words"])}),
     {"words": _array(_STRING, "Words to sort")}, (), {"words": {"type": "array", "items": _STRING}}),
    ("total_price", "Return the sum of the amounts of some items.",
     _plain(lambda given: {"total": sum(int(item["amount"]) for item in given["items"]
                                        if isinstance(item.get("amount"), int | float))}),
     {"items": _array(_AMOUNT, "The items")}, (), {"total": _WHOLE}),
    ("describe_user", "Return what there is to say of somebody.",
     _plain(lambda given: {"text": given["name"] if given.get("brief") else f"{given['name']} is a user."}),
     {"name": {**_STRING, "description": "The user's name"},
      "brief": {"type": "boolean", "description": "Whether the name is enough"}}, ("brief",), {"text": _STRING}),
    ("average", "Return the mean of some numbers; that of none is 0.", _plain(_average),
     {"values": _array({**_NUMBER, "minimum": -1000, "maximum": 1000}, "The numbers")}, (),
     {"mean": _NUMBER, "count": _WHOLE}),
    ("lower_text", "Return the text in lower case.",
     _plain(lambda given: {"text": given["text"].lower()}), {"text": _TEXT}, (), {"text": _STRING}),
    ("draw", "Return a drawing of a shape.", _plain(_draw),
     {"shape": {**_STRING, "enum": ["circle", "square"], "description": "What to draw"}}, (), None),
    ("count_letters", "Return the number of characters in a text.",
     _plain(lambda given: {"letters": len(given["text"])}), {"text": _TEXT}, (), {"letters": _WHOLE}),
    ("transpose", "Return a table with rows and columns exchanged.", _plain(_transpose),
     {"matrix": _array({"type": "array", "items": _WHOLE, "minItems": 2, "maxItems": 2}, "Rows of two numbers")}, (),
     {"matrix": {"type": "array", "items": {"type": "array", "items": _WHOLE}}}),
    ("hit_count", "Return how often the site was visited yesterday.",
     _plain(lambda given: {"hits": 1204}), {}, (), {"hits": _WHOLE}),
    ("echo_slowly", "Return the text after a moment.", _echo_slowly, {"text": _TEXT}, (), {"text": _STRING}),
    ("sleep", "Answer after some milliseconds.", _sleep, {"ms": _integer("Milliseconds", 0, 3000)}, (),
     {"slept_ms": _WHOLE}),
    ("crunch", "Work in some steps and report each.", _crunch, {"steps": _integer("Number of steps", 1, 5)}, (),
     {"steps": _WHOLE}),
    ("find_user", "Return the name of a user by number.", _plain(_find_user),
     {"id": _integer("Number of the user", 1, 1000)}, (), {"name": _STRING}),
    ("show_settings", "Return the settings of this server.",
     _plain(lambda given: {"settings": "region=eu, verbose=no"}), {}, (), {"settings": _STRING}),
    ("list_parts", "Return the ids of all parts in stock.",
     _plain(lambda given: {"ids": [*_PART]}), {}, (), {"ids": {"type": "array", "items": _STRING}}),
    ("read_part", "Return the weight of a part in grams.", _plain(_read_part),
     {"id": {**_STRING, "pattern": "^part-[0-9a-f]{6}$", "description": "Id of a part, as list_parts names it"}}, (),
     {"weight": _WHOLE}),
    ("digest", "Return a short checksum of a text.", _plain(_digest), {"text": _TEXT}, (), {"digest": _STRING}),
]  # fmt: skip


def healthy_tools():
    """Return the tools without a fault."""
    return made_of(_ROWS)
