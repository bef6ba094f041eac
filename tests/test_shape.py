"""The shape of the code: limits on length, and no constructions that hide what happens.

A limit that cannot fail is no limit: every rule names its offenders with file and line. The length of a function leaves
out its docstring, which another rule asks for.
"""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = ("harness", "suites", "reports")

LONGEST_MEDIAN = 9
LONGEST_P90 = 30
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400

LATE_IMPORTS = {
    "harness/mcp_assay/wire/oauth/signing.py": "the SDK costs more than a start, and few servers want a token",
}
"""Module -> why it imports inside functions. An entry that is no longer needed is a failure."""

BROAD_HANDLERS = {
    "harness/mcp_assay/readiness/engine.py": "a check of a third party may raise anything: a verdict of its own",
    "harness/mcp_assay/runtime/manager.py": "a bug of ours at one server must not take the others of the run with it",
    "harness/mcp_assay/plugin/report_targets.py": "a writer of a third party may raise anything: its report is missing",
    "harness/mcp_assay/wire/official_main.py": "the outermost frame of a helper process: what it raises is its answer",
}
"""Module -> why one handler in it catches everything. An entry that is no longer needed is a failure."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module of the three source roots by its path below the repository."""
    paths = sorted(path for root in SOURCE_ROOTS for path in (ROOT / root).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of the given kinds with its module's path."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield path, node


def functions() -> Iterator[tuple[str, Function]]:
    """Yield every function, method and nested function with its module's path."""
    for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, Function)
        yield path, node


def comments() -> Iterator[tuple[str, int, str]]:
    """Yield path, line and text of every comment."""
    for path in modules():
        for token in tokenize.generate_tokens(io.StringIO((ROOT / path).read_text(encoding="utf-8")).readline):
            if token.type == tokenize.COMMENT:
                yield path, token.start[0], token.string


def length(function: Function) -> int:
    """Return the lines of a function from ``def`` to its end, without its docstring."""
    first = function.body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler names no type, or one of the two roots of all errors."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in caught)


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Return whether the last statement of a handler is a raise, so that nothing is swallowed."""
    return isinstance(handler.body[-1], ast.Raise)


def assert_none(offenders: Iterable[str], rule: str) -> None:
    """Fail with the offenders, one a line."""
    found = sorted(offenders)
    assert not found, f"{rule}:\n" + "\n".join(found)


def test_there_is_code_to_measure() -> None:
    assert {path.split("/")[0] for path in modules()} == set(SOURCE_ROOTS)


def test_half_of_all_functions_fit_in_nine_lines() -> None:
    assert statistics.median(length(function) for _, function in functions()) <= LONGEST_MEDIAN


def test_nine_of_ten_functions_fit_in_thirty_lines() -> None:
    assert statistics.quantiles((length(function) for _, function in functions()), n=10)[-1] <= LONGEST_P90


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = (
        f"{path}:{function.lineno}: {function.name} has {length(function)} lines"
        for path, function in functions()
        if length(function) > LONGEST_FUNCTION
    )
    assert_none(long, f"functions over {LONGEST_FUNCTION} lines")


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    counts = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in modules()}
    long = (f"{path}:1: {count} lines" for path, count in counts.items() if count > LONGEST_MODULE)
    assert_none(long, f"modules over {LONGEST_MODULE} lines")


def broad_handlers() -> Iterator[tuple[str, str]]:
    """Yield path and description of every handler that swallows all errors."""
    for path, node in nodes(ast.ExceptHandler):
        assert isinstance(node, ast.ExceptHandler)
        if catches_everything(node) and not raises_again(node):
            yield path, f"{path}:{node.lineno}: {ast.unparse(node).splitlines()[0]}"


def test_no_handler_swallows_every_error() -> None:
    swallowed = [(path, text) for path, text in broad_handlers() if path not in BROAD_HANDLERS]
    assert_none((text for _, text in swallowed), "handlers that catch everything and do not raise again")


def test_every_excused_module_has_one_broad_handler() -> None:
    assert sorted(path for path, _ in broad_handlers() if path in BROAD_HANDLERS) == sorted(BROAD_HANDLERS)


def imported_names(node: ast.AST) -> list[str]:
    """Return the modules that an import statement names."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_no_module_reaches_into_pytest() -> None:
    private = (
        f"{path}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for path, node in nodes(ast.Import, ast.ImportFrom)
        if any(name.split(".")[0] == "_pytest" for name in imported_names(node))
    )
    assert_none(private, "imports of pytest's internals")


def late_imports() -> Iterator[tuple[str, str]]:
    """Yield path and description of every import inside a function."""
    for path, function in functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield path, f"{path}:{node.lineno}: {ast.unparse(node)} in {function.name}"


def test_imports_stand_at_the_top() -> None:
    assert_none({text for path, text in late_imports() if path not in LATE_IMPORTS}, "imports inside functions")


def test_every_module_excused_from_that_still_needs_it() -> None:
    assert_none(set(LATE_IMPORTS) - {path for path, _ in late_imports()}, "entries of LATE_IMPORTS without need")


def test_no_function_assigns_a_global() -> None:
    found = (f"{path}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}" for path, node in nodes(ast.Global))
    assert_none(found, "state kept in globals")


def test_every_silenced_tool_is_given_a_reason() -> None:
    marker = re.compile(
        r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[\w, -]+\])?|pyright:\s*ignore(?:\[[\w, -]+\])?)"
    )
    bare = (
        f"{path}:{line}: {comment}"
        for path, line, comment in comments()
        if marker.search(comment) and not re.search(r"[a-z]{3}", marker.sub("", comment))
    )
    assert_none(bare, "noqa and ignore comments without a reason")


def test_nothing_is_left_to_do() -> None:
    notes = (
        f"{path}:{line}: {comment}"
        for path, line, comment in comments()
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", comment)
    )
    assert_none(notes, "notes of unfinished work")
