"""How well and how fast arguments are made from the input schemas of published servers.

    python benchmarks/generation.py

For each schema in ``tests/generation/corpus`` Hypothesis draws conforming and invalid arguments. Conforming ones are
judged by python-jsonschema, which has no part in making them, and count as valid when it accepts them; invalid ones
count when it finds exactly one fault and that is the keyword they name (``format``, which python-jsonschema does not
know for all formats, is judged by jsonschema-rs).

Speed is compared with schemathesis, which makes values from the same canonical form: its generator for one schema
(``schemathesis.generation.jsonschema``) is called directly, so that nothing but generation is timed. Both draw the
same number of examples from the same schemas under the same Hypothesis settings, schema by schema in turns, each in a
process of its own; building the strategy counts; each takes the better of two rounds, because a pause of the garbage
collector is as long as a small schema's examples. hypothesis-jsonschema is tried on every schema to say for how many it
works. Part of the difference is that schemathesis adds properties of its own invention to most open objects, and this
generator to one in sixteen.

The rivals are the dependency group ``benchmark``; they are installed into ``.benchmarks/generation`` on the first run
and not next to the project, because schemathesis brings a pytest plugin. What making and judging arguments costs in a
run is measured as in ``exercising.py``: the harness's CPU time beside that of ``server-everything``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tomllib
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import jsonschema
import jsonschema_rs
from exercising import everything
from goals import conclude
from hypothesis import HealthCheck, Phase, given, settings
from tabulate import tabulate

from mcp_assay.generation import GenerationError, InvalidArguments, arguments, invalid_arguments, maker_of

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parent / "tests" / "generation" / "corpus"
RIVAL_HOME = HERE.parent / ".benchmarks" / "generation"
PROJECT = HERE.parent / "pyproject.toml"
TARGETS = {
    "generated": (">=", 1.0),
    "valid": (">=", 0.999),
    "invalid_violating": (">=", 1.0),
    "rate_vs_schemathesis": (">=", 2.0),
    "harness_cpu_of_server": ("<=", 1.0),
}
EXAMPLES = 60
JUDGED = 40
ROUNDS = 2
RIVAL = r"""
import json, sys, time, warnings
warnings.simplefilter("ignore")
import jsonschema_rs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis_jsonschema import from_schema
from schemathesis.generation.jsonschema.builder import build

DRAFTS = {"draft-04": 4, "draft-06": 6, "draft-07": 7, "2019-09": 19, "2020-12": 20}
NUMBERS = {4: jsonschema_rs.Draft4, 6: jsonschema_rs.Draft6, 7: jsonschema_rs.Draft7,
           19: jsonschema_rs.Draft201909, 20: jsonschema_rs.Draft202012}

def timed(make, count):
    started, seen = time.process_time(), []
    @settings(max_examples=count, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(make())
    def take(value):
        seen.append(None)
    take()
    return time.process_time() - started, len(seen)

for line in sys.stdin:
    schema, count, engine = json.loads(line)
    number = next((n for name, n in DRAFTS.items() if name in str(schema.get("$schema"))), 20)
    make = {"schemathesis": lambda: build(schema, draft=NUMBERS[number], formats={}),
            "hypothesis-jsonschema": lambda: from_schema(schema)}[engine]
    try:
        seconds, seen = timed(make, count)
        answer = {"seconds": seconds, "examples": seen}
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """CPU seconds for a number of examples of one schema, the making of the strategy included."""

    seconds: float
    examples: int

    @property
    def rate(self) -> float:
        """Return examples a CPU second."""
        return self.examples / self.seconds


def schemas() -> dict[str, dict[str, Any]]:
    """Return the input schemas by ``server.tool``."""
    return {
        f"{path.stem}.{tool}": schema
        for path in sorted(CORPUS.glob("*.json"))
        for tool, schema in json.loads(path.read_text(encoding="utf-8")).items()
    }


def quiet(count: int) -> Any:
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def drawn(strategy: Any, count: int) -> list[Any]:
    """Return what Hypothesis draws."""
    seen: list[Any] = []

    @quiet(count)
    @given(strategy)
    def take(value: Any) -> None:
        seen.append(value)

    take()
    return seen


def timed(schema: dict[str, Any]) -> Timing:
    """Return what our strategy takes."""
    started = process_time()
    seen = len(drawn(arguments(schema), EXAMPLES))
    return Timing(seconds=process_time() - started, examples=seen)


def rival_python() -> str:
    """Return the interpreter that has the rivals, installed if need be."""
    python = RIVAL_HOME / "bin" / "python"
    if not python.exists():
        venv.create(RIVAL_HOME, with_pip=True)
    rivals = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["dependency-groups"]["benchmark"]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *rivals]
    subprocess.run(install, check=True, timeout=240, stderr=subprocess.DEVNULL)
    return str(python)


