"""The evaluation's file is exactly what its seeds give, expert's end states included."""

from dataclasses import replace

from portfolio_project.evaluation import dataset


def test_a_sample_of_the_data_set_comes_out_of_its_seeds_again(engine):
    kept = dataset.load()
    built = [
        *dataset._familiar(),
        *dataset._held_out(),
        *dataset._compositional(),
        *dataset._adversarial(),
    ]

    assert [(c.id, c.text, c.task) for c in built] == [(c.id, c.text, c.task) for c in kept]
    for case in kept[::25]:
        bare = replace(case, outcome="", changes=(), state="")
        assert dataset._expect(engine, bare) == case
