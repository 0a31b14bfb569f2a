"""Ids of cards and terminals are in the stream and nowhere else: not in models, not in reports."""

import re
from pathlib import Path

import orjson
from pipeline import START, payment

from portfolio_project import dataset, events
from portfolio_project.provenance import Registry

ROOT = Path(__file__).parents[2]
ID = re.compile(rb"(?<![A-Za-z])(card|term|tx)-\d+")


def test_no_id_leaves_the_stream(trained):
    (lines,) = {line.value for line in [next(dataset.read_events(trained / "data/events.log"))]}
    assert ID.search(lines), "the search would find one where there is one"
    version = Registry(trained / "registry").current()
    kept = {name: version.read(name) for name in version.files}
    kept["manifest"] = version.manifest.to_bytes()
    kept |= {path.name: path.read_bytes() for path in (ROOT / "reports").glob("*.json")}
    kept["table.npz"] = (trained / "models/table.npz").read_bytes()
    assert len(kept) > 8
    assert [name for name, data in kept.items() if ID.search(data)] == []


def test_what_nobody_agreed_on_is_not_taken_in():
    """A name or a number of a person that a sender adds ends in the dead letters."""
    body = orjson.dumps(payment(holder="A. Person"))
    found = events.read_event("transactions", body, START + 1)
    assert isinstance(found, events.Rejected)
    assert "holder" in found.detail
    assert "Person" not in found.detail
