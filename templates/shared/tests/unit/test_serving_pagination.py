"""Cursors: they lead where they say, only in their own listing, and bear no tampering."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project.serving import CursorCodec, Problem

CODEC = CursorCodec(b"secret" * 8, "scores")
positions = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def refused(codec: CursorCodec, cursor: str) -> bool:
    with pytest.raises(Problem) as caught:
        codec.decode(cursor)
    return caught.value.status == 404


@given(positions)
def test_a_cursor_leads_back_to_its_position(position):
    assert CODEC.decode(CODEC.encode(position)) == position


@given(positions, st.data())
def test_a_changed_cursor_is_refused(position, data):
    cursor = CODEC.encode(position)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda c: c != cursor[at]))
    assert refused(CODEC, cursor[:at] + other + cursor[at + 1 :])
    assert refused(CODEC, cursor[:at])
    assert refused(CODEC, cursor + other)


@given(st.text(max_size=100))
def test_any_text_is_refused(text):
    assert refused(CODEC, text)


def test_a_cursor_of_another_listing_or_secret_is_refused():
    assert refused(CODEC, CursorCodec(b"secret" * 8, "scores?min=1").encode(1))
    assert refused(CODEC, CursorCodec(b"other!" * 8, "scores").encode(1))
