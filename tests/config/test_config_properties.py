"""Whatever a document holds, reading it ends with servers or one ConfigError, and what follows from it never fails."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_assay.config.advice import advise
from mcp_assay.config.describe import public_form
from mcp_assay.config.dialect import Layout
from mcp_assay.config.dialects import DIALECTS
from mcp_assay.config.loader import load
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import ConfigError

EXAMPLES = sorted((Path(__file__).parent / "examples").iterdir())
WORDS = st.sampled_from(
    [
        *("x", "npx", "-y", "pkg@latest", "--token", "https://h/sse", "http://[", "${A}", "${input:a}", "{a}", "$A"),
        *("${{ secrets.A }}", "${A:-${B}}", "${user_config.a}", "http", "stdio", "npm", "oci", "named", "", " "),
        *("é\u2028", "../.env", "\0"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(0, 1e308) | WORDS


def nested(keys: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    """Return JSON values whose objects have these keys."""
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=12,
    )


def use(path: Path, dialect: str | None) -> None:
    """Read a document and do everything that can be done with it before a start; only `ConfigError` may come up."""
    with contextlib.suppress(ConfigError):
        for spec in load(path, config_id="x", dialect=dialect, platform="linux"):
            json.dumps(public_form(spec), allow_nan=False)
            assert all(finding.observed and finding.hint for finding in advise(spec))
            with contextlib.suppress(ConfigError):
                spec.resolve(EnvironmentVariables(environ={"A": "1"}, inputs={"a": "2"}))


@given(st.data(), st.sampled_from([row for row in DIALECTS if row.layout is not Layout.REGISTRY]))
@settings(max_examples=120)
def test_any_entry_of_any_dialect_is_read_or_refused(data: st.DataObject, row: object) -> None:
    dialect = next(found for found in DIALECTS if found is row)
    known = st.sampled_from(sorted({*dialect.keys, *dialect.ignored, "id", "default", "variables", "inputs"}))
    entry = data.draw(st.dictionaries(known, nested(known), max_size=6) | nested(known))
    document: object = [entry] if dialect.layout is Layout.LIST else {"s": entry}
    if dialect.layout is Layout.BUNDLE:
        document = entry
    for key in reversed(dialect.roots[-1]):
        document = {key: document, "inputs": data.draw(nested(known)), "name": "n", "user_config": {"a": entry}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(json.dumps(document))
        use(path, dialect.name)


REGISTRY_KEYS = st.sampled_from(
    [
        *("name", "type", "value", "default", "variables", "a", "isRequired", "identifier", "version", "registryType"),
        *("url", "transport", "runtimeHint", "runtimeArguments", "packageArguments", "environmentVariables"),
        *("headers", "valueHint"),
    ]
)


@given(st.lists(st.dictionaries(REGISTRY_KEYS, nested(REGISTRY_KEYS), max_size=8), max_size=2), st.booleans())
@settings(max_examples=80)
def test_any_registry_entry_is_read_or_refused(entries: list[object], remote: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.json"
        path.write_text(json.dumps({"name": "n", "remotes" if remote else "packages": entries}))
        use(path, None)


@given(st.sampled_from(EXAMPLES), st.integers(0, 1500), st.integers(0, 12), st.text(max_size=6))
@settings(max_examples=120)
def test_an_example_with_a_wound_is_read_or_refused(example: Path, at: int, cut: int, graft: str) -> None:
    text = example.read_text(encoding="utf-8")
    wounded = text[: at % len(text)] + graft + text[at % len(text) + cut :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / example.name
        path.write_bytes(wounded.encode("utf-8", "replace"))
        use(path, None)
