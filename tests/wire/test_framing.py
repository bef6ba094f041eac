from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.wire.framing import HEAD_BYTES, LineFramer, Oversized


def feed(framer: LineFramer, *chunks: bytes) -> list[bytes | Oversized]:
    return [line for chunk in chunks for line in framer.feed(chunk)]


def test_lines_come_out_without_their_newline() -> None:
    assert feed(LineFramer(100), b"one\ntwo\n\nthree") == [b"one", b"two", b""]


def test_a_line_in_pieces_comes_out_whole() -> None:
    assert feed(LineFramer(100), b"o", b"n", b"e\nt", b"wo\n") == [b"one", b"two"]


def test_a_line_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert feed(LineFramer(3), b"abc\n", b"abcd\n") == [b"abc", Oversized(b"abcd", 4)]


def test_the_line_after_an_oversized_one_is_whole() -> None:
    assert feed(LineFramer(3), b"abc", b"def", b"g\nxy\n") == [Oversized(b"abcdef", 7), b"xy"]


def test_an_oversized_line_keeps_its_head_only() -> None:
    framer = LineFramer(10)
    (line,) = feed(framer, *[b"x" * 5_000] * 4, b"\n")
    assert line == Oversized(b"x" * min(HEAD_BYTES, 5_000), 20_000)


def test_the_rest_without_a_newline_comes_at_the_end() -> None:
    framer = LineFramer(10)
    assert feed(framer, b"a\nrest") == [b"a"]
    assert framer.pending_bytes == 4
    assert framer.flush() == b"rest"
    assert framer.flush() is None


@given(st.lists(st.binary(max_size=40)), st.integers(1, 20))
def test_any_cut_gives_the_same_lines_and_none_beyond_the_limit(chunks: list[bytes], limit: int) -> None:
    framer = LineFramer(limit)
    lines = feed(framer, *chunks)
    expected = b"".join(chunks).split(b"\n")[:-1]
    assert [line.length if isinstance(line, Oversized) else len(line) for line in lines] == list(map(len, expected))
    for line, whole in zip(lines, expected, strict=True):
        assert line == whole if len(whole) <= limit else isinstance(line, Oversized)
    assert sum(map(len, framer._chunks)) <= limit
