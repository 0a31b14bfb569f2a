"""Rows of one's own are checked at the door, and a bad one is kept with its reason."""

import json

import pytest
from pydantic import ValidationError

from portfolio_project.provenance import DeadLetters
from portfolio_project.training import ingest, rows

GOOD = {
    "requester": "ada.berg@corp.example",
    "text": "Where is order 12345?",
    "spans": [[0, 21]],
    "intent": "order_status",
    "slots": {"order_id": "ORD-12345"},
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"intent": "sing"}, "intent"),
        ({"requester": "somebody"}, "requester"),
        ({"spans": [[0, 99]]}, "outside the text"),
        ({"slots": {"colour": "red"}}, "unknown slot"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_row_of_ones_own_is_checked_at_the_door(change, field):
    assert rows.ReadingRow.model_validate(GOOD).intent == "order_status"
    with pytest.raises(ValidationError, match=field):
        rows.ReadingRow.model_validate(GOOD | change)


def test_bad_rows_go_to_the_dead_letters_with_their_reason(tmp_path):
    own = tmp_path / "own.jsonl"
    own.write_text("\n".join([json.dumps(GOOD), "no json", json.dumps(GOOD | {"intent": "x"})]))

    done = ingest.ingest(tmp_path / "data", ingest.CorpusConfig(tickets=5, traced=2), own)

    assert (done.readings, done.refused) == (6, 2)
    letters = list(DeadLetters(tmp_path / "data" / ingest.LETTERS))
    assert "intent" in letters[1].reason
