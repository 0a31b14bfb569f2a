"""The model slot: leases outlive swaps, a bad artefact never serves, a rollback goes back."""

import threading

import pytest

from portfolio_project.serving import ModelRefused, ModelSlot, Problem


def refuse_negative(model: float) -> None:
    if model < 0:
        raise ArithmeticError("scored the known input as 1e9, expected 0.5")


def test_an_empty_slot_answers_503_with_retry_after():
    slot: ModelSlot[float] = ModelSlot()
    with pytest.raises(Problem) as caught, slot.lease():
        pass
    assert caught.value.status == 503
    assert "Retry-After" in caught.value.headers


def test_a_lease_keeps_its_model_through_swap_and_rollback():
    slot: ModelSlot[float] = ModelSlot()
    slot.swap("v1", 1.0)
    with slot.lease() as first:
        slot.swap("v2", 2.0)
        with slot.lease() as second:
            slot.rollback()
            assert (first.version, second.version, slot.current.version) == ("v1", "v2", "v1")
            assert (first.model, second.model) == (1.0, 2.0)


def test_a_model_that_fails_its_warm_up_does_not_serve():
    slot = ModelSlot(warm_up=refuse_negative)
    slot.swap("v1", 1.0)
    with pytest.raises(ModelRefused, match=r"model v2 failed its warm-up: .* expected 0.5"):
        slot.swap("v2", -1.0)
    assert slot.current.version == "v1"
    with pytest.raises(LookupError):
        slot.rollback()


def test_rollback_forgets_the_bad_model():
    slot: ModelSlot[int] = ModelSlot()
    for number in (1, 2, 3):
        slot.swap(f"v{number}", number)
    assert [slot.rollback().version, slot.rollback().version] == ["v2", "v1"]
    slot.swap("v4", 4)
    assert slot.rollback().version == "v1"
    with pytest.raises(LookupError, match="no earlier model"):
        slot.rollback()


def test_readers_never_see_a_model_under_another_version():
    slot: ModelSlot[int] = ModelSlot()
    slot.swap("0", 0)
    torn: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with slot.lease() as served:
                if served.version != str(served.model):
                    torn.append(served)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(300):
        slot.swap(str(number), number)
        if number % 3 == 2:
            slot.rollback()
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []
