"""The site builds without a warning, and its generated pages tell of everything there is."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from mcp_assay.cli.main import COMMANDS
from mcp_assay_suites.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    pytest.importorskip("mkdocs", reason="needs the dependency group docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def page(site: Path, name: str) -> str:
    return (site / name / "index.html").read_text("utf-8")


def test_the_checks_in_the_repository_are_those_of_the_catalogue() -> None:
    pytest.importorskip("mkdocs", reason="needs the dependency group docs")
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    kept = generate["KEPT"].read_text("utf-8")
    assert kept == generate["pages"]()["checks.md"], "python docs/generate.py writes it anew"


def test_every_page_of_the_navigation_is_built(site: Path) -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    paths = [
        path for entry in navigation for path in ([entry] if isinstance(entry, str) else next(iter(entry.values())))
    ]
    for path in paths:
        assert (site / path.removesuffix(".md").removesuffix("index") / "index.html").exists(), path


def test_every_option_is_on_its_page(site: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout
    options = {word.partition("=")[0] for word in shown.split() if word.startswith("--mcp-")}
    assert len(options) > 10
    text = page(site, "reference/options")
    assert [option for option in sorted(options) if option.rstrip(".,;:)") not in text] == []


def test_every_command_is_on_its_page(site: Path) -> None:
    text = page(site, "reference/cli")
    assert [name for name in COMMANDS if f'id="{name}"' not in text] == []


def test_every_part_of_the_report_is_on_its_page(site: Path) -> None:
    schema = json.loads(files("mcp_assay_reports").joinpath("report.schema.json").read_text("utf-8"))
    text = page(site, "reference/report")
    fields = {name for part in schema["$defs"].values() for name in part.get("properties", {})}
    assert [name for name in sorted(fields | set(schema["properties"])) if f"<code>{name}</code>" not in text] == []


def test_every_rule_is_on_its_page(site: Path) -> None:
    text = page(site, "checks")
    assert [identity for identity in CATALOGUE if f">{identity} " not in text] == []
    assert text.count("Why it matters") == len(CATALOGUE)


def test_every_setting_of_a_policy_is_explained() -> None:
    gate_policy = pytest.importorskip("mcp_assay.readiness.gate_policy")
    text = (ROOT / "docs" / "reference" / "policy.md").read_text("utf-8")
    names = {*gate_policy._BAR_KEYS, *gate_policy._RUN_KEYS, *gate_policy.SECONDS, gate_policy.ERROR_RATE}
    assert [name for name in sorted(names) if name not in text] == []
