"""Runs over servers that want an OAuth token: the settings, the token, and what is told when there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from projects import INI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = Path(__file__).parents[1] / "servers" / "http_raw.py"
SECRET = "s3cret-of-the-client"
BROWSE = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=20).read()"
LOGIN = "from mcp_assay.cli.main import main; main()"
SECRET_GRANT = """
[servers.crm.auth]
grant = "client_credentials"
issuer = "{base}/as"
client_id = "assay-ci"
client_secret = "${{env:CRM_SECRET}}"
"""
KEY_GRANT = """
[servers."c*".auth]
grant = "private_key_jwt"
issuer = "${{env:CRM_ISSUER}}"
client_id = "assay-ci"
private_key = "${{file:keys/crm.pem}}"
scope = "mcp"
"""
PERSON_GRANT = """
[servers.crm.auth]
grant = "interactive"
port = {port}
"""


@dataclass
class Site:
    """A protected server and its authorization server."""

    process: subprocess.Popen[str]
    url: str

    @property
    def base(self) -> str:
        return self.url.removesuffix("/mcp")

    def asked(self) -> str:
        """End it and return what it was asked."""
        return self.process.communicate(timeout=10)[1]


@pytest.fixture
def protected() -> Iterator[Callable[..., Site]]:
    """Return what starts a protected server."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, lifetime: float = 3600) -> Site:
        command = (sys.executable, "-S", "-E", str(SERVER), "--oauth", str(lifetime), *options)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return Site(process, process.stdout.readline().strip())

    yield start
    for process in started:
        if process.poll() is None:
            process.communicate(timeout=10)


@pytest.fixture
def crm(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.Pytester]:
    """Return what makes a project with one protected server and settings of its own."""
    monkeypatch.setenv("CRM_SECRET", SECRET)

    def make(site: Site, settings: str, port: int = 0) -> pytest.Pytester:
        entry = {"type": "http", "url": site.url, "headers": {"Authorization": "Bearer ${CRM_TOKEN}"}}
        pytester.makefile(".json", servers=json.dumps({"mcpServers": {"crm": entry}}))
        pytester.makefile(".ini", pytest=INI)
        pytester.path.joinpath("mcp-assay.toml").write_text(settings.format(base=site.base, port=port))
        monkeypatch.setenv("CRM_ISSUER", f"{site.base}/as")
        return pytester

    return make


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    quick = ("-k", "AUTH or CONN-001", "-p", "no:cacheprovider")
    return pytester.runpytest_subprocess("--mcp-config", "servers.json", *quick, *options, timeout=120)


def results_in(pytester: pytest.Pytester, name: str) -> list[Any]:
    report = json.loads(pytester.path.joinpath(name).read_text())
    return [{key: value for key, value in entry.items() if key != "duration_s"} for entry in report["results"]]


def test_client_credentials_open_a_protected_server_and_no_secret_comes_out(
    protected: Callable[..., Site], crm: Callable[..., pytest.Pytester]
) -> None:
    site = protected()
    pytester = crm(site, SECRET_GRANT)
    reports = (f"--mcp-report={kind}=out.{kind}" for kind in ("json", "markdown", "junit", "html", "sarif"))
    result = run(pytester, "-v", "--mcp-record", "tape", *reports)
    asked = site.asked()
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*::AUTH-001*PASSED*", "*::AUTH-002*PASSED*", "*::AUTH-003*PASSED*"])
    assert asked.count("TOKEN client_credentials mcp") == 1
    (token,) = set(re.findall(r"Bearer (at-[0-9a-f]+)", asked))
    written = b"".join(file.read_bytes() for file in pytester.path.rglob("*") if file.is_file())
    for secret in (token, SECRET):
        assert secret not in result.stdout.str() + result.stderr.str()
        assert secret.encode() not in written
    replayed = run(pytester, "--mcp-replay", "tape", "--mcp-report", "json=again.json")
    assert replayed.ret == 0, "a replay signs in nowhere, for nobody is there any more"
    assert results_in(pytester, "again.json") == results_in(pytester, "out.json")


def test_a_private_key_from_a_file_opens_a_protected_server(
    protected: Callable[..., Site], crm: Callable[..., pytest.Pytester]
) -> None:
    site = protected()
    pytester = crm(site, KEY_GRANT)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pytester.mkdir("keys")
    pytester.path.joinpath("keys", "crm.pem").write_bytes(pem)
    assert run(pytester).ret == 0
    assert "TOKEN client_credentials" in site.asked()


def test_a_person_logs_in_once_and_runs_renew_the_token(
    protected: Callable[..., Site],
    crm: Callable[..., pytest.Pytester],
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> None:
    site = protected(lifetime=2)
    pytester = crm(site, PERSON_GRANT, port=unused_tcp_port)
    before = run(pytester)
    assert before.ret == 1
    before.stdout.fnmatch_lines(["*nobody has signed in to this server*"])
    monkeypatch.setenv("BROWSER", f"{sys.executable} -c '{BROWSE}' %s")
    signed = pytester.run(sys.executable, "-c", LOGIN, "login", "servers.json", timeout=60)
    signed.stdout.fnmatch_lines(["crm: sign in at", f"{site.base}/as/authorize[?]*", "crm: signed in; *"])
    assert signed.ret == 0
    assert run(pytester).ret == 0
    (kept,) = pytester.path.glob(".mcp-assay/tokens/crm-*.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert re.findall("TOKEN ([a-z_]+)", site.asked())[0] == "authorization_code"


def test_a_sign_in_that_fails_is_one_finding_with_its_cause(
    protected: Callable[..., Site], crm: Callable[..., pytest.Pytester]
) -> None:
    result = run(crm(protected("--oauth-fault", "no-token"), SECRET_GRANT))
    result.stdout.fnmatch_lines(["*signing in failed: Token exchange failed (401)*who are you*"])
    assert (result.ret, result.parseoutcomes()["failed"]) == (1, 1)


def test_a_secret_that_is_not_set_stops_the_run_with_its_place(
    protected: Callable[..., Site], crm: Callable[..., pytest.Pytester], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester = crm(protected(), SECRET_GRANT)
    monkeypatch.delenv("CRM_SECRET")
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*mcp-assay.toml:6:17: env variable CRM_SECRET is not set", "hint: set it before the run: export CRM_SECRET=…"]
    )