class Rival:
    """The other generators, in their own process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [rival_python(), "-c", RIVAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def timed(self, schema: dict[str, Any], engine: str, count: int) -> Timing | None:
        """Return what the engine takes, or None when it fails."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([schema, count, engine]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return None if "error" in answer else Timing(**answer)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def judge(schema: dict[str, Any], counts: Counter[str]) -> None:
    """Add to ``counts`` how many arguments of one schema are what they should be."""
    counts["schemas"] += 1
    try:
        maker_of(schema)
    except GenerationError as error:
        print(f"not generated: {error.message}")
        return
    counts["generated"] += 1
    cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    validator, formats = cls(schema), jsonschema_rs.validator_for(schema, validate_formats=True, offline=True)
    for made in drawn(arguments(schema), JUDGED):
        counts["arguments"] += 1
        counts["valid"] += validator.is_valid(made)
    try:
        strategy = invalid_arguments(schema)
    except GenerationError:
        counts["admit everything"] += 1
        return
    for broken in drawn(strategy, JUDGED):
        counts["invalid arguments"] += 1
        counts["violating"] += violates(broken, validator, formats)


def violates(broken: InvalidArguments, validator: Any, formats: jsonschema_rs.Validator) -> bool:
    """Return whether exactly the named keyword is broken."""
    if broken.keyword == "format":
        return [error.kind.name for error in formats.iter_errors(broken.arguments)] == ["format"]
    return [error.validator for error in validator.iter_errors(broken.arguments)] == [broken.keyword]


def better_of_rounds(schema: dict[str, Any], rival: Rival) -> tuple[Timing, Timing | None]:
    """Return what we and schemathesis take for one schema."""
    rounds = [(timed(schema), rival.timed(schema, "schemathesis", EXAMPLES)) for _ in range(ROUNDS)]
    theirs = [other for _, other in rounds if other is not None and other.examples]
    fastest = min(theirs, key=lambda timing: timing.seconds) if theirs else None
    return min((mine for mine, _ in rounds), key=lambda timing: timing.seconds), fastest


def sampled_rate(corpus: dict[str, dict[str, Any]]) -> float:
    """Return examples a CPU second without Hypothesis, the making of the generators included."""
    started, count = process_time(), 0
    for schema in corpus.values():
        count += len(maker_of(schema).examples(seed=1, count=EXAMPLES))
    return count / (process_time() - started)


def main() -> None:
    """Measure, print the tables, and as the last line one JSON object."""
    corpus, counts, rival = schemas(), Counter[str](), Rival()
    for schema in corpus.values():
        judge(schema, counts)
    ours, theirs, works = list[Timing](), list[Timing](), Counter[str]()
    for schema in corpus.values():
        mine, other = better_of_rounds(schema, rival)
        works["schemathesis"] += other is not None
        works["hypothesis-jsonschema"] += rival.timed(schema, "hypothesis-jsonschema", 1) is not None
        if other is not None:
            ours.append(mine)
            theirs.append(other)
    rival.close()
    report(corpus, counts, works, ours, theirs)


def report(
    corpus: dict[str, dict[str, Any]],
    counts: Counter[str],
    works: Counter[str],
    ours: list[Timing],
    theirs: list[Timing],
) -> None:
    """Print what was measured."""
    mine, other = (
        sum(each.examples for each in timings) / sum(each.seconds for each in timings) for timings in (ours, theirs)
    )
    ratios = sorted(own.rate / foreign.rate for own, foreign in zip(ours, theirs, strict=True))
    seen = everything()
    result = {
        "schemas": counts["schemas"],
        "generated": counts["generated"] / counts["schemas"],
        "valid": counts["valid"] / counts["arguments"],
        "invalid_violating": counts["violating"] / counts["invalid arguments"],
        "examples_per_cpu_s": round(mine, 1),
        "schemathesis_per_cpu_s": round(other, 1),
        "rate_vs_schemathesis": round(mine / other, 2),
        "rate_vs_schemathesis_median": round(statistics.median(ratios), 2),
        "rate_vs_schemathesis_worst": round(ratios[0], 2),
        "sampled_per_cpu_s": round(sampled_rate(corpus), 1),
        "harness_cpu_of_server": None if seen is None else seen.cpu_ratio,
    }
    rows = [
        ["schemas that give arguments", f"{counts['generated']} of {counts['schemas']}", f"{works['schemathesis']}",
         f"{works['hypothesis-jsonschema']}"],
        ["conforming arguments accepted", f"{counts['valid']} of {counts['arguments']}", "", ""],
        ["invalid ones break one keyword", f"{counts['violating']} of {counts['invalid arguments']}", "", ""],
        ["schemas that admit every object", counts["admit everything"], "", ""],
        ["examples a CPU second under Hypothesis", result["examples_per_cpu_s"], result["schemathesis_per_cpu_s"], ""],
        ["ratio: total, median schema, worst schema", f"{result['rate_vs_schemathesis']}, "
         f"{result['rate_vs_schemathesis_median']}, {result['rate_vs_schemathesis_worst']}", 1, ""],
        ["examples a CPU second without Hypothesis", result["sampled_per_cpu_s"], "", ""],
    ]  # fmt: skip
    print(tabulate(rows, headers=["", "mcp-assay", "schemathesis", "hypothesis-jsonschema"]))
    conclude(result, TARGETS)


if __name__ == "__main__":
    main()
