from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.wire.messages import DEEPEST, AnomalyKind, Undecodable, decode, encode, guess_id, same_id


@pytest.mark.parametrize(
    ("line", "kind", "detail"),
    [
        (b"Server ready on stdio", AnomalyKind.NOISE, "not JSON"),
        (b'\xef\xbb\xbf{"jsonrpc":"2.0"}', AnomalyKind.BOM, "byte order mark"),
        (b'{"jsonrpc":"2.0","id":1,"result":"\xff"}', AnomalyKind.INVALID_UTF8, "byte 0xff at 34"),
        (b'{"jsonrpc":"2.0","id":1,"result":NaN}', AnomalyKind.INVALID_JSON, "NaN is not a JSON number"),
        (b'{"jsonrpc":"2.0","id":1,"result":-Infinity}', AnomalyKind.INVALID_JSON, "-Infinity is not a JSON number"),
        (b'{"jsonrpc":"2.0","id":1,"result":{"x":1}', AnomalyKind.INVALID_JSON, "Expecting"),
        (b'[{"jsonrpc":"2.0","id":1,"result":{}}]', AnomalyKind.NOT_AN_OBJECT, "a JSON array instead of an object"),
        (b"null", AnomalyKind.NOT_AN_OBJECT, "a JSON null"),
        (b'{"jsonrpc":"2.0","id":1,"result":"\\ud800"}', AnomalyKind.INVALID_JSON, "surrogate"),
        (b'{"jsonrpc":"2.0","result":' + b"[" * 100_000, AnomalyKind.INVALID_JSON, "nested deeper"),
    ],
)
def test_a_line_that_is_no_message_is_classed(line: bytes, kind: AnomalyKind, detail: str) -> None:
    problem = decode(line)
    assert isinstance(problem, Undecodable)
    assert problem.kind is kind
    assert detail in problem.detail


def test_nesting_beyond_the_limit_is_refused_and_up_to_it_taken() -> None:
    def nested(levels: int) -> bytes:
        return b'{"jsonrpc":"2.0","padding":"%s","result":' % (b"x" * 600) + b"[" * levels + b"]" * levels + b"}"

    assert isinstance(decode(nested(DEEPEST - 1)), dict)
    assert decode(nested(DEEPEST)) == Undecodable(AnomalyKind.INVALID_JSON, "nested deeper than 254 levels")


def test_many_brackets_side_by_side_are_no_depth() -> None:
    assert isinstance(decode(json.dumps({"result": [[]] * 1_000}).encode()), dict)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b'{"id": 7, "result": ', 7),
        (b'{"id":"a-b"', "a-b"),
        (b'{"id":"\xff"', None),
        (b'{"id":"\x01"', None),
        (b'{"id":01', None),
        (b"{}", None),
    ],
)
def test_the_id_of_an_unreadable_line_is_guessed_when_it_is_legible(head: bytes, found: object) -> None:
    assert guess_id(head) == found


@pytest.mark.parametrize("value", [2**70, "\ud800", -(2**64)])
def test_values_that_the_fast_encoder_refuses_are_written_all_the_same(value: object) -> None:
    assert json.loads(encode({"x": value})) == {"x": value}


@pytest.mark.parametrize("value", [object(), {1, 2}])
def test_a_value_without_a_json_form_is_our_mistake(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON serializable"):
        encode({"x": value})


def test_ids_of_different_json_types_are_not_the_same() -> None:
    assert same_id(1, 1)
    assert not same_id(1, 1.0)
    assert not same_id(1, True)
    assert not same_id("1", 1)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    assert isinstance(decode(data), dict | Undecodable)
    guess_id(data)


def test_a_remembered_message_takes_little_more_memory_than_it_has_bytes():
    tracemalloc.start()
    try:
        kept = [encode({"jsonrpc": "2.0", "id": number, "method": "ping"}) for number in range(100)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 4 * sum(map(len, kept))
