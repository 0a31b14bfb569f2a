"""Words to numbers and back to the same vocabulary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project.vocabulary import (
    PADDING,
    UNKNOWN,
    Vocabulary,
    VocabularyError,
    words,
)


def test_words_are_told_apart_whatever_their_case_and_commas():
    assert words("A Red-ish circle, the painter's!") == [
        "a",
        "red-ish",
        "circle",
        "the",
        "painter's",
    ]


@given(st.lists(st.text(min_size=1), min_size=1))
def test_any_captions_make_a_vocabulary_that_reads_back(captions):
    try:
        made = Vocabulary.of(captions)
    except VocabularyError:
        assert not any(words(one) for one in captions)
        return
    again = Vocabulary.from_json(made.to_json())
    assert (again.encode(captions) == made.encode(captions)).all()
    assert made.encode(captions).max() < len(made)


def test_order_of_captions_does_not_matter():
    captions = ["a red ring", "a blue box", "red red box"]
    assert Vocabulary.of(captions).to_json() == Vocabulary.of(captions[::-1]).to_json()


def test_unknown_and_missing_words_have_numbers_of_their_own():
    numbers = Vocabulary.of(["red ring"]).encode(["red cat", ""])
    assert numbers[0].tolist()[1:] == [UNKNOWN, PADDING, PADDING]
    assert numbers[1].tolist() == [UNKNOWN, PADDING, PADDING, PADDING]


def test_a_damaged_file_is_named():
    with pytest.raises(VocabularyError, match=r"vocabulary\.json"):
        Vocabulary.from_json(b"{")
