"""The 25 faults of the planted server: one tool each, one kind each, and the smallest call that shows it."""

from __future__ import annotations

import copy
import os

from rawserver.planted import failed
from rawserver.protocol import INTERNAL_ERROR, RpcError, text
from rawserver.tools import structured


class Plant:
    """A fault of one tool.

    ``checks`` are the catalogue's checks any of which may report it, ``shows`` says what a report must make clear, and
    ``smallest`` is the smallest call; a value in angle brackets stands for any value of that kind.
    """

    def __init__(self, kind, tool, checks, shows, smallest, install):
        self.kind = kind
        self.tool = tool
        self.checks = checks
        self.shows = shows
        self.smallest = smallest
        self.install = install

    def as_json(self):
        """Return what a test compares findings with."""
        return {key: value for key, value in vars(self).items() if key != "install"}


def _when(matches, act):
    """Return an installer: calls that match are answered by ``act(request, arguments)``, others as before."""

    def install(tool):
        before = tool.function
        tool.function = lambda request, arguments: (act if matches(arguments) else before)(request, arguments)

    return install


def _unchecked(change):
    """Return an installer: arguments are checked against the schema after ``change(schema)``."""

    def install(tool):
        tool.checked = copy.deepcopy(tool.definition["inputSchema"])
        change(tool.checked)

    return install


def _die(request, arguments):
    request.server.note("Traceback (most recent call last):\nIndexError: string index out of range")
    os._exit(70)


def _internal_error(request, arguments):
    raise RpcError(INTERNAL_ERROR, "Internal error")


def _stack_trace(request, arguments):
    return failed(
        'Traceback (most recent call last):\n  File "/srv/app/numbers.py", line 9, in parse\n'
        f"    return float(value)\nValueError: could not convert string to float: {arguments['text']!r}"
    )


def _is_number(said):
    try:
        float(said)
    except ValueError:
        return False
    return True


def _drop(*path):
    """Return a change that deletes one keyword of a schema."""

    def change(schema):
        for key in path[:-1]:
            schema = schema[key]
        del schema[path[-1]]

    return change


def _no_range(schema):
    del schema["properties"]["width"]["minimum"], schema["properties"]["width"]["maximum"]


def _brief(request, arguments):
    return {"content": [text(arguments["name"])]}


def _bad_image(request, arguments):
    image = {"type": "image", "data": "<svg/>", "mimeType": "image/svg+xml"}
    return {"content": [text("a square"), image]}


def _dies_of_wrong_type(tool):
    """Make a tool die where it should refuse a wrong type."""
    before, properties = tool.function, tool.definition["inputSchema"]["properties"]
    tool.checked = {**tool.definition["inputSchema"], "properties": {**properties, "matrix": {}}}

    def call(request, arguments):
        if not isinstance(arguments["matrix"], list):
            _die(request, arguments)
        rows = arguments["matrix"]
        if not all(isinstance(row, list) and len(row) == 2 and all(type(cell) is int for cell in row) for row in rows):
            return failed("arguments.matrix must be rows of two whole numbers")
        return before(request, arguments) if len(rows) <= 10 else failed("arguments.matrix has too many items")

    tool.function = call


def _counts_its_calls(tool):
    hits = [1204]

    def call(request, arguments):
        hits[0] += 1
        return structured({"hits": hits[0]})

    tool.function = call


def _shares_its_text(tool):
    last = [""]

    def call(request, arguments):
        last[0] = arguments["text"]
        request.later(0.02, lambda: request.answer(structured({"text": last[0]})))

    tool.function = call


def _answers_when_cancelled(tool):
    def call(request, arguments):
        ms = int(arguments["ms"])

        def answer():
            request.open = True
            request.answer(structured({"slept_ms": ms}))

        request.connection.later(ms / 1000, answer)

    tool.function = call


def _goes_back(tool):
    def call(request, arguments):
        steps = int(arguments["steps"])
        for number in range(steps, 0, -1):
            request.progress(number, steps)
        return structured({"steps": steps})

    tool.function = call


def _silent_failure(request, arguments):
    return {"content": [], "isError": True}


def _secret(request, arguments):
    return structured({"settings": f"region=eu, token={os.environ.get('MCP_TEST_SECRET', '')}"})


def _lower_said_differently(request, arguments):
    return {"content": [text(arguments["text"])], "structuredContent": {"text": arguments["text"].lower()}}


_NOT_VALIDATED = ("TOOL-022",)

