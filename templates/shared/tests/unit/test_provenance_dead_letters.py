"""A refused record is kept as it was, with its reason, until somebody deals with it."""

import errno
import math
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio_project.provenance import DeadLetters

records = st.one_of(
    st.binary(),
    st.text(st.characters()),
    st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False) | st.none()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(records, st.text()), max_size=5))
def test_every_record_comes_back_as_it_was_given(tmp_path_factory, given_letters):
    letters = DeadLetters(tmp_path_factory.mktemp("letters") / "dead.jsonl")
    for number, (record, reason) in enumerate(given_letters, 1):
        letters.add(record, reason, source="cards.csv", line=number)
    kept = [(letter.record, letter.reason) for letter in letters]
    assert kept == given_letters
    assert [letter.line for letter in letters] == list(range(1, len(given_letters) + 1))


def test_a_record_that_is_no_json_is_kept_all_the_same(tmp_path):
    letters = DeadLetters(tmp_path / "dead.jsonl")
    letters.add({"amount": math.nan}, "amount is not finite")
    letters.add({"a"}, "no mapping")
    (first, second) = letters
    assert math.isnan(first.record["amount"])
    assert second.record == "{'a'}"


def test_a_line_torn_by_a_kill_costs_only_itself(tmp_path):
    letters = DeadLetters(tmp_path / "dead.jsonl")
    letters.add("first", "bad")
    with letters.path.open("ab") as file:
        file.write(b'{"form": "json", "rec')
    assert [letter.record for letter in letters] == ["first"]
    letters.add("second", "bad")
    assert [letter.record for letter in letters] == ["first", "second"]
    assert len(letters) == 2


def test_the_same_refusals_write_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        letters = DeadLetters(tmp_path / name)
        letters.add({"b": 1, "a": 2}, "bad", source="cards.csv", line=3)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_redriving_resolves_what_now_works_and_keeps_the_rest(tmp_path):
    letters = DeadLetters(tmp_path / "dead.jsonl")
    for amount in (1, -1, 2):
        letters.add({"amount": amount}, "no such currency")
    taken = []

    def handle(letter):
        if letter.record["amount"] < 0:
            raise ValueError("amount is negative")
        taken.append(letter.record["amount"])

    done = letters.redrive(handle)
    assert (taken, done.resolved) == ([1, 2], 2)
    ((letter, reason),) = done.failed
    assert letter.record == {"amount": -1}
    assert reason == "ValueError: amount is negative"
    again = DeadLetters(letters.path)
    assert [letter.record for letter in again.pending()] == [{"amount": -1}]
    assert again.redrive(handle).resolved == 0
    assert len(again) == 3


def test_a_full_disk_is_reported_and_loses_nothing_that_was_kept(tmp_path, monkeypatch):
    letters = DeadLetters(tmp_path / "dead.jsonl")
    letters.add("first", "bad")
    write = os.write

    def half(descriptor, data):
        monkeypatch.setattr(os, "write", full)
        return write(descriptor, bytes(data)[: len(data) // 2])

    def full(_descriptor, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        letters.add("second", "bad")
    monkeypatch.undo()
    letters.add("third", "bad")
    assert [letter.record for letter in letters] == ["first", "third"]


def test_no_file_means_no_letters(tmp_path):
    assert list(DeadLetters(tmp_path / "none.jsonl")) == []
