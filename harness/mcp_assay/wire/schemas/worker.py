"""The process that reads server-supplied schemas: ``python -m mcp_assay.wire.schemas.worker SECONDS MEBIBYTES``.

A question is three lines on stdin (an operation, a schema, an instance or ``null``; ``each`` has an array of them). An
answer is one line of JSON on stdout. The process ends when stdin does. Whoever started it kills it when an answer takes
too long; should that process be gone, the alarm below ends the worker soon after.
"""

from __future__ import annotations

import functools
import json
import resource
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from mcp_assay.wire.schemas.checking import check
from mcp_assay.wire.schemas.validating import ExceededError, Judge, prepare, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.json_types import Json

READY = b'{"ready":true}\n'
_GRACE_S = 1.0
_DEEPEST_RECURSION = 5_000
_SMALL_SCHEMA = 8 * 1_024
"""Bytes of a schema of which many are kept compiled: more of them could take the memory that judging needs."""


def answer_check(schema: bytes, instance: bytes) -> dict[str, Any]:
    """Return the answer to ``check``."""
    del instance
    checked = check(json.loads(schema))
    return {"problems": [asdict(problem) for problem in checked.problems], "size": asdict(checked.size)}


def answer_validate(schema: bytes, instance: bytes) -> dict[str, Any]:
    """Return the answer to ``validate``."""
    return _validated(_prepared(schema), json.loads(instance))


def answer_each(schema: bytes, instances: bytes) -> dict[str, Any]:
    """Return the answers to ``validate`` for several instances, in order."""
    judge = _prepared(schema)
    return {"each": [_validated(judge, instance) for instance in json.loads(instances)]}


def _validated(judge: Judge, instance: Json) -> dict[str, Any]:
    """Return how an instance breaks a schema, or why that cannot be told."""
    if judge.validator is None:
        reason = None if judge.problems else "no validator here reads the schema's patternProperties"
        return {"problems": [asdict(problem) for problem in judge.problems], "unusable": True, "reason": reason}
    found = violations(judge.validator, instance)
    return {"problems": [asdict(problem) for problem in found]}


def _prepared(schema: bytes) -> Judge:
    """Return the judge of a schema; those of a server's tools come again and again, each in its turn."""
    return (_prepared_small if len(schema) <= _SMALL_SCHEMA else _prepared_large)(schema)


@functools.lru_cache(maxsize=1_024)
def _prepared_small(schema: bytes) -> Judge:
    return prepare(json.loads(schema))


@functools.lru_cache(maxsize=32)
def _prepared_large(schema: bytes) -> Judge:
    return prepare(json.loads(schema))


OPERATIONS: Mapping[str, Callable[[bytes, bytes], dict[str, Any]]] = {
    "check": answer_check,
    "each": answer_each,
    "validate": answer_validate,
}


def answer(operation: str, schema: bytes, instance: bytes) -> dict[str, Any]:
    """Return the answer to one question as plain JSON."""
    try:
        return OPERATIONS[operation](schema, instance)
    except ExceededError as error:
        return {"exceeded": True, "reason": str(error)}
    except MemoryError:
        return {"exceeded": True, "reason": "the schema takes too much memory"}
    except RecursionError:
        return {"exceeded": True, "reason": "the schema or instance is nested too deeply to be judged"}
    except ValueError as error:
        if "Recursion limit" in str(error):
            return {"exceeded": True, "reason": "the schema or instance is nested too deeply to be judged"}
        return {"failure": f"{type(error).__name__}: {error}"[:500]}


def serve(source: BinaryIO, sink: BinaryIO, seconds: float) -> None:
    """Answer questions until ``source`` ends; the process dies when one takes ``seconds`` and a little more."""
    sink.write(READY)
    sink.flush()
    while operation := source.readline().decode("ascii").strip():
        schema, instance = source.readline(), source.readline()
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_S)
        reply = json.dumps(answer(operation, schema, instance))
        signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(reply.encode("ascii") + b"\n")
        sink.flush()


def main(arguments: list[str]) -> None:
    """Limit this process to ``arguments`` (seconds a question, mebibytes of data) and serve."""
    limit = int(arguments[1]) * 1024 * 1024
    # RLIMIT_AS counts address space that is never touched; private writable memory is what a bomb eats.
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setrecursionlimit(_DEEPEST_RECURSION)
    serve(sys.stdin.buffer, sys.stdout.buffer, float(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
