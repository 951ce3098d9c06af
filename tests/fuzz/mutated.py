"""What is nearly right: good input with pieces cut out, doubled, swapped or replaced by noise."""

from __future__ import annotations

from hypothesis import strategies as st

NOISE = [
    *(bytes([code]) for code in b"\0\xff\n\r\t \"'{}[]:,-#|>%~"),
    b"&a ", b"*a", b"!!", b"<<: ", b"\\u", b"\\ud800", b"\xed\xa0\x80", b"9" * 400, b"1e999", b"NaN", b"null",
    b"true",
    b"---\n", b"...\n", b"[" * 1200, b'{"a":' * 300, "\u2028\u202e\x9b\x1b[31m".encode(), b"\xef\xbb\xbf",
    b"\xff\xfe",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of `good` after one to four accidents."""
    data = draw(good)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(begin + 20, len(data))))
        piece = draw(st.sampled_from([b"", data[begin:end] * 2, data[:begin][-10:]]) | st.sampled_from(NOISE)
                     | st.binary(max_size=6))  # fmt: skip
        data = data[:begin] + piece + data[end:]
    return data