PLANTS = [
    Plant("dies", "reverse_text", ("ADV-014", "TOOL-026"), "the server ends on an empty text", {"text": ""},
          _when(lambda given: given["text"] == "", _die)),
    Plant("no answer", "repeat_text", ("ADV-014",), "the call is never answered for a count of 0",
          {"text": "", "count": 0}, _when(lambda given: given["count"] == 0, lambda request, arguments: None)),
    Plant("internal error", "divide", ("TOOL-026",), "-32603 for a divisor of 0", {"dividend": 0, "divisor": 0},
          _when(lambda given: given["divisor"] == 0, _internal_error)),
    Plant("stack trace", "parse_number", ("TOOL-025", "ADV-015"), "a stack trace in the result", {"text": ""},
          _when(lambda given: not _is_number(given["text"]), _stack_trace)),
    Plant("missing required", "find_colour", _NOT_VALIDATED, "accepted without the required name", {},
          _unchecked(_drop("required"))),
    Plant("wrong type", "scale", _NOT_VALIDATED, "accepted a factor that is no number", {"factor": "<not a number>"},
          _unchecked(_drop("properties", "factor", "type"))),
    Plant("not in enum", "describe_season", _NOT_VALIDATED, "accepted a season that is not listed",
          {"season": "<another string>"}, _unchecked(_drop("properties", "season", "enum"))),
    Plant("out of range", "pad_text", _NOT_VALIDATED, "accepted a width outside 1 to 100",
          {"text": "", "width": "<0 or 101>"}, _unchecked(_no_range)),
    Plant("bad pattern", "check_code", _NOT_VALIDATED, "accepted a code that does not match", {"code": "<no code>"},
          _unchecked(_drop("properties", "code", "pattern"))),
    Plant("extra property", "sort_words", _NOT_VALIDATED, "accepted a property it does not know",
          {"words": [], "<extra>": "<any>"}, _unchecked(_drop("additionalProperties"))),
    Plant("nested type", "total_price", _NOT_VALIDATED, "accepted an amount that is no whole number",
          {"items": [{"amount": "<not an integer>"}]},
          _unchecked(_drop("properties", "items", "items", "properties", "amount", "type"))),
    Plant("no structured content", "describe_user", ("TOOL-015",), "no structuredContent when brief is true",
          {"name": "", "brief": True}, _when(lambda given: given.get("brief"), _brief)),
    Plant("structured content does not conform", "average", ("TOOL-016",), "mean is null for no numbers",
          {"values": []},
          _when(lambda given: not given["values"], lambda request, given: structured({"mean": None, "count": 0}))),
    Plant("text differs", "lower_text", ("TOOL-018",), "the text block does not say what structuredContent says",
          {"text": "<any>"}, _when(lambda given: True, _lower_said_differently)),
    Plant("no base64", "draw", ("TOOL-019",), "the image of a square is no base64", {"shape": "square"},
          _when(lambda given: given["shape"] == "square", _bad_image)),
    Plant("not only ASCII", "count_letters", ("TOOL-026",), "-32603 for a text beyond ASCII",
          {"text": "<one character>"}, _when(lambda given: not given["text"].isascii(), _internal_error)),
    Plant("dies of invalid arguments", "transpose", ("TOOL-022", "ADV-014"), "the server ends on a wrong type",
          {"matrix": "<not an array>"}, _dies_of_wrong_type),
    Plant("read-only is not", "hit_count", ("TOOL-029",), "each call changes what the next one returns", {},
          _counts_its_calls),
    Plant("answers mixed up", "echo_slowly", ("DISC-013", "TOOL-029"), "calls at once get each other's text",
          {"text": "<two texts at once>"}, _shares_its_text),
    Plant("cancellation ignored", "sleep", ("STDIO-004",), "an answer after the cancellation", {"ms": "<some time>"},
          _answers_when_cancelled),
    Plant("progress goes back", "crunch", ("PROG-002",), "progress falls", {"steps": 2}, _goes_back),
    Plant("failure without a word", "find_user", ("TOOL-025",), "isError without any text", {"id": 101},
          _when(lambda given: given["id"] > 100, _silent_failure)),
    Plant("secret", "show_settings", ("ADV-009",), "the value of MCP_TEST_SECRET in a result", {},
          _when(lambda given: True, _secret)),
    Plant("value from another tool", "read_part", ("TOOL-016",), "the weight of one listed part is no number",
          {"id": "part-9f3c21"},
          _when(lambda given: given["id"] == "part-9f3c21", lambda request, given: structured({"weight": "40 g"}))),
    Plant("large text", "digest", ("ADV-016", "ADV-014"), "the server ends on a text of more than 65 536 characters",
          {"text": "<65 537 characters>"}, _when(lambda given: len(given["text"]) > 65_536, _die)),
]  # fmt: skip
