"""What waits together is worked on together; too much is refused, and nothing is lost."""

import asyncio
import gc
import time

import numpy as np
import pytest

from portfolio_project.batching import Batcher, Limits, QueueFullError


class Model:
    """Embeds a number into a vector of itself; each call takes a while, however many there are."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.calls: list[list[float]] = []
        self._seconds = seconds

    def __call__(self, values):
        self.calls.append(list(values))
        time.sleep(self._seconds)
        return np.array([[value, value] for value in values], np.float32)


def run(coroutine):
    return asyncio.run(coroutine)


def test_everybody_gets_the_vector_of_what_they_asked():
    async def main():
        model = Model()
        async with Batcher(Limits(size=8)) as batcher:
            return model, await asyncio.gather(
                *(batcher.submit("m", model, [n]) for n in range(50))
            )

    model, answers = run(main())

    assert [float(one[0][0]) for one in answers] == list(range(50))
    assert max(len(call) for call in model.calls) == 8
    assert len(model.calls) <= 9


def test_one_alone_does_not_wait_for_others():
    async def main():
        async with Batcher(Limits(wait=5.0)) as batcher:
            start = time.monotonic()
            await batcher.submit("m", Model(0), [1])
            return time.monotonic() - start

    assert run(main()) < 2


def test_no_more_batches_than_threads_are_worked_on_at_once():
    class Counting(Model):
        now = most = 0

        def __call__(self, values):
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                return super().__call__(values)
            finally:
                self.now -= 1

    async def main():
        model = Counting()
        async with Batcher(Limits(size=2, threads=3)) as batcher:
            answers = await asyncio.gather(*(batcher.submit("m", model, [n]) for n in range(24)))
        return model, answers

    model, answers = run(main())

    assert [float(one[0][0]) for one in answers] == list(range(24))
    assert model.most == 3


def test_models_and_kinds_are_not_mixed():
    async def main():
        first, second = Model(), Model()
        async with Batcher(Limits()) as batcher:
            await asyncio.gather(
                *(batcher.submit("a", first, [n]) for n in range(6)),
                *(batcher.submit("b", second, [n + 100]) for n in range(6)),
            )
        return first, second

    first, second = run(main())

    assert sorted(value for call in first.calls for value in call) == list(range(6))
    assert sorted(value for call in second.calls for value in call) == list(range(100, 106))


def test_more_than_may_wait_are_refused_and_the_rest_is_answered():
    async def main():
        async with Batcher(Limits(size=2, queue=10)) as batcher:
            model = Model()
            asked = [batcher.submit("m", model, [n]) for n in range(30)]
            return batcher.statistics, await asyncio.gather(*asked, return_exceptions=True)

    statistics, answers = run(main())

    refused = [one for one in answers if isinstance(one, QueueFullError)]
    assert len(refused) == 20
    assert (statistics.inputs, statistics.refused) == (10, 20)


def test_what_waits_too_long_is_refused():
    async def main():
        async with Batcher(Limits(size=1, patience=0.05)) as batcher:
            model = Model(0.2)
            asked = [batcher.submit("m", model, [n]) for n in range(3)]
            return await asyncio.gather(*asked, return_exceptions=True)

    answers = run(main())

    assert not isinstance(answers[0], Exception)
    assert all(isinstance(one, QueueFullError) for one in answers[1:])


def test_a_failure_goes_to_those_who_asked_and_the_next_are_served():
    def break_down(_values):
        raise RuntimeError("no")

    async def main():
        async with Batcher(Limits()) as batcher:
            with pytest.raises(RuntimeError):
                await batcher.submit("bad", break_down, [1])
            return await batcher.submit("good", Model(0), [2])

    assert float(run(main())[0][0]) == 2


def test_who_asked_for_several_hears_of_a_failure_once():
    def break_down(_values):
        raise RuntimeError("no")

    async def main():
        unheard: list[dict] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
        async with Batcher(Limits()) as batcher:
            with pytest.raises(RuntimeError):
                await batcher.submit("bad", break_down, [1, 2, 3])
        gc.collect()
        await asyncio.sleep(0)
        return unheard

    assert run(main()) == []


def test_a_caller_who_leaves_takes_no_place():
    async def main():
        async with Batcher(Limits(size=1, queue=3)) as batcher:
            model = Model(0.05)
            tasks = [asyncio.create_task(batcher.submit("m", model, [n])) for n in range(3)]
            await asyncio.sleep(0.01)
            tasks[2].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return model, await batcher.submit("m", model, [9])

    model, answer = run(main())

    assert float(answer[0][0]) == 9
    assert [2] not in model.calls


def test_those_who_wait_when_the_service_stops_are_told():
    async def main():
        batcher = Batcher(Limits(size=1))
        async with batcher:
            model = Model(0.1)
            tasks = [asyncio.create_task(batcher.submit("m", model, [n])) for n in range(3)]
            await asyncio.sleep(0.02)
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)

    answers = run(main())

    assert any(isinstance(one, QueueFullError) for one in answers)
