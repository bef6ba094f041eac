"""What holds for every writer alike: no secret comes out, and no text is too large."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor
from mcp_assay_reports import WRITERS, Writer
from mcp_assay_reports.terminal import render_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.contract import Document

CANARY = "cAnArY/7Qx+9vLz=Tr0ub4dor"
FORMS = {
    "plain": CANARY,
    "base64": base64.b64encode(f"x{CANARY}y".encode()).decode(),
    "url": quote(CANARY, safe=""),
    "json": json.dumps({"token": CANARY}),
    "hex": CANARY.encode().hex(),
    "split": CANARY[:9] + "\r\n\t" + CANARY[9:],
    "coloured": CANARY[:9] + "\x1b[1m" + CANARY[9:],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_no_writer_lets_a_secret_out(writer: Writer, form: str, leaky: Callable[[str], Document]) -> None:
    text = writer.render(leaky(FORMS[form]))
    for fragment in (CANARY, FORMS[form], CANARY[:9], CANARY[-9:], FORMS["base64"][4:-4], FORMS["url"], FORMS["hex"]):
        assert fragment not in text


@pytest.mark.parametrize("form", FORMS)
def test_the_terminal_lets_no_secret_out(form: str, leaky: Callable[[str], Document]) -> None:
    text = render_summary(leaky(FORMS[form]))
    assert CANARY[:9] not in text
    assert "<redacted:env TOKEN>" in text


@pytest.mark.parametrize("writer", WRITERS[1:], ids=lambda writer: writer.name)
def test_a_text_of_ten_megabytes_is_cut_by_every_writer_for_people(writer: Writer, with_long_texts: Document) -> None:
    assert len(writer.render(with_long_texts)) < 1_000_000


@pytest.fixture
def leaky(run_of: Callable[..., Document]) -> Callable[[str], Document]:
    """Build the report of a run whose server puts a secret into whatever it can."""

    def built(secret: str) -> Document:
        presenter = Presenter(Redactor({"env TOKEN": CANARY}))
        fault = Fault(kind=FaultKind.EXITED, message=secret, hint=secret, stderr_tail=f"a\n{secret}\nb")
        info: dict[str, Any] = {"name": secret, "version": secret}
        return run_of(presenter, error=fault, server_info=info, protocol_versions=(secret,), tool=secret)

    return built


def test_the_canaries_are_really_in_what_is_presented(run_of: Callable[..., Document]) -> None:
    fault = Fault(kind=FaultKind.EXITED, message=CANARY)
    blind = run_of(Presenter(), error=fault, server_info={}, protocol_versions=(), tool=CANARY)
    assert CANARY in WRITERS[0].render(blind)
