"""The small model of the tests already beats the keywords, and knows when it is not sure."""

import numpy as np

from portfolio_project.evaluation import baseline, dataset


def readings(model, split):
    told = []
    for case in dataset.load():
        if case.split == split and case.task.second is None:
            read = model.reader.read(case.text, case.task.requester)
            right = read.intent == case.task.intent and read.slots == case.task.slots
            told.append((right, read.confidence, baseline.is_right(case)))
    return np.array(told, float)


def test_the_model_reads_better_than_keywords(model):
    for split, floor in (("familiar", 0.85), ("held_out", 0.65)):
        right, _, rules = readings(model, split).T

        assert right.mean() >= floor, split
        assert right.mean() > rules.mean() + 0.2, split


def test_what_it_is_sure_of_is_right_more_often(model):
    right, sure, _ = readings(model, "held_out").T
    middle = np.median(sure)

    assert right[sure >= middle].mean() > right[sure < middle].mean() + 0.1
