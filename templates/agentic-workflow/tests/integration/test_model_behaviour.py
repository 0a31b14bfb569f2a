"""What the model may look at, whom it treats alike, and what each kind of feature is good for."""

import time

import numpy as np
import pytest

from portfolio_project.evaluation import dataset
from portfolio_project.evaluation.run import How, evaluate
from portfolio_project.policy_model import (
    features,
    reading,
)
from portfolio_project.settings import Settings

REQUESTS = (
    "Please refund order 48213, it arrived broken.",
    "Could I get write access to the CRM?",
    "Where is order #52177? The customer asks.",
    "Please order two monitors for my desk.",
)
PEOPLE = ("kai.duval", "lena.ekman", "amara.osei", "fatima.walker", "dev.farah", "olga.klein2")


def cases_of(split):
    return [c for c in dataset.load() if c.split == split and c.task.second is None]


def share_right(model, cases):
    def right(case):
        read = model.reader.read(case.text, case.task.requester)
        return read.intent == case.task.intent and read.slots == case.task.slots

    return np.mean([right(case) for case in cases])


@pytest.mark.parametrize("text", REQUESTS)
def test_a_ticket_is_read_the_same_whoever_sends_it(model, text):
    read = [model.reader.read(text, f"{name}@corp.example") for name in PEOPLE]

    assert len({(r.intent, r.confidence) for r in read}) == 1
    facts = [{k: v for k, v in r.slots.items() if k != "email"} for r in read]
    assert all(told == facts[0] for told in facts)


def test_a_ticket_is_read_the_same_whomever_it_is_about(model):
    text = "Give {}@corp.example read access to analytics, they report to me."
    read = [model.reader.read(text.format(name), "boss.person@corp.example") for name in PEOPLE]

    assert [r.slots["email"] for r in read] == [f"{name}@corp.example" for name in PEOPLE]
    assert len({(r.intent, r.confidence, r.slots["system"], r.slots["role"]) for r in read}) == 1


KINDS = pytest.mark.parametrize(
    "kind", ["w:", "b:", "s:", "c:"], ids=["words", "pairs", "pairs with a gap", "pieces"]
)


def without(kind):
    """Return the features of a text but for one kind."""
    whole = reading.text_features
    return lambda text: tuple(name for name in whole(text) if not name.startswith(kind))


@KINDS
def test_no_kind_of_feature_can_be_left_out(model, kind, monkeypatch):
    cases = cases_of("held_out") + cases_of("familiar")
    with_all = share_right(model, cases)
    monkeypatch.setattr(reading, "text_features", without(kind))

    assert share_right(model, cases) < with_all


@KINDS
def test_no_kind_of_feature_takes_half_of_a_readings_time(model, kind, monkeypatch):
    cases = cases_of("held_out")[:60]
    with_all = least_seconds(model, cases)
    monkeypatch.setattr(reading, "text_features", without(kind))

    assert least_seconds(model, cases) > with_all / 2


def least_seconds(model, cases):
    """Seconds of CPU for reading the cases: the least of five tries, with nothing remembered."""
    tries = []
    for _ in range(5):
        for remembered in (features.mask, features.text_features, features._pieces):
            remembered.cache_clear()
        start = time.process_time()
        share_right(model, cases)
        tries.append(time.process_time() - start)
    return min(tries)


def test_what_is_read_rightly_ends_right_more_often(model):
    cases = cases_of("held_out")[::4]
    grades = evaluate(cases, model, Settings(), How(threshold=0.0)).grades
    read = np.array([share_right(model, [case]) for case in cases], bool)
    ended = np.array([grade.right for grade in grades])

    assert ended[read].mean() > ended[~read].mean() + 0.3


def test_one_ticket_can_be_followed_from_its_reading_to_its_end(model):
    (case,) = [c for c in cases_of("familiar") if c.changes and c.outcome == "resolved"][:1]
    (grade,) = evaluate([case], model, Settings(), How(threshold=0.0)).grades

    story = {step["kind"]: step for step in grade.story}
    assert story["triaged"].keys() >= {"intent", "confidence"}
    assert story["tool"].keys() >= {"tool", "arguments", "result"}
    assert story["closed"]["outcome"] == grade.outcome
